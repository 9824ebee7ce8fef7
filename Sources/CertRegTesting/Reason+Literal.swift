package import CertRegCore

/// Tests write reasons out, as clients see them.
extension Reason: ExpressibleByStringLiteral {
  package init(stringLiteral text: String) {
    self.init(rawValue: text)
  }
}
