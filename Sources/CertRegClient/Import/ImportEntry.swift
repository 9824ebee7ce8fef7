import CertRegCodec
package import CertRegCore
import CertRegCrypto

/// One entry of an import: its place, and its certificate or the reason why there is none.
package struct ImportEntry: Hashable, Sendable {
  /// The place in the source, with the device's name where the source has one: `batch.csv:12 0123f1822c38dd7a01`. Untrusted.
  package var name: String
  /// The value of `certificatePem`, or why there is none.
  package var content: Result<String, InputError>

  /// An entry with `pem` as the value of `certificatePem`.
  package init(name: String, pem: String) {
    self.name = name
    content = .success(pem)
  }

  /// An entry without a certificate.
  package init(name: String, error: InputError) {
    self.name = name
    content = .failure(error)
  }

  /// The entries of a file: one for each certificate, or one that says why there is none.
  static func entries(name: String, content: [UInt8]) -> [ImportEntry] {
    do throws(InputError) {
      return try CertificateFile(content: content).entries.map { entry in
        ImportEntry(name: entry.number.map { "\(name)#\($0)" } ?? name, pem: entry.pem)
      }
    } catch {
      return [ImportEntry(name: name, error: error)]
    }
  }

  /// The entries of a file in an archive; none for files that neither contain a certificate nor are named like one.
  static func entries(ofMember name: String, _ content: [UInt8]) -> [ImportEntry] {
    guard CertificateInputs.claims(FilePath(name), content) else { return [] }
    let entries = ImportEntry.entries(name: name, content: content)
    // As in a folder, a key next to its certificate is not a failure. It must not be sent.
    if case .failure(let error)? = entries.first?.content, error.code == .otherContent { return [] }
    return entries
  }

  /// Reads a certificate as sources write it: PEM, with line ends or the two characters `\n`, or base64 of DER. Of several
  /// certificates the first is taken: in a chain it is the device's own.
  init(name: String, text: String) {
    let unescaped = text.contains("\\n") && !text.contains("\n") ? text.unescapingLineEnds : text
    do throws(InputError) {
      let file = try CertificateFile(content: Array(unescaped.utf8))
      guard let first = file.entries.first else { throw InputError(.noCertificate, "no certificate") }
      self.init(name: name, pem: first.pem)
    } catch {
      self.init(name: name, error: error)
    }
  }

  /// Identifies the certificate within the batch: the SHA-256 of its DER if the PEM can be decoded, otherwise of the text.
  package static func fingerprint(ofPEM pem: String) -> CertificateID {
    let lines = pem.utf8.split(separator: UInt8(ascii: "\n"))
    let body = lines.dropFirst().prefix { !$0.starts(with: "-----".utf8) }.joined()
    if let der = Base64.decodeAnyForm(body), !der.isEmpty { return SHA256.digest(of: der) }
    return SHA256.digest(of: pem)
  }
}

extension String {
  /// The text with line ends in place of the two characters `\n` (and `\r`).
  fileprivate var unescapingLineEnds: String {
    var result = ""
    var rest = self[...]
    while let backslash = rest.firstIndex(of: "\\") {
      result += rest[..<backslash]
      let after = rest.index(after: backslash)
      guard after < rest.endIndex else { return result + "\\" }
      switch rest[after] {
      case "n": result += "\n"
      case "r": break
      default: result += rest[backslash...after]
      }
      rest = rest[rest.index(after: after)...]
    }
    return result + rest
  }
}

/// Reads the entries of an import one after the other, and no further ahead than necessary.
package protocol ImportSource {
  /// The next entry; `nil` at the end.
  ///
  /// - Throws: `InputError` where nothing more can be read.
  mutating func next() throws(InputError) -> ImportEntry?

  /// The share that has been read, from 0 to 1; `nil` where the size is not known.
  var fraction: Double? { get }
}
