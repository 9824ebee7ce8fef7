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
    var fingerprint: Int64

    init(policies: ValidationPolicies, seenKeys: SeenKeys) {
      self.policies = policies
      validator = CertificateValidator(policies: policies, seenKeys: seenKeys)
      fingerprint = policies.fingerprint
    }
  }

  private let state: Mutex<Current>
  private let seenKeys = SeenKeys()

  init(policies: ValidationPolicies) {
    state = Mutex(Current(policies: policies, seenKeys: seenKeys))
  }

  var current: Current { state.withLock { $0 } }

  func replace(_ policies: ValidationPolicies) {
    state.withLock { $0 = Current(policies: policies, seenKeys: seenKeys) }
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
