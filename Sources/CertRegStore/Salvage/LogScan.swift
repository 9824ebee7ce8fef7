import CertRegCore

/// The content of a write-ahead log, read as SQLite reads it at recovery (https://www.sqlite.org/fileformat2.html
/// section 4) and then on from where SQLite stops.
///
/// The checksum in a frame's header covers all frames before it, but can be computed from the header of the frame
/// before it. So each frame is judged by itself, and frames behind a damaged one are not lost to us.
struct LogScan {
  static let headerBytes = 32
  static let frameHeaderBytes = 24
  static let frameBytes = frameHeaderBytes + Schema.pageSizeBytes

  struct Frame {
    var page: Int
    /// Where the page's bytes are in the file.
    var offset: Int
    var isCommit: Bool
    /// Whether the frame's checksum follows from what the frame before says.
    var isSound: Bool
  }

  /// All frames of the log's present generation, damaged ones included.
  private(set) var frames: [Frame] = []
  /// How many frames SQLite takes over: up to the last commit before the first damaged frame.
  private(set) var committedCount = 0
  /// The log has bytes and they do not begin with a valid header.
  private(set) var isHeaderDamaged = false
  /// Where the latest sound image of each page is, whether SQLite takes it over or not.
  private(set) var latest: [Int: Int] = [:]

  /// Whether the log itself proves that acknowledged changes are lost. A transaction begins only when the one before it
  /// is on the disk, so a loss of power tears the last one at most: two commits behind the part that can be replayed
  /// are damage.
  var provesLoss: Bool { frames[committedCount...].count(where: \.isCommit) > 1 }

  /// Reads the whole log.
  init(_ file: RawFile, _ progress: OpeningProgress? = nil) {
    guard file.sizeBytes > 0 else { return }
    guard let header = file.bytes(at: 0, count: LogScan.headerBytes) else {
      isHeaderDamaged = true
      return
    }
    let isBigEndian = header.bigEndian(at: 0) == 0x377f_0683
    var running = LogChecksum(isBigEndian: isBigEndian)
    running.add(header[..<24])
    isHeaderDamaged =
      header.bigEndian(at: 0) & ~1 != 0x377f_0682 || header.bigEndian(at: 8) != Schema.pageSizeBytes
      || running != LogChecksum(isBigEndian: isBigEndian, stored: header, at: 24)
    var salts = Array(header[16..<24])
    if isHeaderDamaged, let guess = LogScan.likelySalts(file) { salts = guess }
    read(file, salts: salts, from: running, progress)
    if isHeaderDamaged { committedCount = 0 }
  }

  private mutating func read(
    _ file: RawFile, salts: [UInt8], from start: LogChecksum, _ progress: OpeningProgress?
  ) {
    var running = start
    var isUnbroken = !isHeaderDamaged
    var offset = LogScan.headerBytes
    while let frame = file.bytes(at: offset, count: LogScan.frameBytes) {
      progress?.advance()
      running.add(frame[..<8])
      running.add(frame[LogScan.frameHeaderBytes...])
      let stored = LogChecksum(isBigEndian: running.isBigEndian, stored: frame, at: 16)
      let isPresent = Array(frame[8..<16]) == salts
      // Where the header is gone nothing can be said of the first frame; what follows speaks for itself.
      let isSound = isPresent && running == stored && frame.bigEndian(at: 0) > 0
      isUnbroken = isUnbroken && isSound
      if isPresent {
        let page = frame.bigEndian(at: 0)
        let isCommit = frame.bigEndian(at: 4) != 0
        frames.append(
          Frame(page: page, offset: offset + LogScan.frameHeaderBytes, isCommit: isCommit, isSound: isSound))
        if isSound { latest[page] = offset + LogScan.frameHeaderBytes }
        if isUnbroken, isCommit { committedCount = frames.count }
      }
      running = stored
      offset += LogScan.frameBytes
    }
  }

  /// The salts that most of the first frames agree on.
  private static func likelySalts(_ file: RawFile) -> [UInt8]? {
    var votes: [[UInt8]: Int] = [:]
    for number in 0..<8 {
      if let salts = file.bytes(at: headerBytes + number * frameBytes + 8, count: 8) { votes[salts, default: 0] += 1 }
    }
    return votes.max { $0.value < $1.value }?.key
  }
}

/// The running checksum of a write-ahead log: two sums over 32-bit words that depend on each other.
struct LogChecksum: Equatable {
  let isBigEndian: Bool
  private var first: UInt32 = 0
  private var second: UInt32 = 0

  init(isBigEndian: Bool) {
    self.isBigEndian = isBigEndian
  }

  /// What a header says, always most significant byte first.
  init(isBigEndian: Bool, stored bytes: [UInt8], at offset: Int) {
    self.isBigEndian = isBigEndian
    first = UInt32(truncatingIfNeeded: bytes.bigEndian(at: offset))
    second = UInt32(truncatingIfNeeded: bytes.bigEndian(at: offset + 4))
  }

  /// Adds bytes whose number is a multiple of 8.
  mutating func add(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        let left = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        let right = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        first &+= (isBigEndian ? UInt32(bigEndian: left) : UInt32(littleEndian: left)) &+ second
        second &+= (isBigEndian ? UInt32(bigEndian: right) : UInt32(littleEndian: right)) &+ first
        offset += 8
      }
    }
  }
}
