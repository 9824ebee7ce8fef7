/// The certificate files of a folder, a PEM file of any length, or the regular files in a tar archive.
package struct FolderSource: ImportSource {
  private var inputs: CertificateInputs
  private let total: Int
  private var filesSeen = 0
  private var lastFile = ""

  /// - Throws: `InputError` `unreadable`.
  init(path: FilePath) throws(InputError) {
    total = try Folder.files(below: path) { _, _ in }.count
    inputs = CertificateInputs([path.description])
  }

  package var fraction: Double? {
    total == 0 ? nil : min(1, Double(filesSeen) / Double(total))
  }

  package mutating func next() -> ImportEntry? {
    while let element = inputs.next() {
      switch element {
      case .certificate(let name, let pem):
        count(name)
        return ImportEntry(name: name, pem: pem)
      case .failure(let name, let error):
        count(name)
        return ImportEntry(name: name, error: error)
      case .note(let name, _):
        count(name)
      }
    }
    return nil
  }

  private mutating func count(_ name: String) {
    let file = name.lastIndex(of: "#").map { String(name[..<$0]) } ?? name
    if file != lastFile { filesSeen += 1 }
    lastFile = file
  }
}

/// PEM blocks one after the other, of which only one is in memory.
package struct PEMSource: ImportSource {
  private let stream: ByteStream
  private let fileName: String
  private var line = 0
  private var held: [UInt8]?

  init(stream: ByteStream, fileName: String) {
    self.stream = stream
    self.fileName = fileName
  }

  package var fraction: Double? { stream.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    while let (start, block) = try nextBlock() {
      guard PEMText(block).blocks.contains(where: { $0.label.uppercased().hasSuffix("CERTIFICATE") }) else { continue }
      return ImportEntry(name: "\(fileName):\(start)", text: String(decoding: block, as: UTF8.self))
    }
    return nil
  }

  /// The lines from one BEGIN to its END, or to the next BEGIN.
  private mutating func nextBlock() throws(InputError) -> (Int, [UInt8])? {
    var block: [UInt8] = []
    var start = 0
    while let text = try takeLine() {
      let begins = text.starts(with: "-----BEGIN ".utf8)
      if begins, !block.isEmpty {
        held = text
        line -= 1
        return (start, block)
      }
      if begins { start = line }
      guard begins || !block.isEmpty else { continue }
      block.append(contentsOf: text)
      block.append(UInt8(ascii: "\n"))
      guard block.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
      if text.starts(with: "-----END ".utf8) { return (start, block) }
    }
    return block.isEmpty ? nil : (start, block)
  }

  private mutating func takeLine() throws(InputError) -> [UInt8]? {
    line += 1
    if let text = held {
      held = nil
      return text
    }
    return try stream.nextLine()
  }
}

/// A file that is one certificate.
struct SingleSource: ImportSource {
  private var entry: ImportEntry?

  init(_ entry: ImportEntry) {
    self.entry = entry
  }

  var fraction: Double? { entry == nil ? 1 : 0 }

  mutating func next() -> ImportEntry? {
    defer { entry = nil }
    return entry
  }
}
