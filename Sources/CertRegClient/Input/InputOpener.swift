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
    let encoding = TextEncoding.detect(raw)
    if let encoding { stream.decodeText(encoding) }
    let peeked = try stream.peek(SourceHead.maximumBytes)
    let head = SourceHead(
      raw: raw, text: encoding == nil ? nil : Array(peeked), isComplete: peeked.count < SourceHead.maximumBytes,
      fileExtension: path.fileExtension)
    if head.text != nil, head.firstByte == nil { return SingleReader(context.entry(name, .empty)) }
    let thing = head.text.map(ContentKind.text) ?? ContentKind.binary(raw)
    let known = thing != .text && thing != .binary && context.options.format == nil
    if known, !mayHoldMore(thing, head) { return SingleReader(context.entry(name, thing)) }
    var context = context
    if thing == .text, let text = head.text {
      context.textWithoutCertificate = ContentKind.textWithoutCertificate(text)
    }
    guard let form = InputForms.form(of: head, named: context.options.format) else {
      guard let format = context.options.format else {
        return SingleReader(context.entry(name, thing == .text ? context.textWithoutCertificate : thing))
      }
      throw InputError(
        .otherContent, "\(thing.name), not what --format \(format.rawValue) says",
        advice: "leave --format out: the content tells what it is")
    }
    if context.options.format == nil, let reader = try EncodedSource.reader(stream, head, path, name: name, context) {
      return reader
    }
    return try form.reader(stream, head, name, context)
  }

  /// Whether certificates can stand beside what a text was recognised by.
  private static func mayHoldMore(_ thing: Thing, _ head: SourceHead) -> Bool {
    if thing == .xml || thing == .xmlError { return true }
    guard thing == .html || thing == .sshKey || thing.isSecret, let text = head.text else { return false }
    return text.containsText("-----BEGIN ") || InputForms.certainty(of: head) >= (thing.isSecret ? 70 : 60)
  }
}
