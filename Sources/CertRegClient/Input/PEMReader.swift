/// Reads a text with PEM blocks. Certificates are compared with their neighbours, to find those of issuers.
struct PEMReader: InputReader {
  private let stream: ByteStream
  private let name: String
  private let context: InputContext
  /// Whether the lines are those of a log in JSON.
  private let isLog: Bool
  private var scanner = PEMScanner()
  private var pieces: [Piece] = []
  private var ready: [InputEntry] = []
  private var hasEnded = false
  private var hasFound = false
  /// Why nothing more can be read. What was read before comes first.
  private var failure: InputError?

  init(_ stream: ByteStream, name: String, isLog: Bool = false, _ context: InputContext) {
    self.stream = stream
    self.name = name
    self.isLog = isLog
    self.context = context
  }

  var fraction: Double? { stream.fraction }

  var comparesCertificates: Bool { true }

  mutating func next() throws(InputError) -> Sighting? {
    if ready.isEmpty, failure == nil { fill() }
    if let entry = ready.popLast() { return Sighting(entry) }
    if let failure { throw failure }
    return nil
  }

  private mutating func fill() {
    while !hasEnded, pieces.count < DeviceChoice.window {
      do throws(InputError) {
        if let line = try stream.nextLine() {
          scanner.take((isLog ? JSONLog.text(of: line[...]) ?? line : line)[...], &pieces)
          continue
        }
      } catch {
        failure = error
      }
      scanner.finish(&pieces)
      hasEnded = true
    }
    let isAll = hasEnded && !hasFound
    let isOnlyOne = isAll && pieces.count == 1
    if !pieces.isEmpty { hasFound = true }
    var entries = context.entries(pieces, place: { isOnlyOne ? name : "\(name):\($0)" })
    if isAll { context.failFirst(of: &entries) }
    ready = entries.reversed()
    pieces = []
    if hasEnded, !hasFound, failure == nil {
      hasFound = true
      ready = [context.entry(name, context.textWithoutCertificate)]
    }
  }
}

/// Reads a file as a whole: DER encodings one after the other, of certificates, of PKCS#7 or of something else.
struct EncodedReader: InputReader {
  private var ready: [InputEntry]

  init(_ stream: ByteStream, name: String, _ context: InputContext) throws(InputError) {
    let content = try stream.takeAll(limit: FileReader.maximumBytes)
    let pieces = Piece.pieces(ofDER: TLSIdentity.certificates(content) ?? content)
    var entries = context.entries(pieces, place: { _ in name })
    context.failFirst(of: &entries)
    ready = entries.reversed()
  }

  var fraction: Double? { nil }

  mutating func next() -> Sighting? {
    ready.popLast().map { Sighting($0) }
  }
}

/// Gives one entry.
struct SingleReader: InputReader {
  private var entry: InputEntry?

  init(_ entry: InputEntry) {
    self.entry = entry
  }

  var fraction: Double? { nil }

  mutating func next() -> Sighting? {
    defer { entry = nil }
    return entry.map { Sighting($0) }
  }
}
