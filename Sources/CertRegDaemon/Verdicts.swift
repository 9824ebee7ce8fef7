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
    /// Under which results are answered. Its fingerprint is that of the policies in force, also while the clock is not
    /// set: the validity is looked at again whenever a result is answered.
    var rules: AnswerRules

    init(policies: ValidationPolicies, seenKeys: SeenKeys) {
      self.policies = policies
      validator = CertificateValidator(policies: policies, seenKeys: seenKeys)
      rules = AnswerRules(
        policyFingerprint: policies.fingerprint, rejectsNotYetValid: policies[.notYetValid] == .reject,
        rejectsExpired: policies[.expired] == .reject)
    }
  }

  private let state: Mutex<(set: Current, unset: Current)>
  private let seenKeys = SeenKeys()
  private let clock: HostClock

  init(policies: ValidationPolicies, clock: HostClock) {
    self.clock = clock
    state = Mutex(Self.both(policies, seenKeys))
  }

  var current: Current {
    let isSet = clock.wall >= Version.earliestClock
    return state.withLock { isSet ? $0.set : $0.unset }
  }

  func replace(_ policies: ValidationPolicies) {
    state.withLock { $0 = Self.both(policies, seenKeys) }
  }

  private static func both(_ policies: ValidationPolicies, _ seenKeys: SeenKeys) -> (set: Current, unset: Current) {
    // While the host's clock is not set yet every certificate seems to begin in the future, which is no reason to
    // refuse it.
    var relaxed = policies
    relaxed[.notYetValid] = .allow
    var unset = Current(policies: relaxed, seenKeys: seenKeys)
    let set = Current(policies: policies, seenKeys: seenKeys)
    unset.rules.policyFingerprint = set.rules.policyFingerprint
    return (set, unset)
  }
}

extension Verdicts.Current {
  /// From the text to DER and its ID.
  func read(_ text: UnsafeRawBufferPointer) throws(ServiceError) -> (der: [UInt8], id: CertificateID) {
    let der = try CertificatePEM.decode(text, policies: policies)
    return (der, SHA256.digest(of: der))
  }
}
