import CertRegArchive
import CertRegCodec
import CertRegCrypto

/// The kind of an import's source.
package enum ImportFormat: String, CaseIterable, Hashable, Sendable {
  case folder
  case pem
  case der
  case pkcs7
  case csv
  case jsonl
  case microchip
  case tar
  case zip
  case sevenZip = "7z"
  case cpio

  /// Opens `path` as `format`, or, where that is `nil`, as its content tells. It can be compressed with gzip, bzip2, xz or zstd.
  ///
  /// - Parameters:
  ///   - column: The heading or member with the certificate, for tables and JSON lines.
  ///   - signers: The certificates that may sign a Microchip manifest; empty: signatures are not checked.
  /// - Throws: `InputError` where the source cannot be read or recognised.
  static func open(
    _ path: String, format: ImportFormat?, column: String? = nil, signers: [SignerCertificate] = []
  ) throws(InputError) -> (ImportFormat, any ImportSource) {
    let path = FilePath(path)
    if !path.isStandardInput, try Folder.kind(of: path) == .folder { return (.folder, FolderSource(path: path)) }
    let stream = try ByteStream(path: path)
    let name = path.isStandardInput ? "stdin" : path.description
    return try open(stream, path, name, format, column, signers)
  }

  /// Opens a stream, archives and compressed files among them.
  private static func open(
    _ stream: ByteStream, _ path: FilePath, _ name: String, _ format: ImportFormat?, _ column: String?,
    _ signers: [SignerCertificate]
  ) throws(InputError) -> (ImportFormat, any ImportSource) {
    let archive = Archive.kind(of: try stream.peek(Archive.headBytes))
    guard let archive else { return try plain(stream, path, name, format, column, signers) }
    let reader = try stream.openArchive()
    guard archive.isCompressed else {
      return (ImportFormat(rawValue: archive.rawValue) ?? .tar, ArchiveSource(reader, fileName: name))
    }
    let first: ArchiveMember?
    do throws(ArchiveError) { first = try reader.next() } catch { throw InputError(error) }
    guard let first else { throw InputError(.noCertificate, "empty") }
    guard first.path.isEmpty else { return (.tar, ArchiveSource(reader, first: first, fileName: name)) }
    return try open(ByteStream(memberOf: reader), path.withoutExtension, name, format, column, signers)
  }

  private static func plain(
    _ stream: ByteStream, _ path: FilePath, _ name: String, _ format: ImportFormat?, _ column: String?,
    _ signers: [SignerCertificate]
  ) throws(InputError) -> (ImportFormat, any ImportSource) {
    let kind = if let format { format } else { try recognize(stream, path) }
    switch kind {
    case .folder: throw InputError(.unreadable, "no folder")
    case .pem: return (kind, PEMSource(stream: stream, fileName: name))
    case .der, .pkcs7: return (kind, try WholeFileSource(stream: stream, fileName: name))
    case .csv: return (kind, try CSVSource(stream: stream, fileName: name, column: column))
    case .jsonl: return (kind, JSONLinesSource(stream: stream, fileName: name, column: column))
    case .microchip: return (kind, try MicrochipSource(stream: stream, fileName: name, signers: signers))
    case .tar, .zip, .sevenZip, .cpio: return (kind, ArchiveSource(try stream.openArchive(), fileName: name))
    }
  }

  private static func recognize(_ stream: ByteStream, _ path: FilePath) throws(InputError) -> ImportFormat {
    let beginning = try stream.peek(512)
    let text = beginning.starts(with: [0xEF, 0xBB, 0xBF]) ? beginning.dropFirst(3) : beginning
    guard let first = text.first(where: { !Base64.isWhiteSpace($0) }) else { throw InputError(.noCertificate, "empty") }
    if first == UInt8(ascii: "["), path.fileExtension != "csv" { return .microchip }
    if first == UInt8(ascii: "{") { return .jsonl }
    if ["csv", "tsv"].contains(path.fileExtension) { return .csv }
    if ["jsonl", "ndjson"].contains(path.fileExtension) { return .jsonl }
    if first == 0x30, text.contains(where: { $0 < 0x09 }) { return DEROutline(Array(text)) == .pkcs7 ? .pkcs7 : .der }
    let begins = text.drop(while: Base64.isWhiteSpace)
    if begins.starts(with: "-----BEGIN PKCS".utf8) || begins.starts(with: "-----BEGIN CMS".utf8) { return .pkcs7 }
    if ["p7b", "p7c"].contains(path.fileExtension) { return .pkcs7 }
    if text.starts(with: "-----BEGIN ".utf8) || ["pem", "crt", "cer"].contains(path.fileExtension) { return .pem }
    if text.prefix(while: { $0 != UInt8(ascii: "\n") }).contains(UInt8(ascii: ",")) { return .csv }
    throw InputError(
      .unreadable, "its form is not recognised",
      advice: "name it with --format: \(allCases.map(\.rawValue).joined(separator: ", "))")
  }
}
