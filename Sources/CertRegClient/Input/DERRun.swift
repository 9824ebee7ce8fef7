import CertRegCodec

/// DER encodings one after the other, and what follows them.
///
/// Nobody can tell from an encoding alone that bytes were inserted into it: it ends too early then, and its last bytes
/// remain. So an encoding counts only where something that makes sense follows it.
struct DERRun {
  /// Fewer bytes hold no private key. The daemon judges a certificate with so many behind it.
  private static let shortestRest = 16

  /// The encodings. The last one can be cut.
  private(set) var encodings: [ArraySlice<UInt8>] = []
  /// What follows the encodings: something else, or encodings of which one has bytes too many.
  private(set) var rest: ArraySlice<UInt8>
  /// Whether something else follows, behind the whole of the last encoding.
  private(set) var isRestSeparate = false

  /// - Parameters:
  ///   - limit: So many encodings are read at most.
  ///   - canEndInText: Whether a text can follow, as where files are joined.
  init(_ bytes: ArraySlice<UInt8>, limit: Int, canEndInText: Bool) {
    rest = bytes
    var position = bytes
    var certain = 0
    repeat {
      // The last bytes of a certificate can look like an encoding: a signature is one.
      guard encodings.isEmpty || DERRun.beginsAsCertificate(position) else { break }
      let length = DERElements.declaredLength(position) ?? position.count
      let isRestShort = position.count - length < DERRun.shortestRest
      let isWhole = !isRestShort || position.dropFirst(length).allSatisfy { $0 == 0x0A || $0 == 0x0D }
      let encoding = isWhole ? position.prefix(length) : position
      encodings.append(encoding)
      position = position.dropFirst(encoding.count).drop(while: DERRun.isPadding)
      isRestSeparate = canEndInText && position.first != 0x30 && DERRun.isText(position)
      guard position.isEmpty || isRestSeparate || DERRun.beginsAsCertificate(position) else { continue }
      certain = encodings.count
      rest = position
    } while position.first == 0x30 && encodings.count < limit
    encodings.removeLast(encodings.count - certain)
  }

  /// Whether a byte fills what is left of a block or of erased flash memory.
  private static func isPadding(_ byte: UInt8) -> Bool { Base64.isWhiteSpace(byte) || byte == 0 || byte == 0xFF }

  /// Whether a SEQUENCE of the size of a certificate begins, with another one in it.
  static func beginsAsCertificate(_ bytes: ArraySlice<UInt8>) -> Bool {
    let header = Array(bytes.prefix(6))
    return header.count == 6 && header[0] == 0x30 && header[1] == 0x82 && header[4] == 0x30 && header[5] & 0xFC == 0x80
  }

  /// Whether bytes are a text. The last bytes of a signature are none.
  private static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.count >= shortestRest && bytes.allSatisfy { (0x20...0x7E).contains($0) || Base64.isWhiteSpace($0) }
  }
}
