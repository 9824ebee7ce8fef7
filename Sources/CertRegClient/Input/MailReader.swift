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

/// What the header of a mail or of a part tells.
struct MailHeaders {
  private var values: [String: String] = [:]

  /// - Parameter text: A text that begins with a header. `nil`: it does not.
  init?(_ text: ArraySlice<UInt8>) {
    var name: String?
    var isBehind = false
    for line in text.drop(while: { $0 == 0x0A }).split(separator: 0x0A, omittingEmptySubsequences: false) {
      if line.isEmpty {
        isBehind = true
        break
      }
      if line[line.startIndex] == 0x20 || line[line.startIndex] == 0x09 {
        guard let name else { return nil }
        values[name, default: ""] += " " + TextEncoding.string(PEMBlock.trimmed(line))
      } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), MailHeaders.isName(line[..<colon]) {
        let plain = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        values[plain] = TextEncoding.string(PEMBlock.trimmed(line[(colon + 1)...]))
        name = plain
      } else {
        // The line that separates the mails of a mailbox.
        guard name == nil, line.starts(with: "From ".utf8) else { return nil }
      }
    }
    guard isBehind else { return nil }
  }

  private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { Base64.values[Int($0)] < 62 || $0 == UInt8(ascii: "-") }
  }

  private var encoding: String { values["content-transfer-encoding"]?.lowercased() ?? "" }

  /// Whether it is the header of a mail whose content is not the text itself.
  var isEncoded: Bool { boundary != nil || encoding == "base64" || encoding == "quoted-printable" }

  /// What separates the parts; `nil` where there are none.
  var boundary: [UInt8]? {
    guard let type = values["content-type"], type.lowercased().hasPrefix("multipart/") else { return nil }
    return parameter("boundary", of: type).map { Array($0.utf8) }
  }

  /// The name of an attached file.
  var fileName: String? {
    values["content-disposition"].flatMap { parameter("filename", of: $0) }
      ?? values["content-type"].flatMap { parameter("name", of: $0) }
  }

  /// Whether the part is the signature of the mail, which brings the certificate of its author.
  var isSignature: Bool {
    let type = values["content-type"]?.lowercased() ?? ""
    return type.hasPrefix("application/pkcs7-signature") || type.hasPrefix("application/x-pkcs7-signature")
  }

  private func parameter(_ name: String, of value: String) -> String? {
    for part in value.split(separator: ";").dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, DeviceFields.bare(String(pair[0])).lowercased() == name else { continue }
      let text = DeviceFields.bare(String(pair[1])).filter { $0 != "\"" }
      return text.isEmpty ? nil : text
    }
    return nil
  }

  /// The content of a part; `nil` where its encoding is damaged.
  func decoded(_ body: [UInt8]) -> [UInt8]? {
    switch encoding {
    case "base64": Base64.decodeAnyForm(body)
    case "quoted-printable": MailHeaders.unquoted(body)
    default: body
    }
  }

  /// Quoted-printable (RFC 2045 section 6.7).
  private static func unquoted(_ body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(body.count)
    var index = 0
    while index < body.count {
      if body[index] == UInt8(ascii: "=") {
        let digits = body[(index + 1)...].prefix(2)
        if digits.first == 0x0A {
          index += 2
          continue
        }
        let values = digits.compactMap(\.hexDigitValue)
        if values.count == 2 {
          result.append(values[0] << 4 | values[1])
          index += 3
          continue
        }
      }
      result.append(body[index])
      index += 1
    }
    return result
  }
}
