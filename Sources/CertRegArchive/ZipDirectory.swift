/// Looks at the end of a zip archive (APPNOTE.TXT sections 4.3.14 to 4.3.16).
enum ZipDirectory {
  private static let endBytes = 22
  private static let locatorBytes = 20
  /// The longest comment after the end record.
  private static let maximumComment = 65_535

  /// Whether the directory is longer than `limit` bytes. libarchive holds the whole of it in memory, in several times the space.
  ///
  /// - Throws: what `input` throws.
  static func exceeds(_ limit: Int, in input: any ArchiveInput) throws(ArchiveError) -> Bool {
    guard let size = input.size, size > limit else { return false }
    let tail = try bytes(of: input, at: max(0, size - endBytes - maximumComment), endBytes + maximumComment)
    let found = stride(from: tail.count - endBytes, through: 0, by: -1).first {
      number(in: tail, at: $0, 4) == 0x0605_4B50
    }
    guard let end = found else { return false }
    let locator = end - locatorBytes
    guard locator >= 0, number(in: tail, at: locator, 4) == 0x0706_4B50 else {
      return number(in: tail, at: end + 12, 4) > limit
    }
    let record = try bytes(of: input, at: number(in: tail, at: locator + 8, 8), 56)
    return record.count == 56 && number(in: record, at: 40, 8) > limit
  }

  private static func bytes(of input: any ArchiveInput, at offset: Int, _ count: Int) throws(ArchiveError) -> [UInt8] {
    try input.seek(to: offset)
    var bytes: [UInt8] = []
    while bytes.count < count {
      let piece = try input.read(upTo: count - bytes.count)
      if piece.isEmpty { break }
      bytes += piece
    }
    try input.seek(to: 0)
    return bytes
  }

  /// The little-endian number of `count` bytes at `index`; the largest one where it does not fit.
  private static func number(in bytes: [UInt8], at index: Int, _ count: Int) -> Int {
    Int(clamping: bytes[index..<(index + count)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}
