import CertRegArchive
import CertRegCodec

/// Opens a file that is base64 of a table, of JSON or of an archive as what it stands for. Base64 of certificates is
/// read by ``Base64Reader``.
enum EncodedSource {
  /// The reader of the decoded content; `nil` for anything else.
  ///
  /// - Throws: `InputError` where the stream cannot be read, or is too long to be decoded.
  static func reader(
    _ stream: ByteStream, _ head: SourceHead, _ path: FilePath, name: String, _ context: InputContext
  ) throws(InputError) -> (any InputReader)? {
    guard context.takesEncoding, let text = head.text, Base64Reader.recognises(text), isTableOrArchive(text, path)
    else { return nil }
    let encoded = try stream.takeAll(limit: FileReader.maximumBytes)
    guard let content = Value.decoded(encoded) else {
      stream.putBack(encoded[...])
      return nil
    }
    return try InputOpener.reader(ByteStream(content), path: path.withoutExtension, name: name, context.ofEncoding)
  }

  /// Whether the beginning of a text stands for the beginning of a table, of JSON or of an archive.
  private static func isTableOrArchive(_ text: [UInt8], _ path: FilePath) -> Bool {
    let digits = text.filter { !Base64.isWhiteSpace($0) }
    let isComplete = text.count < SourceHead.maximumBytes
    let whole = isComplete ? digits[...] : digits.dropLast(digits.count % 4)
    guard let bytes = Value.decoded(Array(whole)), bytes.first != 0x30 else { return false }
    if Archive.kind(of: bytes[...]) != nil { return true }
    guard let decoded = TextEncoding.text(of: bytes) else { return false }
    let head = SourceHead(
      raw: bytes[...], text: decoded, isComplete: isComplete, fileExtension: path.withoutExtension.fileExtension)
    return InputForms.form(of: head, named: nil)?.hasNames == true
  }
}
