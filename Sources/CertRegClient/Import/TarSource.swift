/// The certificate files in a tar archive (POSIX.1-1988 ustar, with the long names of pax and GNU tar), read as a stream.
package struct TarSource: ImportSource {
  private static let blockBytes = 512

  private let stream: ByteStream
  private let fileName: String
  private var ready: [ImportEntry] = []

  init(stream: ByteStream, fileName: String) {
    self.stream = stream
    self.fileName = fileName
  }

  package var fraction: Double? { stream.fraction }

  /// Whether `header` begins a tar archive.
  static func recognizes(_ header: ArraySlice<UInt8>) -> Bool {
    header.count >= 262 && header.dropFirst(257).prefix(5).elementsEqual("ustar".utf8)
  }

  package mutating func next() throws(InputError) -> ImportEntry? {
    var longName: String?
    while ready.isEmpty {
      guard let header = try block(), header.contains(where: { $0 != 0 }) else { return nil }
      guard TarSource.recognizes(header[...]), let size = TarSource.octal(header[124..<136]) else {
        throw InputError(.unreadable, "the archive is damaged")
      }
      let type = header[156]
      guard size <= ByteStream.maximumElementBytes || type == UInt8(ascii: "0") || type == 0 else {
        throw InputError(.unreadable, "the archive is damaged")
      }
      let isLarge = size > ByteStream.maximumElementBytes
      let content = try self.content(size, keeping: !isLarge)
      switch type {
      case UInt8(ascii: "L"): longName = TarSource.text(content[...])
      case UInt8(ascii: "x"): longName = TarSource.paxPath(content) ?? longName
      case UInt8(ascii: "0"), 0:
        let name = longName ?? TarSource.name(header)
        longName = nil
        ready = isLarge ? [] : entries(name: "\(fileName)/\(name)", content).reversed()
      default: longName = nil
      }
    }
    return ready.popLast()
  }

  private func entries(name: String, _ content: [UInt8]) -> [ImportEntry] {
    let last = name.split(separator: "/").last ?? ""
    guard !last.hasPrefix("."), CertificateInputs.claims(FilePath(name), content) else { return [] }
    do throws(InputError) {
      return try CertificateFile(content: content).entries.map { entry in
        ImportEntry(name: entry.number.map { "\(name)#\($0)" } ?? name, pem: entry.pem)
      }
    } catch {
      // As in a folder, a key beside its certificate is no fault: it only must not be sent.
      return error.code == .otherContent ? [] : [ImportEntry(name: name, error: error)]
    }
  }

  private func block() throws(InputError) -> [UInt8]? {
    var block: [UInt8] = []
    while block.count < TarSource.blockBytes {
      guard let byte = try stream.next() else {
        if block.isEmpty { return nil }
        throw InputError(.unreadable, "the archive breaks off")
      }
      block.append(byte)
    }
    return block
  }

  private func content(_ size: Int, keeping: Bool) throws(InputError) -> [UInt8] {
    var content: [UInt8] = []
    var left = size
    while left > 0 {
      guard let block = try block() else { throw InputError(.unreadable, "the archive breaks off") }
      if keeping { content.append(contentsOf: block.prefix(left)) }
      left -= TarSource.blockBytes
    }
    return content
  }

  private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self), radix: 8)
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
