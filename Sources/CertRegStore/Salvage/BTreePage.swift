/// The bytes of one page, read as a page of a b-tree (https://www.sqlite.org/fileformat2.html section 1.6). Nothing in
/// them is believed: every number is checked against the page's bounds, and a record that does not fit is skipped.
struct BTreePage {
  private enum Kind: UInt8 {
    case indexInterior = 0x02
    case indexLeaf = 0x0a
    case tableLeaf = 0x0d
  }

  /// Largest record that is put together. No row of ours comes near it, and a damaged length must not ask for
  /// gigabytes.
  private static let recordLimitBytes = 1 << 20

  private let bytes: [UInt8]
  /// Where the page's header begins: page 1 has the database's header before it.
  private let start: Int

  /// `bytes`: a whole page.
  init(_ bytes: [UInt8], number: Int) {
    self.bytes = bytes
    start = number == 1 ? 100 : 0
  }

  /// Calls `body` with each record that can be read. `overflow` returns the pages in which long records go on.
  func forEachRecord<Failure: Error>(
    overflow: (Int) -> [UInt8]?, _ body: (PageRecord) throws(Failure) -> Void
  ) throws(Failure) {
    guard bytes.count == Schema.pageSizeBytes, let kind = Kind(rawValue: bytes[start]) else { return }
    let pointers = start + (kind == .indexInterior ? 12 : 8)
    let count = bytes.bigEndian(at: start + 3, count: 2)
    guard pointers + 2 * count <= bytes.count else { return }
    for index in 0..<count {
      let cell = bytes.bigEndian(at: pointers + 2 * index, count: 2)
      if let record = record(at: cell, kind, overflow: overflow) { try body(record) }
    }
  }

  private func record(at cell: Int, _ kind: Kind, overflow: (Int) -> [UInt8]?) -> PageRecord? {
    var reader = VariableLengthReader(bytes, at: kind == .indexInterior ? cell + 4 : cell)
    guard let length = reader.next(), length > 0, length <= BTreePage.recordLimitBytes else { return nil }
    var rowNumber: Int64?
    if kind == .tableLeaf {
      guard let number = reader.next() else { return nil }
      rowNumber = number
    }
    let size = Int(length)
    let local = BTreePage.localBytes(of: size, isTable: kind == .tableLeaf)
    guard reader.offset + local <= bytes.count else { return nil }
    var payload = Array(bytes[reader.offset..<reader.offset + local])
    if local < size {
      guard reader.offset + local + 4 <= bytes.count else { return nil }
      var next = bytes.bigEndian(at: reader.offset + local)
      payload.reserveCapacity(size)
      // The chain cannot go in circles: each page brings the record nearer to its end.
      while payload.count < size {
        guard next != 0, let page = overflow(next) else { return nil }
        payload += page[4..<min(page.count, 4 + size - payload.count)]
        next = page.bigEndian(at: 0)
      }
    }
    return PageRecord(payload: payload, rowNumber: rowNumber)
  }

  /// How much of a record of `size` bytes is on the page itself.
  private static func localBytes(of size: Int, isTable: Bool) -> Int {
    let usable = Schema.pageSizeBytes
    let most = isTable ? usable - 35 : (usable - 12) * 64 / 255 - 23
    if size <= most { return size }
    let least = (usable - 12) * 32 / 255 - 23
    let fitting = least + (size - least) % (usable - 4)
    return fitting <= most ? fitting : least
  }
}

/// Reads SQLite's integers of one to nine bytes, seven bits in each but the ninth.
struct VariableLengthReader {
  private let bytes: [UInt8]
  private(set) var offset: Int

  init(_ bytes: [UInt8], at offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The next integer; `nil` where the bytes end within it.
  mutating func next() -> Int64? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard offset < bytes.count else { return nil }
      let byte = bytes[offset]
      offset += 1
      if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
      value = value << 7 | UInt64(byte & 0x7f)
      if byte < 0x80 { return Int64(bitPattern: value) }
    }
    return nil
  }
}
