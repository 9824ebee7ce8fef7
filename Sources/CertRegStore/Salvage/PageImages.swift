import CertRegCore

/// The pages of a damaged database, each in its latest image: from the log where it has one, else from the database
/// file.
struct PageImages {
  private let database: RawFile?
  private let log: RawFile?
  let scan: LogScan?
  private var freed: Set<Int> = []

  /// - Parameter path: another file than the database's own log.
  /// - Throws: `failed` where a file cannot be opened.
  init(
    _ directory: StateDirectory, log path: String? = nil, _ progress: OpeningProgress? = nil
  ) throws(StoreError) {
    database = try RawFile(path: directory.database)
    log = try RawFile(path: path ?? directory.log)
    scan = log.map { LogScan($0, progress) }
    freed = FreeList(firstPage: latest(1), pageCount: pageCount, page: latest).pages
  }

  /// Number of the last page that there is any image of. Pages are numbered from 1.
  var pageCount: Int {
    // A page at the end of a truncated file may be there in part.
    let inDatabase = ((database?.sizeBytes ?? 0) + Schema.pageSizeBytes - 1) / Schema.pageSizeBytes
    return max(inDatabase, scan?.latest.keys.max() ?? 0)
  }

  /// The 100 bytes of the database's header (https://www.sqlite.org/fileformat2.html section 1.3) as SQLite would see
  /// them; `nil` where there is no database, or nothing in it.
  var header: [UInt8]? {
    let replayed = scan?.frames.prefix(scan?.committedCount ?? 0).last { $0.page == 1 }
    if let replayed { return log?.bytes(at: replayed.offset, count: 100) }
    guard let database, database.sizeBytes > 0 else { return nil }
    return database.bytes(at: 0, count: min(100, database.sizeBytes))
  }

  /// The latest image of a page; `nil` where there is none or the disk cannot read it.
  func latest(_ number: Int) -> [UInt8]? {
    if let offset = scan?.latest[number] { return log?.bytes(at: offset, count: Schema.pageSizeBytes) }
    return page(inDatabase: number)
  }

  /// The page as the database file has it, filled up with zeros where the file ends within it.
  private func page(inDatabase number: Int) -> [UInt8]? {
    guard let database, number > 0 else { return nil }
    let offset = (number - 1) * Schema.pageSizeBytes
    let count = min(Schema.pageSizeBytes, database.sizeBytes - offset)
    guard count > 0, let bytes = database.bytes(at: offset, count: count) else { return nil }
    return bytes + [UInt8](repeating: 0, count: Schema.pageSizeBytes - count)
  }

  /// Whether the image of a page at `offset` of the log, or in the database (`nil`), was free when the first page was
  /// last written. An image that is newer than the first page's may be in use again.
  private func isFreed(_ number: Int, at offset: Int?) -> Bool {
    freed.contains(number) && (offset ?? 0) <= (scan?.latest[1] ?? 0)
  }

  /// Which pages are looked at.
  enum Scope {
    /// All that there is any image of.
    case everything
    /// Those in the log.
    case log
  }

  /// Calls `body` with the latest image of each page in use from page `first` on, then with frames of the log whose
  /// checksum does not hold, in which single rows may still be whole. Not with one that a later sound frame of the same
  /// page replaced: what that has no more was removed. The frames' number is one above the last page's.
  func forEachPage(
    _ scope: Scope, from first: Int = 1, _ body: (Int, BTreePage) throws(DatabaseFault) -> Void
  ) throws(DatabaseFault) {
    let end = pageCount + 1
    switch scope {
    case .everything:
      for number in min(max(1, first), end)..<end { try visit(number, body) }
    case .log:
      for number in (scan?.latest.keys.sorted() ?? []) where number >= first { try visit(number, body) }
    }
    for frame in scan?.frames ?? [] where !frame.isSound && !isFreed(frame.page, at: frame.offset) {
      guard frame.offset > scan?.latest[frame.page] ?? 0 else { continue }
      guard let bytes = log?.bytes(at: frame.offset, count: Schema.pageSizeBytes) else { continue }
      try body(end, BTreePage(bytes, number: frame.page))
    }
  }

  private func visit(_ number: Int, _ body: (Int, BTreePage) throws(DatabaseFault) -> Void) throws(DatabaseFault) {
    guard !isFreed(number, at: scan?.latest[number]), let bytes = latest(number) else { return }
    try body(number, BTreePage(bytes, number: number))
  }

  /// A number that tells these files from others: their sizes, the database's first page and the log's beginning.
  var fingerprint: Int64 {
    var checksum = RowChecksum(.state)
    checksum.add(Int64(database?.sizeBytes ?? 0))
    checksum.add(Int64(log?.sizeBytes ?? 0))
    let beginnings = [
      database?.bytes(at: 0, count: min(database?.sizeBytes ?? 0, Schema.pageSizeBytes)),
      log?.bytes(at: 0, count: min(log?.sizeBytes ?? 0, LogScan.headerBytes + LogScan.frameHeaderBytes)),
    ]
    for beginning in beginnings { (beginning ?? []).withUnsafeBytes { checksum.add(blob: $0) } }
    return checksum.value
  }
}
