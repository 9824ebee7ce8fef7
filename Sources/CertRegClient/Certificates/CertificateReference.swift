import CertRegCore

/// A word of the command line that names a certificate by its ID: as certregd prints it, as an ARN, or as the
/// fingerprint that OpenSSL and browsers show.
enum CertificateReference {
  /// The ID that `word` stands for; `nil` if it is something else, such as a file's name.
  ///
  /// - Throws: `InputError` if the word can only be meant for an ID, and is none.
  static func id(_ word: String) throws(InputError) -> CertificateID? {
    if word.hasPrefix("arn:") { return try id(ofARN: word) }
    var digits = word[...]
    // What `openssl x509 -fingerprint -sha256` prints.
    if word.lowercased().contains("fingerprint="), let equals = word.lastIndex(of: "=") {
      digits = word[word.index(after: equals)...]
    }
    let isCut = digits.last == "…"
    let hex = digits.lowercased().filter { $0 != ":" && $0 != "…" }
    if let id = CertificateID(hex: Array(hex.utf8)) { return id }
    // A file may have such a name.
    guard !hex.isEmpty, hex.utf8.allSatisfy(isHexadecimal), !FilePath(word).exists else { return nil }
    if digits.contains(":") || digits.count < word.count {
      throw InputError(
        .notAnID, "the fingerprint has \(hex.count * 4) bits, and an ID is the SHA-256 of a certificate, of 256",
        advice: "openssl x509 -in FILE -noout -fingerprint -sha256")
    }
    guard hex.count >= 8 || isCut else { return nil }
    throw InputError(
      .notAnID, "an ID has 64 hexadecimal digits, and this has \(hex.count)",
      advice: "give the whole ID, the ARN, or the certificate's file: certregd does not look for beginnings of IDs")
  }

  private static func id(ofARN word: String) throws(InputError) -> CertificateID {
    let fields = word.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    let resource = "cert/"
    guard fields.count == 6, fields[2] == "iot", fields[5].hasPrefix(resource),
      let id = CertificateID(hex: Array(fields[5].dropFirst(resource.count).lowercased().utf8))
    else {
      throw InputError(
        .notAnID, "not the ARN of a certificate", advice: "it has the form arn:aws:iot:REGION:ACCOUNT:cert/ID")
    }
    return id
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
