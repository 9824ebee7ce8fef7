import CertRegCore

/// What is done about damage that is found at the start. The originals are moved or copied, never changed.
extension StoreOpening {
  /// Makes sure that the database is ours and of a version that we know, before anything is touched.
  ///
  /// The database's header and the mark both say so. A bit that flips in the header may make it look newer, too: then a
  /// person has to look, which costs nothing but time.
  func refuseForeign(_ mark: HighWaterMark?) throws(StoreError) {
    if let mark, mark.schemaVersion > Schema.version { throw newer(mark.schemaVersion) }
    guard let header = try PageImages(directory).header, header.count == 100,
      header.starts(with: "SQLite format 3\0".utf8)
    else { return }
    let application = Int32(truncatingIfNeeded: header.bigEndian(at: 68))
    let version = Int32(truncatingIfNeeded: header.bigEndian(at: 60))
    guard application == Schema.applicationID || mark != nil || application == 0 && version == 0 else {
      throw StoreError(.failed, message: "\(directory.database) is a database of another program")
    }
    if application == Schema.applicationID, version > Schema.version { throw newer(version) }
  }

  private func newer(_ version: Int32) -> StoreError {
    StoreError(
      .newerVersion,
      message: "\(directory.path) has state of form \(version); this version knows forms up to \(Schema.version) "
        + "(unless \(directory.database) is damaged)")
  }

  /// Fills a new database with what can be read of the damaged one, then puts it in its place.
  ///
  /// The new one is complete and on the disk before the first of the old files is moved: whatever interrupts this, and
  /// a full disk most likely, leaves either everything as it was or a step that the next start finishes.
  func rebuild(_ mark: HighWaterMark) throws(DatabaseFault) {
    do throws(StoreError) {
      try StateDirectory.remove(directory.unfinished)
      try StateDirectory.createFile(directory.unfinished)
      let tally: Salvage.Tally
      do throws(DatabaseFault) {
        tally = try fillNewDatabase(mark)
      } catch {
        try? StateDirectory.remove(directory.unfinished)
        throw error.storeError
      }
      try StateDirectory.synchronize(directory.unfinished)
      try StateDirectory.move(directory.unfinished, to: directory.rebuilt)
      try finishRebuild()
      notices.give(
        .salvaged,
        "salvaged \(tally.results) results, \(tally.failures) failures and \(tally.queued) queued registrations; "
          + "\(tally.damaged) rows were found damaged")
    } catch {
      throw DatabaseFault(error)
    }
  }

  private func fillNewDatabase(_ mark: HighWaterMark) throws(DatabaseFault) -> Salvage.Tally {
    let images: PageImages
    do throws(StoreError) { images = try PageImages(directory) } catch { throw DatabaseFault(error) }
    let connection = try Connection(path: directory.unfinished)
    // Nothing depends on the file before it is complete.
    try connection.execute("PRAGMA synchronous = OFF")
    _ = try connection.prepare("PRAGMA journal_mode = MEMORY").onlyText()
    _ = try connection.migrate()
    let writer = try RegistrationWriter(
      connection: connection, names: SharedNames(), state: StateRow(revision: 0, results: 0), queued: [:])
    var salvage = Salvage(images, .everything, into: writer)
    let tally = try salvage.run()
    writer.raiseRevision(to: mark.revision)
    writer.raiseSequence(to: mark.revision)
    try writer.transaction { () throws(DatabaseFault) in }
    return tally
  }

  /// Moves damaged files away and a rebuilt database in, where there is one: after `rebuild`, or at the start after one
  /// that was interrupted here.
  func finishRebuild() throws(StoreError) {
    try StateDirectory.remove(directory.unfinished)
    guard StateDirectory.exists(directory.rebuilt) else { return }
    if StateDirectory.exists(directory.log) || StateDirectory.exists(directory.database) {
      let aside = try directory.createDamagedDirectory(at: now())
      try StateDirectory.move(directory.log, to: aside + "/certregd.db-wal")
      // It would be applied to the database that comes in its place.
      try StateDirectory.move(directory.journal, to: aside + "/certregd.db-journal")
      try StateDirectory.move(directory.database, to: aside + "/certregd.db")
      try StateDirectory.synchronize(aside)
      notices.give(.setAside, "the damaged database was set aside in \(aside)")
    }
    try StateDirectory.remove(directory.sharedMemory)
    try StateDirectory.move(directory.rebuilt, to: directory.database)
    try directory.synchronize()
  }

  /// Opens a database that is in order as far as it goes, whose log has lost acknowledged changes, and makes up for them
  /// from what of the log can still be read.
  func openWithDamagedLog(
    _ inspection: Inspection, _ mark: HighWaterMark
  ) throws(DatabaseFault) -> (RegistrationWriter, SharedNames) {
    let images: PageImages
    do throws(StoreError) {
      if StateDirectory.exists(directory.damagedLog) {
        notices.give(.damaged, "the last start was interrupted while it salvaged \(directory.damagedLog)")
      } else {
        let missing = mark.revision - inspection.revision
        notices.give(
          .commitsMissing,
          "\(missing > 0 ? "\(missing)" : "some") committed changes are missing: "
            + "the write-ahead log \(directory.log) is damaged")
        try keepLog()
      }
      images = try PageImages(directory, log: directory.damagedLog)
    } catch {
      throw DatabaseFault(error)
    }
    let (writer, names) = try openDatabase(inspection)
    var salvage = Salvage(images, .log, into: writer)
    let tally = try salvage.run()
    writer.raiseRevision(to: mark.revision)
    try writer.transaction { () throws(DatabaseFault) in }
    do throws(StoreError) { try setKeptLogAside() } catch { throw DatabaseFault(error) }
    notices.give(
      .salvaged,
      "salvaged \(tally.results) results, \(tally.failures) failures and \(tally.queued) queued registrations "
        + "from the damaged log")
    return (writer, names)
  }

  /// Copies the log: the first change that is written overwrites what lies behind the damage.
  private func keepLog() throws(StoreError) {
    try StateDirectory.remove(directory.unfinishedCopy)
    try StateDirectory.createFile(directory.unfinishedCopy)
    try StateDirectory.copy(directory.log, to: directory.unfinishedCopy)
    try StateDirectory.move(directory.unfinishedCopy, to: directory.damagedLog)
    try directory.synchronize()
  }

  private func setKeptLogAside() throws(StoreError) {
    let aside = try directory.createDamagedDirectory(at: now())
    try StateDirectory.move(directory.damagedLog, to: aside + "/certregd.db-wal")
    try StateDirectory.synchronize(aside)
    try directory.synchronize()
    notices.give(.setAside, "a copy of the damaged log was set aside in \(aside)")
  }
}
