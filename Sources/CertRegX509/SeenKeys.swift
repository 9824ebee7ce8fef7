import CertRegCore
import Synchronization

/// Remembers which certificate a public key was last seen in, to notice a key that several certificates share.
///
/// Bounded: past `capacity` the key that was noted longest ago is forgotten. It is for a warning alone, so that nothing
/// is kept over a restart.
package final class SeenKeys: Sendable {
  private struct State {
    var certificates: [KeyFingerprint: CertificateID] = [:]
    /// The keys in the order in which they were first noted, as a ring.
    var order: [KeyFingerprint] = []
    var oldest = 0
  }

  private let capacity: Int
  private let state = Mutex(State())

  /// - Parameter capacity: most keys that are remembered, at about 100 bytes each.
  package init(capacity: Int = 32_768) {
    self.capacity = capacity
  }

  /// Notes that `certificate` has `key`, and returns another certificate that had the same key before.
  @discardableResult
  func note(_ key: KeyFingerprint, of certificate: CertificateID) -> CertificateID? {
    state.withLock { state in
      if let known = state.certificates.updateValue(certificate, forKey: key) {
        return known == certificate ? nil : known
      }
      if state.order.count < capacity {
        state.order.append(key)
      } else {
        state.certificates[state.order[state.oldest]] = nil
        state.order[state.oldest] = key
        state.oldest = (state.oldest + 1) % capacity
      }
      return nil
    }
  }
}
