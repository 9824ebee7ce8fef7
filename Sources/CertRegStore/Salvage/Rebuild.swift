import CertRegCore

/// Fills a new database with what can be read of a damaged one.
///
/// The new database notes in each transaction which pages are done. A rebuild that is killed, or cut off by a loss of
/// power, goes on there at the next start; only the first look at all pages, which writes nothing, is repeated.
struct Rebuild {
  /// How a rebuild ended.
  struct Outcome {
    /// The content of the new database.
    var tally: Salvage.Tally
    /// The page at which this run went on; `nil` where it began anew.
    var resumedAt: Int?
  }

  let directory: StateDirectory
  /// The mark of the last run.
  let mark: HighWaterMark
  let progress: OpeningProgress
  /// Called after each transaction that the next start would not have to repeat.
  let onSaved: () -> Void

  /// Does all of it. The new database is complete on return, and closed.
  func run() throws(DatabaseFault) -> Outcome {
    let images: PageImages
    do throws(StoreError) { images = try PageImages(directory, progress) } catch { throw DatabaseFault(error) }
    let source = images.fingerprint ^ mark.revision
    if let page = savedPage(of: source) {
      do throws(DatabaseFault) {
        return Outcome(tally: try fill(from: images, source, startingAt: page), resumedAt: page)
      } catch {
        // The unfinished database is damaged itself.
        guard error.isDamage || error.isErrorOfStatement || error.isConstraint else { throw error }
      }
    }
    do throws(StoreError) {
      try directory.removeUnfinished()
      try StateDirectory.createFile(directory.unfinished)
    } catch {
      throw DatabaseFault(error)
    }
    return Outcome(tally: try fill(from: images, source, startingAt: 1), resumedAt: nil)
  }

  /// Where an earlier start was interrupted; `nil` where none was, or where it rebuilt something else.
  private func savedPage(of source: Int64) -> Int? {
    guard StateDirectory.exists(directory.unfinished), let connection = try? openUnfinished(),
      (try? connection.checkSchema()) != nil, (try? connection.integer("PRAGMA user_version")) == Int64(Schema.version),
      let found = try? connection.prepare("SELECT * FROM state WHERE id = 3").first(RebuildPosition.read),
      let position = found, position.source == source
    else { return nil }
    return Int(position.page)
  }

  private func openUnfinished() throws(DatabaseFault) -> Connection {
    let connection = try Connection(path: directory.unfinished)
    // Exclusive: no file with shared memory. Synchronised when the log is moved into the database, every 32 MiB: a loss
    // of power then costs the work since, and leaves the database whole.
    try connection.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384")
    try connection.switchToWriteAheadLog()
    try connection.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8192")
    return connection
  }

  private func fill(
    from images: PageImages, _ source: Int64, startingAt first: Int
  ) throws(DatabaseFault) -> Salvage.Tally {
    let connection = try openUnfinished()
    _ = try connection.migrate()
    let writer = try RegistrationWriter(
      connection: connection, names: SharedNames(try NameTable(connection, "name")),
      state: try StateRow(connection) ?? StateRow(revision: 0, results: 0), queued: try QueueContents(connection).index)
    let write = try connection.prepare("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)")
    var salvage = Salvage(images, .everything, into: writer, progress) { page throws(DatabaseFault) in
      try RebuildPosition(page: Int64(page), source: source).write(to: write)
      if page > first { onSaved() }
    }
    var tally = try salvage.run(from: first)
    writer.raiseRevision(to: mark.revision)
    writer.raiseSequence(to: mark.revision)
    try writer.transaction { () throws(DatabaseFault) in try connection.execute("DELETE FROM state WHERE id = 3") }
    tally.results = Int(writer.state.results)
    tally.failures = Int(try connection.integer("SELECT count(*) FROM failure") ?? 0)
    tally.queued = writer.queued.count
    try connection.checkpoint(truncating: true)
    return tally
  }
}
