/// The textual encoding of a certificate.
package enum PEM {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// `der` as one `CERTIFICATE` block: lines of 64 characters, each ended by LF (RFC 7468 sections 2 and 5).
  package static func certificate(der: [UInt8]) -> String {
    var text: [UInt8] = []
    appendCertificate(der: der, lineEnd: "\n", to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the same block with another text for the line ends.
  package static func appendCertificate(der: [UInt8], lineEnd: StaticString, to text: inout [UInt8]) {
    func endLine() { lineEnd.withUTF8Buffer { text.append(contentsOf: $0) } }
    text.reserveCapacity(text.count + der.count / 3 * 4 + der.count / 24 + 80)
    text.append(contentsOf: "-----BEGIN CERTIFICATE-----".utf8)
    endLine()
    var column = 0
    var index = 0
    while index < der.count {
      let left = der.count - index
      let group =
        UInt32(der[index]) << 16 | (left > 1 ? UInt32(der[index + 1]) << 8 : 0)
        | (left > 2 ? UInt32(der[index + 2]) : 0)
      text.append(alphabet[Int(group >> 18 & 63)])
      text.append(alphabet[Int(group >> 12 & 63)])
      text.append(left > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
      text.append(left > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "="))
      index += 3
      column += 4
      if column == 64 {
        endLine()
        column = 0
      }
    }
    if column > 0 { endLine() }
    text.append(contentsOf: "-----END CERTIFICATE-----".utf8)
    endLine()
  }
}
