import CertRegCodec

/// Names content that is none of the forms that are read.
enum ContentKind {
  /// What binary data is, by its first bytes.
  static func binary(_ head: ArraySlice<UInt8>) -> OtherContent {
    for (magic, other) in magics where head.starts(with: magic) { return other }
    return .binary
  }

  private static let magics: [([UInt8], OtherContent)] = [
    ([0x52, 0x61, 0x72, 0x21, 0x1A], .otherArchive), (Array("MSCF".utf8), .otherArchive),
    (Array("!<arch>".utf8), .otherArchive), ([0xED, 0xAB, 0xEE, 0xDB], .otherArchive),
    ([0xD0, 0xCF, 0x11, 0xE0], .document), (Array("%PDF-".utf8), .pdf),
    ([0x89, 0x50, 0x4E, 0x47], .image), ([0xFF, 0xD8, 0xFF], .image), (Array("GIF8".utf8), .image),
    ([0x7F, 0x45, 0x4C, 0x46], .program), (Array("MZ".utf8), .program),
    (Array("SQLite format 3".utf8), .database), (Array("PAR1".utf8), .parquet),
    ([0, 0, 0, 0] + Array("CERT".utf8), .certificateStore), ([0xFE, 0xED, 0xFE, 0xED], .keystore),
    ([0xCE, 0xCE, 0xCE, 0xCE], .keystore), ([0x99], .openPGP), ([0xC6], .openPGP), ([0x95], .openPGP),
    ([0x84], .openPGPMessage), ([0x85], .openPGPMessage), ([0x8C], .openPGPMessage),
    ([0x1E, 0xF1, 0xB5, 0xB0], .privateKey),
    ([0x5D, 0, 0], .otherArchive), ([0x1F, 0x9D], .otherArchive), (Array("age-encryption.org/".utf8), .encrypted),
  ]

  /// Whether a zip archive is a document: its first member is one of those that OOXML (ECMA-376 part 2) or OpenDocument
  /// (part 2 section 3.3) packages begin with.
  static func isDocument(zip head: [UInt8]) -> Bool {
    guard head.count > 30 else { return false }
    let name = head.dropFirst(30).prefix(Int(head[26]) | Int(head[27]) << 8)
    return ["[Content_Types].xml", "mimetype", "_rels/", "docProps/", "word/", "xl/", "ppt/", "Index/Document"].contains
    {
      name.starts(with: $0.utf8)
    }
  }

  /// Whether a file is the signature of a JAR or an Android package, which brings the certificate of its author (JAR file
  /// specification, "Signature Related Files").
  static func isSignature(ofArchive path: FilePath) -> Bool {
    let folder = path.bytes.split(separator: UInt8(ascii: "/")).dropLast().last ?? []
    return String(decoding: folder, as: UTF8.self).uppercased() == "META-INF"
      && ["rsa", "dsa", "ec"].contains(path.fileExtension)
  }

  /// What a text is in which nothing was found, by what occurs in it.
  ///
  /// - Parameter head: Its beginning.
  static func textWithoutCertificate(_ head: [UInt8]) -> OtherContent {
    let lines = head.split(separator: 0x0A, maxSplits: 100, omittingEmptySubsequences: false)
    if lines.contains(where: beginsUuencode) { return .uuencoded }
    return phrases.first { $0.words.allSatisfy { head.containsText($0) } }?.other ?? .text
  }

  /// Words that occur together in what programs print.
  private static let phrases: [(words: [StaticString], other: OtherContent)] = [
    (["arn:aws", ":iot:", ":cert/"], .certificateList),
    (["Certificate:", "Signature Algorithm: ", "Subject: "], .printedCertificate),
    (["X509 Certificate:", "Serial Number: "], .printedCertificate),
    (["Owner: ", "Certificate fingerprints:"], .printedCertificate),
  ]

  /// Whether a line has the form `begin 644 NAME`.
  static func beginsUuencode(_ line: ArraySlice<UInt8>) -> Bool {
    guard line.starts(with: "begin ".utf8) else { return false }
    let words = line.split(separator: 0x20, maxSplits: 2)
    guard words.count == 3, words[0].elementsEqual("begin".utf8) else { return false }
    return words[1].count == 3 && words[1].allSatisfy { (0x30...0x37).contains($0) }
  }

  /// What a text is, by how it begins.
  static func text(_ head: [UInt8]) -> OtherContent {
    let trimmed = PEMBlock.trimmed(head[...])
    if trimmed.isEmpty { return .empty }
    if let secret = Value.secret(head) { return secret }
    if trimmed.starts(with: "%PDF-".utf8) { return .pdf }
    // One of the beginnings below, in either case.
    guard let first = trimmed.first, "{v<seh$".utf8.contains(first == 0x24 ? first : first | 0x20) else { return .text }
    let start = String(decoding: trimmed.prefix(400), as: UTF8.self).lowercased()
    if start.hasPrefix("$ansible_vault;") { return .encrypted }
    if start.hasPrefix("{\\rtf") { return .document }
    if start.hasPrefix("version https://git-lfs.github.com/") { return .lfsPointer }
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") || start.hasPrefix("<head") { return .html }
    // Behind a comment, a declaration or the header of an answer.
    let isBehind = ["<!--", "<?xml", "http/"].contains(where: start.hasPrefix)
    if isBehind, start.contains("<html") || start.contains("<!doctype html") { return .html }
    if start.hasPrefix("<rsakeyvalue"), Array(trimmed.prefix(8192)).containsText("<D>") { return .privateKey }
    if start.hasPrefix("<error") || start.hasPrefix("<?xml") && start.contains("<error") { return .xmlError }
    if start.hasPrefix("<") { return .xml }
    let keys = ["ssh-rsa ", "ssh-ed25519 ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"]
    return keys.contains(where: start.hasPrefix) ? .sshKey : .text
  }
}
