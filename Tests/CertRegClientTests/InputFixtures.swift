import CertRegCore
import CertRegCrypto

@testable import CertRegClient

/// All entries of a source.
///
/// - Throws: why the source could not be read to its end.
func allEntries(_ path: String, _ options: InputOptions = InputOptions(), signers: [SignerCertificate] = []) throws
  -> [InputEntry]
{
  var source = try InputSource([path], options: options, signers: signers)
  try source.openFirst()
  var entries: [InputEntry] = []
  while let entry = source.next() { entries.append(entry) }
  if source.account.isIncomplete, case .failure(let error)? = entries.last?.content { throw error }
  return entries
}

/// All entries of a file with this text.
func fileEntries(_ name: String, _ text: String, _ options: InputOptions = InputOptions()) throws -> [InputEntry] {
  let folder = try TemporaryFolder()
  return try allEntries(folder.write(name, text), options)
}

/// The entries of a source that are certificates or failures.
func importEntries(_ path: String, format: InputFormat? = nil, column: String? = nil) throws -> [InputEntry] {
  var options = InputOptions()
  options.format = format
  options.column = column
  return try allEntries(path, options).filter(\.isCertificateOrFailure)
}

/// The PEM of an entry that has some.
func pem(_ entry: InputEntry) -> String? {
  if case .certificate(let certificate) = entry.content { certificate.pem } else { nil }
}

/// The message of an entry that has failed.
func fault(_ entry: InputEntry) -> String? {
  if case .failure(let error) = entry.content { error.message } else { nil }
}

/// What an entry is that was passed over.
func otherContent(_ entry: InputEntry) -> OtherContent? {
  if case .passedOver(let other) = entry.content { other } else { nil }
}

/// The certificates of a text, as they would be sent.
func certificates(_ text: String) -> [String] {
  Value.pieces(text.utf8).compactMap(\.certificate?.pem)
}
