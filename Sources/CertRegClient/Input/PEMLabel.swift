import CertRegCore

/// The label of a PEM block (RFC 7468 section 2), in upper case: what it says that the block is.
enum PEMLabel {
  /// What a block is that is not to be a certificate or a bundle of certificates; `nil` for one that is.
  static func otherContent(_ label: String) -> OtherContent? {
    switch label {
    case _ where label.hasSuffix("CERTIFICATE"), "PKCS7", "PKCS #7 SIGNED DATA", "CMS": nil
    case _ where label.hasSuffix("CERTIFICATE REQUEST"): .certificateRequest
    // A misspelled label is damage.
    case _ where label.contains("CERTIF"): nil
    case "SSH2 PUBLIC KEY": .sshKey
    case "PGP MESSAGE": .openPGPMessage
    case _ where label.hasPrefix("PGP "): .openPGP
    case _ where label.hasSuffix("PUBLIC KEY"): .publicKey
    case _ where label.hasSuffix("CRL"): .revocationList
    case _ where label.hasSuffix("PARAMETERS"): .parameters
    default: .otherBlock
    }
  }

  private static let certificate = Array("CERTIFICATE".utf8)
  private static let abbreviations: Set<Substring> = ["CERT", "CERTS", "CRT", "CER"]
  /// So many letters of the word can be wrong.
  private static let mostEdits = 3

  /// Whether a label that no block has was to be that of a certificate: letters of the word are missing, others or in
  /// another order, or it is abbreviated.
  static func isMisspelled(_ label: String) -> Bool {
    if label.hasSuffix("REQUEST") { return false }
    if label.split(separator: " ").contains(where: abbreviations.contains) { return true }
    let letters = label.utf8.filter { $0 != 0x20 }
    return (certificate.count - mostEdits...certificate.count + mostEdits).contains { count in
      letters.count >= count && NearestName.distance(letters.suffix(count), certificate) <= mostEdits
    }
  }
}
