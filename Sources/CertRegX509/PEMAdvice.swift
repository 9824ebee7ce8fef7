import CertRegCodec
import CertRegCore

/// Messages for callers that sent something other than one certificate in PEM. No message repeats the text, except
/// labels.
enum PEMAdvice {
  /// For a text without a BEGIN line.
  static func noBeginLine(_ text: UnsafeRawBufferPointer) -> ServiceError {
    let expected = "the line -----BEGIN CERTIFICATE----- is required (RFC 7468 section 5.1)"
    let found: String
    if text.allSatisfy({ $0 <= 0x20 }) {
      found = "there is nothing but white space"
    } else if contains("-----BEGIN", in: text) {
      found =
        contains("\\n", in: text)
        ? "the line ends are written as the two characters \\ and n, so there is no line of its own for BEGIN"
        : contains("%20", in: text) || contains("%0A", in: text) || contains("%0a", in: text)
          ? "the text is percent-encoded as in a URL; decode it first"
          : "the text has a BEGIN that is not on a line of its own or does not end in five hyphens"
    } else if text.first == 0x30, text.count > 1, text[1] >= 0x80 {
      found = "this looks like binary DER; convert it with openssl x509 -inform DER"
    } else if startsWithEncodedBegin(text) {
      found = "this looks like PEM that was encoded in base64 once more; decode it once"
    } else if text.count > 64, text.allSatisfy(isBase64OrWhiteSpace) {
      found = "this looks like base64 without its BEGIN and END lines"
    } else {
      found = "the text has no BEGIN line"
    }
    return CertificateReason.notPEM.error("\(found); \(expected)")
  }

  /// Whether the text is the base64 of a text with a BEGIN line, as secrets of Kubernetes are written.
  private static func startsWithEncodedBegin(_ text: UnsafeRawBufferPointer) -> Bool {
    text.drop(while: Base64.isWhiteSpace).starts(with: "LS0tLS1CRUdJTi".utf8)
  }

  /// For a text whose blocks are all something else than a certificate.
  static func wrongLabel(_ text: PEMText) -> ServiceError {
    let label = text.otherLabel.map(text.name) ?? ""
    let found: String
    if text.privateKeyLabel != nil {
      let key = text.privateKeyLabel.map(text.name) ?? label
      found = "the text holds a private key (\(key)), which must never be sent here"
    } else {
      switch label {
      case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
        found = "this is a certificate signing request (\(label)); have it signed first and send the certificate"
      case "PKCS7", "CMS":
        found = "this is a bundle (\(label)); take the certificate out with openssl pkcs7 -print_certs"
      case "X509 CRL": found = "this is a revocation list (X509 CRL)"
      case "PUBLIC KEY": found = "this is a bare public key"
      case "TRUSTED CERTIFICATE":
        found = "this is OpenSSL's own form with trust settings (TRUSTED CERTIFICATE); convert it with openssl x509"
      case _ where label.uppercased() == "CERTIFICATE": found = "the label is \(label), not in capital letters"
      default: found = "the text holds \(label)"
      }
    }
    return CertificateReason.wrongPEMLabel.error("\(found); one block with the label CERTIFICATE is required")
  }

  /// For a byte in the base64 text that does not belong there.
  static func badCharacter(_ byte: UInt8, in text: PEMText, block: PEMText.Block) -> String {
    if byte == UInt8(ascii: ":") {
      return "header lines stand inside the block; a CERTIFICATE block has none (RFC 7468 section 2)"
    }
    if byte == UInt8(ascii: "\\"), contains("\\n", in: UnsafeRawBufferPointer(rebasing: text.text[block.body])) {
      return "the line ends inside the block are written as the two characters \\ and n"
    }
    if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") {
      return "the base64 text has a hyphen or an underscore: either a boundary line is damaged or this is base64url"
    }
    let isVisible = byte > 0x20 && byte < 0x7f
    let shown = isVisible ? "the character \(Character(UnicodeScalar(byte)))" : "a byte of value \(byte)"
    return "the base64 text holds \(shown), which is outside the alphabet of RFC 4648 section 4"
  }

  private static func isBase64OrWhiteSpace(_ byte: UInt8) -> Bool {
    Base64.values[Int(byte)] != Base64.invalid || Base64.isWhiteSpace(byte)
  }

  private static func contains(_ wanted: StaticString, in text: UnsafeRawBufferPointer) -> Bool {
    let count = wanted.utf8CodeUnitCount
    guard text.count >= count else { return false }
    return (0...text.count - count).contains { PEMLines.matches(wanted, in: text, at: $0) }
  }
}
