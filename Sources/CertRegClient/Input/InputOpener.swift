/// Opens files, members of archives and standard input: finds out what they are, and gives the reader for it. All verbs
/// read through this.
enum InputOpener {
  /// A reader of a stream.
  ///
  /// - Parameters:
  ///   - path: The name by which the form is told where the content does not tell.
  ///   - name: The place in entries.
  /// - Throws: `InputError` where the stream cannot be read, or the user's options do not fit it.
  static func reader(
    _ stream: ByteStream, path: FilePath, name: String, _ context: InputContext
  ) throws(InputError) -> any InputReader {
    if let archive = try ArchiveOpener.reader(stream, path: path, name: name, context) { return archive }
    let raw = try stream.peek(1024)
    if raw.isEmpty { return SingleReader(context.entry(name, .empty)) }
    if context.wasFound, raw.first == 0x30, ContentKind.isSignature(ofArchive: path) {
      return SingleReader(InputEntry(place: name, .notSelected))
    }
    let encoding = TextEncoding.detect(raw)
    if let encoding { stream.decodeText(encoding) }
    let peeked = try stream.peek(SourceHead.maximumBytes)
    let head = SourceHead(
      raw: raw, text: encoding == nil ? nil : Array(peeked), isComplete: peeked.count < SourceHead.maximumBytes,
      fileExtension: path.fileExtension)
    if head.text != nil, head.firstByte == nil { return SingleReader(context.entry(name, .empty)) }
    let other = head.text.map(ContentKind.text) ?? ContentKind.binary(raw)
    let known = other != .text && other != .binary && context.options.format == nil
    if known, !mayHoldMore(other, head) { return SingleReader(context.entry(name, other)) }
    var context = context
    if other == .text, let text = head.text {
      context.textWithoutCertificate = ContentKind.textWithoutCertificate(text)
    }
    guard let form = InputForms.form(of: head, named: context.options.format) else {
      guard let format = context.options.format else {
        return SingleReader(context.entry(name, other == .text ? context.textWithoutCertificate : other))
      }
      throw InputError(
        .otherContent, "\(other.name), not what --format \(format.rawValue) says",
        advice: "leave --format out: the content tells what it is")
    }
    if context.options.format == nil, let reader = try EncodedSource.reader(stream, head, path, name: name, context) {
      return reader
    }
    return try form.reader(stream, head, name, context)
  }

  /// Whether certificates can stand beside what a text was recognised by.
  private static func mayHoldMore(_ other: OtherContent, _ head: SourceHead) -> Bool {
    if other == .xml || other == .xmlError { return true }
    guard other == .html || other == .sshKey || other.isSecret, let text = head.text else { return false }
    return text.containsText("-----BEGIN ") || InputForms.certainty(of: head) >= (other.isSecret ? 70 : 60)
  }
}
