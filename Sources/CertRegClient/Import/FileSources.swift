/// Reads the certificate files of a folder.
package struct FolderSource: ImportSource {
  private var inputs: CertificateInputs

  init(path: FilePath) {
    inputs = CertificateInputs([path.description])
  }

  package var fraction: Double? { inputs.fraction }

  package mutating func next() -> ImportEntry? {
    while let element = inputs.next() {
      switch element {
      case .certificate(let name, let pem): return ImportEntry(name: name, pem: pem)
      case .failure(let name, let error): return ImportEntry(name: name, error: error)
      case .note: continue
      }
    }
    return nil
  }
}

/// Reads PEM blocks one after the other, with one in memory at a time.
package struct PEMSource: ImportSource {
  private let stream: ByteStream
  private let fileName: String
  private var line = 0
  private var held: [UInt8]?
  private var ready: [ImportEntry] = []

  init(stream: ByteStream, fileName: String) {
    self.stream = stream
    self.fileName = fileName
  }

  package var fraction: Double? { stream.fraction }

  package mutating func next() throws(InputError) -> ImportEntry? {
    while ready.isEmpty {
      guard let (start, block) = try nextBlock() else { return nil }
      let blocks = PEMText(block).blocks
      guard blocks.contains(where: { $0.label.uppercased().hasSuffix("CERTIFICATE") || $0.holdsPKCS7 }) else {
        continue
      }
      ready = ImportEntry.entries(name: "\(fileName):\(start)", content: block).reversed()
    }
    return ready.popLast()
  }

  /// The lines from a BEGIN to its END, or to the next BEGIN.
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

/// Reads a file as a whole: one certificate, or PKCS#7 with any number of them.
struct WholeFileSource: ImportSource {
  private let entries: [ImportEntry]
  private var index = 0

  init(stream: ByteStream, fileName: String) throws(InputError) {
    entries = ImportEntry.entries(name: fileName, content: try stream.takeAll(limit: FileReader.maximumBytes))
  }

  var fraction: Double? { entries.isEmpty ? nil : Double(index) / Double(entries.count) }

  mutating func next() -> ImportEntry? {
    guard index < entries.count else { return nil }
    defer { index += 1 }
    return entries[index]
  }
}
