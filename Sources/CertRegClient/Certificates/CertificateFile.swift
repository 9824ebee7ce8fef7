import CertRegCodec
import CertRegCore

/// The certificates of one file, ready to be sent.
///
/// The file can contain PEM (one block or many), DER, or bare base64 of DER, of certificates or of PKCS#7 with certificates.
/// Private keys next to certificates are left out. The daemon judges certificates: what looks like one is passed on unchanged.
package struct CertificateFile: Hashable, Sendable {
  /// One certificate as it will be sent.
  package struct Entry: Hashable, Sendable {
    /// The certificate's position in the file, from 1; `nil` where it is the only one.
    package var number: Int?
    /// The value of `certificatePem`.
    package var pem: String

    package init(number: Int?, pem: String) {
      self.number = number
      self.pem = pem
    }
  }

  package var entries: [Entry]
  /// Descriptions of what was left out: `a private key`, `2 private keys`, `an EC PARAMETERS block`.
  package var leftOut: [String]

  /// Splits `content` into certificates.
  ///
  /// - Throws: `InputError` `noCertificate` or `otherContent` where nothing could be a certificate.
  package init(content: [UInt8]) throws(InputError) {
    let bytes = CertificateFile.decodedText(content)
    guard bytes.contains(where: { !Base64.isWhiteSpace($0) }) else { throw InputError(.noCertificate, "empty") }
    if bytes[0] == 0x30, !CertificateFile.isText(bytes) {
      self = try CertificateFile(der: bytes)
      return
    }
    guard CertificateFile.isText(bytes) else {
      throw InputError(.noCertificate, "neither PEM nor DER", advice: "certificates are read as PEM, DER or base64")
    }
    let text = PEMText(bytes)
    if text.blocks.isEmpty {
      if let der = Base64.decodeAnyForm(bytes), der.first == 0x30 {
        self = try CertificateFile(der: der)
      } else {
        // No block at all: the daemon's error is the same for every client.
        self.init(entries: [Entry(number: nil, pem: String(decoding: bytes, as: UTF8.self))], leftOut: [])
      }
      return
    }
    self = try CertificateFile(blocks: text.blocks)
  }

  private init(entries: [Entry], leftOut: [String]) {
    self.entries = entries
    self.leftOut = leftOut
  }

  private init(der: [UInt8]) throws(InputError) {
    switch DEROutline(der) {
    case .certificate, .other:
      self.init(entries: [Entry(number: nil, pem: PEM.certificate(der: der))], leftOut: [])
    case .privateKey, .encryptedPrivateKey:
      throw InputError(
        .otherContent, "a private key or PKCS#12 file, no certificate; it was not sent",
        advice: "give the certificate alone (openssl pkcs12 -in FILE -nokeys extracts those of a PKCS#12 file)")
    case .pkcs7: self.init(texts: try CertificateFile.bundled(der), leftOut: [])
    }
  }

  private init(texts: [String], leftOut: [String]) {
    self.leftOut = leftOut
    entries = texts.enumerated().map { index, text in Entry(number: texts.count > 1 ? index + 1 : nil, pem: text) }
  }

  /// The certificates of PKCS#7 as PEM.
  private static func bundled(_ der: [UInt8]) throws(InputError) -> [String] {
    guard let bundle = PKCS7Bundle(der) else {
      throw InputError(.noCertificate, "PKCS#7 that is damaged, or is no SignedData")
    }
    let texts = bundle.map { PEM.certificate(der: Array($0)) }
    guard !texts.isEmpty else { throw InputError(.noCertificate, "PKCS#7 without a certificate") }
    return texts
  }

  private init(blocks: [PEMText.Block]) throws(InputError) {
    var texts: [String] = []
    var others: [PEMText.Block] = []
    for block in blocks {
      if CertificateFile.isCertificate(block) {
        texts.append(block.text)
      } else if block.holdsPKCS7 {
        guard let der = block.content else {
          throw InputError(.noCertificate, "a \(block.label) block that is not base64")
        }
        texts += try CertificateFile.bundled(der)
      } else {
        others.append(block)
      }
    }
    let leftOut = CertificateFile.names(of: others)
    guard !texts.isEmpty else {
      throw InputError(.otherContent, "holds no certificate, only \(leftOut.joined(separator: ", "))")
    }
    self.init(texts: texts, leftOut: leftOut)
  }

  /// Whether a block may be sent. A block that ends as a key is a key, whatever its first line says.
  private static func isCertificate(_ block: PEMText.Block) -> Bool {
    block.label.uppercased().hasSuffix("CERTIFICATE") && !(block.endLabel ?? "").uppercased().contains("PRIVATE KEY")
  }

  private static func names(of blocks: [PEMText.Block]) -> [String] {
    var counts: [(name: String, count: Int)] = []
    for block in blocks {
      let isKey = (block.label + (block.endLabel ?? "")).uppercased().contains("PRIVATE KEY")
      let name = isKey ? "private key" : "\(block.label) block"
      if let index = counts.firstIndex(where: { $0.name == name }) {
        counts[index].count += 1
      } else {
        counts.append((name, 1))
      }
    }
    return counts.map { name, count in
      count == 1 ? "\("AEIOUX".contains(name.first ?? "-") ? "an" : "a") \(name)" : "\(count) \(name)s"
    }
  }

  /// Converts UTF-16 with a byte-order mark, which some consoles write, to UTF-8, and removes the mark of UTF-8.
  private static func decodedText(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
    let little = bytes.starts(with: [0xFF, 0xFE])
    guard little || bytes.starts(with: [0xFE, 0xFF]) else { return bytes }
    let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index -> UInt16 in
      let high = UInt16(little ? bytes[index + 1] : bytes[index])
      let low = UInt16(little ? bytes[index] : bytes[index + 1])
      return high << 8 | low
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  /// Whether the bytes can be text in some encoding. DER has control characters near its beginning.
  private static func isText(_ bytes: [UInt8]) -> Bool {
    !bytes.prefix(4096).contains { $0 < 0x20 && !Base64.isWhiteSpace($0) && $0 != 0x1B }
  }
}
