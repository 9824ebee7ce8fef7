import CertRegCodec

extension SyntaxFault {
  /// The stable word of the wire's error.
  var reason: RequestReason {
    switch kind {
    case .byteOrderMark: .byteOrderMark
    case .emptyLine, .notAnObject: .notAnObject
    case .invalidUTF8: .invalidUTF8
    case .trailingData: .trailingData
    case .tooDeep: .nestingTooDeep
    default: .invalidJSON
    }
  }
}
