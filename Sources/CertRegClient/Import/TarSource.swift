/// Reads the certificate files of a tar archive (POSIX.1-1988 ustar, with the long names of pax and GNU tar) as a stream.
struct TarSource: ArchiveMembers {
  private static let blockBytes = 512
  static let headBytes = 512

  private let stream: ByteStream

  init(stream: ByteStream) {
    self.stream = stream
  }

  var fraction: Double? { stream.fraction }

  /// Whether `header` begins a tar archive: its checksum is correct (POSIX.1-1988, and tar before it).
  static func recognizes(_ header: ArraySlice<UInt8>) -> Bool {
    guard header.count >= blockBytes, header.first != 0 else { return false }
    let start = header.startIndex
    let field = (start + 148)..<(start + 156)
    let sum = zip(header.indices, header.prefix(blockBytes)).reduce(0) { sum, pair in
      sum + (field.contains(pair.0) ? 0x20 : Int(pair.1))
    }
    return octal(header[field]) == sum
  }

  mutating func nextMember() throws(InputError) -> ArchiveFile? {
    var longName: String?
    while true {
      guard let header = try block(), header.contains(where: { $0 != 0 }) else { return nil }
      guard TarSource.recognizes(header[...]), let size = TarSource.octal(header[124..<136]) else {
        throw InputError(.unreadable, "the archive is damaged")
      }
      let type = header[156]
      let isFile = type == UInt8(ascii: "0") || type == 0
      let limit = ByteStream.maximumElementBytes
      guard size <= limit || isFile else { throw InputError(.unreadable, "the archive is damaged") }
      let content = try self.content(size, keeping: limit)
      switch type {
      case UInt8(ascii: "L"): longName = TarSource.text(content[...])
      case UInt8(ascii: "x"): longName = TarSource.paxPath(content) ?? longName
      // The long target of a link. Its long name can precede it.
      case UInt8(ascii: "K"): continue
      case UInt8(ascii: "0"), 0:
        let member = longName ?? TarSource.name(header)
        longName = nil
        if member.hasSuffix("/") { continue }
        return ArchiveFile(
          path: member,
          content: size > limit ? .failure(ArchiveOpener.tooLarge) : .success(ByteStream(content)))
      default: longName = nil
      }
    }
  }

  private func block() throws(InputError) -> [UInt8]? {
    let (block, count) = try stream.take(TarSource.blockBytes)
    if count == 0 { return nil }
    guard count == TarSource.blockBytes else { throw TarSource.breaksOff }
    return block
  }

  private func content(_ size: Int, keeping limit: Int) throws(InputError) -> [UInt8] {
    let padding = (TarSource.blockBytes - size % TarSource.blockBytes) % TarSource.blockBytes
    let content = try stream.take(size, keeping: size > limit ? 0 : size)
    guard content.taken == size, try stream.take(padding, keeping: 0).taken == padding else {
      throw TarSource.breaksOff
    }
    return content.bytes
  }

  private static let breaksOff = InputError(.unreadable, "the archive breaks off")

  /// A number in octal digits. Larger numbers have another form, which no certificate and no name needs.
  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func name(_ header: [UInt8]) -> String {
    let prefix = text(header[345..<500])
    return (prefix.isEmpty ? "" : prefix + "/") + text(header[0..<100])
  }

  /// The `path` of a pax header: records of the form `LENGTH path=VALUE` and LF.
  private static func paxPath(_ content: [UInt8]) -> String? {
    for record in content.split(separator: UInt8(ascii: "\n")) {
      let text = String(decoding: record, as: UTF8.self)
      if let space = text.firstIndex(of: " "), text[text.index(after: space)...].hasPrefix("path=") {
        return String(text[text.index(space, offsetBy: 6)...])
      }
    }
    return nil
  }
}
