import CertRegCore
import CertRegCrypto
import CertRegX509
import Synchronization

/// The verdict on certificates under the policies in force, and whether an earlier one still holds.
final class Verdicts: Sendable {
  /// Everything that depends on the policies, replaced as a whole when they change.
  struct Current: Sendable {
    var policies: ValidationPolicies
    var validator: CertificateValidator
    /// That of the policies in force, also while the clock is not set: what depends on the time is looked at again whenever
    /// a result is answered.
    var fingerprint: Int64

    init(policies: ValidationPolicies, seenKeys: SeenKeys) {
      self.policies = policies
      validator = CertificateValidator(policies: policies, seenKeys: seenKeys)
      fingerprint = policies.fingerprint
    }
  }

  private let state: Mutex<(set: Current, unset: Current)>
  private let seenKeys = SeenKeys()

  init(policies: ValidationPolicies) {
    state = Mutex(Self.both(policies, seenKeys))
  }

  var current: Current {
    let isSet = SystemClock.wall >= Version.earliestClock
    return state.withLock { isSet ? $0.set : $0.unset }
  }

  func replace(_ policies: ValidationPolicies) {
    state.withLock { $0 = Self.both(policies, seenKeys) }
  }

  private static func both(_ policies: ValidationPolicies, _ seenKeys: SeenKeys) -> (set: Current, unset: Current) {
    // While the host's clock is not set yet every certificate seems to begin in the future, which is no reason to refuse it.
    var relaxed = policies
    relaxed[.notYetValid] = .allow
    var unset = Current(policies: relaxed, seenKeys: seenKeys)
    let set = Current(policies: policies, seenKeys: seenKeys)
    unset.fingerprint = set.fingerprint
    return (set, unset)
  }
}

extension Verdicts.Current {
  /// From the text to DER and its ID.
  func read(_ text: UnsafeRawBufferPointer) throws(ServiceError) -> (der: [UInt8], id: CertificateID) {
    let der = try CertificatePEM.decode(text, policies: policies)
    return (der, SHA256.digest(of: der))
  }

  /// Whether a certificate that was accepted on `basis` would be accepted now, as far as that can be told without it.
  func stillHolds(_ basis: VerdictBasis, now: WallTime) -> Bool {
    basis.policyFingerprint == fingerprint && validator.recheck(basis, now: now) == nil
  }
}
