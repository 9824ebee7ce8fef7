/// Under which rules a result that is known may be answered. A result that breaks them is still known.
package struct AnswerRules: Hashable, Sendable {
  /// Identifies the set of policies in force. A result whose certificate was judged under another set needs a new
  /// verdict.
  package var policyFingerprint: Int64
  /// Whether a certificate is refused before its `notBefore`.
  package var rejectsNotYetValid: Bool
  /// Whether a certificate is refused after its `notAfter`.
  package var rejectsExpired: Bool

  package init(policyFingerprint: Int64, rejectsNotYetValid: Bool, rejectsExpired: Bool) {
    self.policyFingerprint = policyFingerprint
    self.rejectsNotYetValid = rejectsNotYetValid
    self.rejectsExpired = rejectsExpired
  }

  /// In which seconds a certificate that was accepted on `basis` is still accepted; `nil`: it has to be judged anew.
  ///
  /// Both bounds are inclusive (RFC 5280 section 4.1.2.5), so the window ends a second after `notAfter`.
  func window(of basis: VerdictBasis) -> AnswerWindow? {
    guard basis.policyFingerprint == policyFingerprint else { return nil }
    let end = basis.notAfter.seconds32
    return AnswerWindow(
      from: rejectsNotYetValid ? basis.notBefore.seconds32 : 0,
      until: rejectsExpired && end < .max ? end + 1 : .max)
  }
}

/// Seconds since 1970 in which a result may be answered.
package struct AnswerWindow: Hashable, Sendable {
  /// The first second in which it may be answered.
  package var from: UInt32
  /// The first second in which it may not.
  package var until: UInt32

  package init(from: UInt32, until: UInt32) {
    self.from = from
    self.until = until
  }

  /// Whether a result may be answered at `time`.
  package func contains(_ time: WallTime) -> Bool {
    let second = time.seconds32
    return from <= second && second < until
  }
}
