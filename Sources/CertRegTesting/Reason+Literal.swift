package import CertRegCore

/// Tests write reasons out, as clients see them.
extension Reason: ExpressibleByStringLiteral {
  /// Takes `text` as it is, so that a test can name a reason that the code does not have.
  package init(stringLiteral text: String) {
    self.init(rawValue: text)
  }
}
