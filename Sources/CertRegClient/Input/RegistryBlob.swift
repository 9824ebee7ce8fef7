import CertRegCore

/// Collects a certificate that the registry editor of Windows has exported from a certificate store: `"Blob"=hex:03,00,…`
/// on lines that end with a backslash. The value has properties one after the other; one of them is the certificate
/// ([MS-GPEF] section 2.2.3).
struct RegistryBlob {
  private static let certificate: UInt8 = 0x20
  /// The number of a property, a one and its length, of four bytes each.
  private static let headerBytes = 12
  /// More is no certificate.
  private static let maximumBytes = 256 * 1024

  private var bytes: [UInt8] = []
  private var firstLine = 0

  /// Whether a value has begun and not ended.
  private(set) var isOpen = false

  /// Takes a line, and adds what has ended with it. Returns whether the line belongs to a value.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) -> Bool {
    var text = PEMBlock.trimmed(line)
    if !isOpen {
      guard text.first == UInt8(ascii: "\""), let start = RegistryBlob.start(text) else { return false }
      text = text[start...]
      guard RegistryBlob.beginsProperty(RegistryBlob.numbers(text)) else { return false }
      (isOpen, firstLine, bytes) = (true, number, [])
    }
    if bytes.count < RegistryBlob.maximumBytes { bytes += RegistryBlob.numbers(text) }
    if text.last != UInt8(ascii: "\\") { end(&pieces) }
    return true
  }

  /// Ends the value.
  mutating func end(_ pieces: inout [Piece]) {
    guard isOpen else { return }
    isOpen = false
    var rest = bytes[...]
    bytes = []
    while rest.count >= RegistryBlob.headerBytes {
      let header = Array(rest.prefix(RegistryBlob.headerBytes))
      let length = (8..<RegistryBlob.headerBytes).reversed().reduce(0) { $0 << 8 | Int(header[$1]) }
      rest = rest.dropFirst(RegistryBlob.headerBytes)
      guard length <= rest.count else { break }
      if header.starts(with: [RegistryBlob.certificate, 0, 0, 0]) {
        pieces += Piece.pieces(ofDER: Array(rest.prefix(length))).map { Piece(line: firstLine, content: $0.content) }
        return
      }
      rest = rest.dropFirst(length)
    }
    let error = InputError(.damagedText, "a value of the registry that breaks off, or has no certificate")
    pieces.append(Piece(line: firstLine, content: .damaged(error)))
  }

  /// Where the numbers of a binary value begin: behind `"Blob"=hex:`.
  private static func start(_ text: ArraySlice<UInt8>) -> Int? {
    guard let sign = text.firstIndex(of: UInt8(ascii: "=")), text[sign...].starts(with: "=hex".utf8) else { return nil }
    return text[sign...].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 }
  }

  /// Whether the header of a property begins.
  private static func beginsProperty(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 8 && bytes[1..<8].elementsEqual([0, 0, 0, 1, 0, 0, 0])
  }

  private static func numbers(_ text: ArraySlice<UInt8>) -> [UInt8] {
    text.split { [0x20, 0x2C, 0x5C].contains($0) }.compactMap { number in
      let values = number.compactMap(\.hexDigitValue)
      return values.count == 2 && number.count == 2 ? values[0] << 4 | values[1] : nil
    }
  }
}
