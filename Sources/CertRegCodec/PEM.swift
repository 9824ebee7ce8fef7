/// The textual encoding of a certificate (RFC 7468).
package enum PEM {
  /// `der` as one `CERTIFICATE` block: lines of 64 characters, each ended by LF (RFC 7468 sections 2 and 5).
  package static func certificate(der: [UInt8]) -> String {
    var text: [UInt8] = []
    appendCertificate(der: der, lineEnd: "\n", to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the same block with `lineEnd` at the end of each line.
  package static func appendCertificate(der: [UInt8], lineEnd: StaticString, to text: inout [UInt8]) {
    func endLine() { lineEnd.withUTF8Buffer { text.append(contentsOf: $0) } }
    text.reserveCapacity(text.count + der.count / 3 * 4 + der.count / 24 + 80)
    text.append(contentsOf: "-----BEGIN CERTIFICATE-----".utf8)
    endLine()
    // 48 bytes make 64 characters.
    for start in stride(from: 0, to: der.count, by: 48) {
      Base64.append(der[start..<min(start + 48, der.count)], to: &text)
      endLine()
    }
    text.append(contentsOf: "-----END CERTIFICATE-----".utf8)
    endLine()
  }
}
