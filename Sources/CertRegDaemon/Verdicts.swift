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

    init(policies: ValidationPolicies) {
      self.policies = policies
      validator = CertificateValidator(policies: policies)
      fingerprint = policies.fingerprint
    }

    /// For a host whose clock is not set yet: every certificate seems to begin in the future, which is no reason to refuse it.
    var withoutClock: Current {
      var policies = policies
      policies[.notYetValid] = .allow
      var relaxed = Current(policies: policies)
      relaxed.fingerprint = fingerprint
      return relaxed
    }
  }

  private let state: Mutex<(set: Current, unset: Current)>

  init(policies: ValidationPolicies) {
    state = Mutex(Self.both(policies))
  }

  var current: Current {
    let isSet = SystemClock.wall >= Version.earliestClock
    return state.withLock { isSet ? $0.set : $0.unset }
  }

  func replace(_ policies: ValidationPolicies) {
    state.withLock { $0 = Self.both(policies) }
  }

  private static func both(_ policies: ValidationPolicies) -> (set: Current, unset: Current) {
    let current = Current(policies: policies)
    return (current, current.withoutClock)
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
