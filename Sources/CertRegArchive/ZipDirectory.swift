/// The directory at the end of a zip archive (APPNOTE.TXT sections 4.3.12 to 4.3.16).
struct ZipDirectory {
  private static let endBytes = 22
  private static let end64Bytes = 56
  private static let locatorBytes = 20
  private static let headerBytes = 46
  /// The longest comment after the end record.
  private static let maximumComment = 65_535
  /// The mark before the first member of an archive that was split (APPNOTE.TXT section 8.5.3).
  private static let splitMarkBytes = 4
  private static let headerSignature = 0x0201_4B50

  /// How many bytes the directory has.
  let size: Int
  /// Where the directory is.
  private let start: Int
  /// Where the archive says that it is.
  private let statedStart: Int
  /// Where the archive ends.
  private let end: Int

  /// The last directory of `input`; `nil` where there is none.
  ///
  /// - Throws: what `input` throws.
  init?(of input: any ArchiveInput) throws(ArchiveError) {
    guard let total = input.size else { return nil }
    let tailStart = max(0, total - ZipDirectory.endBytes - ZipDirectory.maximumComment)
    let tail = try input.bytes(at: tailStart, total - tailStart)
    let places = stride(from: tail.count - ZipDirectory.endBytes, through: 0, by: -1)
    let found = places.first { tail[$0] == 0x50 && tail.littleEndian(at: $0, 4) == 0x0605_4B50 }
    guard let found else { return nil }
    end = tailStart + found + ZipDirectory.endBytes + tail.littleEndian(at: found + 20, 2)
    var size = tail.littleEndian(at: found + 12, 4)
    var statedStart = tail.littleEndian(at: found + 16, 4)
    var behind = tailStart + found
    let locator = found - ZipDirectory.locatorBytes
    if tail.littleEndian(at: locator, 4) == 0x0706_4B50 {
      // Other data before the archive make the place that is stated wrong.
      let records = [tailStart + locator - ZipDirectory.end64Bytes, tail.littleEndian(at: locator + 8, 8)]
      for place in records where place >= 0 && place < total {
        let record = try input.bytes(at: place, ZipDirectory.end64Bytes)
        guard record.littleEndian(at: 0, 4) == 0x0606_4B50 else { continue }
        size = record.littleEndian(at: 40, 8)
        statedStart = record.littleEndian(at: 48, 8)
        behind = place
        break
      }
    }
    self.size = size
    self.statedStart = statedStart
    let start = behind - size
    if size == 0 {
      self.start = behind
    } else if start >= 0, try input.bytes(at: start, 4).littleEndian(at: 0, 4) == ZipDirectory.headerSignature {
      self.start = start
    } else {
      self.start = min(statedStart, total)
    }
  }

  /// What `input` holds besides the members of this directory; `nil` where they are all.
  ///
  /// libarchive reads what the last directory names. A zip archive before it, as cat(1) joins two, would go unnoticed.
  ///
  /// - Throws: what `input` throws.
  func otherData(in input: any ArchiveInput) throws(ArchiveError) -> String? {
    if try input.hasData(from: end) { return "other data follow the archive" }
    if size == 0 {
      if start <= ZipDirectory.splitMarkBytes { return nil }
    } else if start == statedStart, try namesFirstMember(of: input) {
      return nil
    }
    return "another archive or other data precede the members that its directory names"
  }

  /// Where a member begins: in its header, or in the extra field of ZIP64 behind the sizes that stand there, too
  /// (APPNOTE.TXT section 4.5.3).
  private func memberStart(_ header: [UInt8], at place: Int, in input: any ArchiveInput) throws(ArchiveError) -> Int {
    let start = header.littleEndian(at: 42, 4)
    guard start == 0xFFFF_FFFF else { return start }
    let sizes = [20, 24].count { header.littleEndian(at: $0, 4) == 0xFFFF_FFFF }
    let extra = try input.bytes(
      at: place + ZipDirectory.headerBytes + header.littleEndian(at: 28, 2), header.littleEndian(at: 30, 2))
    var index = 0
    while index + 4 <= extra.count {
      if extra.littleEndian(at: index, 2) == 1 { return extra.littleEndian(at: index + 4 + 8 * sizes, 8) }
      index += 4 + extra.littleEndian(at: index + 2, 2)
    }
    return start
  }

  /// Whether some member begins where the file begins.
  private func namesFirstMember(of input: any ArchiveInput) throws(ArchiveError) -> Bool {
    var place = start
    while place - start < size {
      let header = try input.bytes(at: place, ZipDirectory.headerBytes)
      guard header.littleEndian(at: 0, 4) == ZipDirectory.headerSignature, header.count == ZipDirectory.headerBytes
      else { break }
      if try memberStart(header, at: place, in: input) <= ZipDirectory.splitMarkBytes { return true }
      let lengths = [28, 30, 32].map { header.littleEndian(at: $0, 2) }
      place += ZipDirectory.headerBytes + lengths.reduce(0, +)
    }
    return false
  }
}

/// The first header of a 7z archive (7zFormat.txt of the LZMA SDK, `SignatureHeader`).
enum SevenZipHeader {
  private static let bytes = 32

  /// Whether something other than zeros follows the archive in `input`.
  ///
  /// - Throws: what `input` throws.
  static func isFollowed(in input: any ArchiveInput) throws(ArchiveError) -> Bool {
    let header = try input.bytes(at: 0, bytes)
    guard let total = input.size, header.count == bytes else { return false }
    let (offset, size) = (header.littleEndian(at: 12, 8), header.littleEndian(at: 20, 8))
    guard offset <= total, size <= total else { return false }
    return try input.hasData(from: bytes + offset + size)
  }
}
