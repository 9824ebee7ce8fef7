import CertRegCore

/// The pages of a damaged database: each one's latest image, from the log where it has one, else from the database file.
struct PageImages {
  private let database: RawFile?
  private let log: RawFile?
  let scan: LogScan?
  private var freed: Set<Int> = []

  /// `log`: another file than the database's own log.
  init(_ directory: StateDirectory, log path: String? = nil) throws(StoreError) {
    database = try RawFile(path: directory.database)
    log = try RawFile(path: path ?? directory.log)
    scan = log.map { LogScan($0) }
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

  /// Calls `body` with the records of each page in use: first the latest images, then frames of the log whose checksum does not
  /// hold, in which single rows may still be whole.
  func forEachRecord(_ body: (PageRecord) throws(DatabaseFault) -> Void) throws(DatabaseFault) {
    for number in 1..<pageCount + 1 where !isFreed(number, at: scan?.latest[number]) {
      guard let bytes = latest(number) else { continue }
      try BTreePage(bytes, number: number).forEachRecord(overflow: latest, body)
    }
    try forEachRecordOfDamagedFrames(body)
  }

  /// The records of pages in use that are in the log.
  func forEachRecordOfLog(_ body: (PageRecord) throws(DatabaseFault) -> Void) throws(DatabaseFault) {
    for number in (scan?.latest.keys.sorted() ?? []) where !isFreed(number, at: scan?.latest[number]) {
      guard let bytes = latest(number) else { continue }
      try BTreePage(bytes, number: number).forEachRecord(overflow: latest, body)
    }
    try forEachRecordOfDamagedFrames(body)
  }

  private func forEachRecordOfDamagedFrames(
    _ body: (PageRecord) throws(DatabaseFault) -> Void
  ) throws(DatabaseFault) {
    for frame in scan?.frames ?? [] where !frame.isSound && !isFreed(frame.page, at: frame.offset) {
      guard let bytes = log?.bytes(at: frame.offset, count: Schema.pageSizeBytes) else { continue }
      try BTreePage(bytes, number: frame.page).forEachRecord(overflow: latest, body)
    }
  }
}
