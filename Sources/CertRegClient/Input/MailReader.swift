import CertRegCodec
import CertRegCore

/// Reads a mail (RFC 5322, RFC 2045): each of its parts like a file of a folder. Several mails can stand in one file, as
/// in a mailbox.
struct MailReader: InputReader {
  /// Parts are looked for in parts so deep: every boundary is compared with each line that may be one.
  private static let deepest = 32
  /// So many characters of the name of a part are a part of places.
  private static let longestName = 255

  private let stream: ByteStream
  private let name: String
  private let context: InputContext
  private var boundaries: [[UInt8]] = []
  private var reader: FileEntries?
  private var isAtHeaders = true
  private var isAtEnd = false
  private var partNumber = 0
  /// Whether the mail has no parts, and is read as if its text was the file.
  private let isPlain: Bool

  init(_ stream: ByteStream, head: [UInt8], name: String, _ context: InputContext) {
    self.stream = stream
    self.name = name
    isPlain = MailHeaders(head[...])?.boundary == nil
    self.context = isPlain ? context : context.ofMember
  }

  var fraction: Double? { stream.fraction }

  var hasFiles: Bool { !isPlain }

  mutating func next() throws(InputError) -> Sighting? {
    while true {
      if reader == nil {
        guard let part = try nextPart() else { return nil }
        if let sighting = open(part) { return sighting }
      }
      if let sighting = try reader?.next() { return sighting }
      reader = nil
    }
  }

  /// A part as it was sent.
  private struct Part {
    var headers: MailHeaders?
    var body: [UInt8]
  }

  /// The next part. `nil`: the end.
  private mutating func nextPart() throws(InputError) -> Part? {
    if isAtEnd { return nil }
    let headers = isAtHeaders ? MailHeaders(try takeHeaders()) : nil
    isAtHeaders = false
    if let boundary = headers?.boundary, boundaries.count < MailReader.deepest { boundaries.append(boundary) }
    var body: [UInt8] = []
    while let line = try stream.nextLine() {
      if endsPart(line) { return Part(headers: headers, body: body) }
      guard body.count + line.count < FileReader.maximumBytes else {
        throw InputError(.unreadable, "a part is larger than \(FileReader.maximumBytes / 1_048_576) MiB")
      }
      body += line + [0x0A]
    }
    isAtEnd = true
    return Part(headers: headers, body: body)
  }

  private func takeHeaders() throws(InputError) -> ArraySlice<UInt8> {
    var text: [UInt8] = []
    while text.count < SourceHead.maximumBytes, let line = try stream.nextLine() {
      text += line + [0x0A]
      if line.isEmpty, text.contains(where: { $0 != 0x0A }) { break }
    }
    return text[...]
  }

  /// Whether a part ends before a line: with the boundary of any multipart around it, or where the next mail begins.
  private mutating func endsPart(_ line: [UInt8]) -> Bool {
    if boundaries.isEmpty, !isPlain, line.starts(with: "From ".utf8) {
      isAtHeaders = true
      return true
    }
    guard line.starts(with: "--".utf8) else { return false }
    let mark = PEMBlock.trimmed(line.dropFirst(2))
    guard let index = boundaries.lastIndex(where: { mark.starts(with: $0) }) else { return false }
    let rest = mark.dropFirst(boundaries[index].count)
    guard rest.isEmpty || rest.elementsEqual("--".utf8) else { return false }
    boundaries.removeLast(boundaries.count - index - (rest.isEmpty ? 1 : 0))
    isAtHeaders = rest.isEmpty
    return true
  }

  /// Opens a part, or says why it is not opened.
  private mutating func open(_ part: Part) -> Sighting? {
    // What stands before, between and behind the parts is for readers without MIME.
    let isFrame = part.headers == nil || part.headers?.boundary != nil
    if isFrame, !isPlain, Value.pieces(part.body).isEmpty { return nil }
    partNumber += 1
    let file = part.headers?.fileName ?? ""
    let shown = file.isEmpty ? "part \(partNumber)" : String(file.prefix(MailReader.longestName))
    let place = isPlain ? name : "\(name)!\(shown)"
    if part.headers?.isSignature == true { return Sighting(InputEntry(place: place, .notSelected)) }
    guard let content = part.headers.map({ $0.decoded(part.body) }) ?? part.body else {
      return Sighting(InputEntry(place: place, InputError(.damagedText, "a part in base64 that is damaged")))
    }
    do throws(InputError) {
      let opened = try InputOpener.reader(ByteStream(content), path: FilePath(file), name: place, context.ofEncoding)
      reader = FileEntries(opened, place: place, context)
      return nil
    } catch {
      return Sighting(InputEntry(place: place, error))
    }
  }
}
