import CertRegCore

/// The response to damage that is found at the start. The originals are moved or copied, never changed.
extension StoreOpening {
  /// Makes sure that the database is ours and of a version that we know, before anything is touched.
  ///
  /// The database's header and the mark both name the version. A bit that flips in the header may make it look newer:
  /// then a person has to look, which costs nothing but time.
  ///
  /// - Throws: `newerVersion`; `failed` where another program made the database.
  func refuseForeign(_ mark: HighWaterMark?) throws(StoreError) {
    if let mark, mark.schemaVersion > version { throw newer(mark.schemaVersion) }
    guard let header = try PageImages(directory).header, header.count == 100,
      header.starts(with: "SQLite format 3\0".utf8)
    else { return }
    let application = Int32(truncatingIfNeeded: header.bigEndian(at: 68))
    let found = Int32(truncatingIfNeeded: header.bigEndian(at: 60))
    guard application == Schema.applicationID || mark != nil || application == 0 && found == 0 else {
      throw StoreError(.failed, message: "\(directory.database) is a database of another program")
    }
    if application == Schema.applicationID, found > version { throw newer(found) }
  }

  private func newer(_ found: Int32) -> StoreError {
    StoreError(
      .newerVersion,
      message: "\(directory.path) has state of form \(found); this version knows forms up to \(version) "
        + "(unless \(directory.database) is damaged)")
  }

  /// Fills a new database with what can be read of the damaged one, then puts it in its place.
  ///
  /// The new one is complete and on the disk before the first of the old files is moved. An interruption leaves either
  /// the old files as they were, with a new one that the next start goes on with, or a step that the next start
  /// finishes.
  func rebuild(_ mark: HighWaterMark) throws(DatabaseFault) {
    let rebuild = Rebuild(directory: directory, mark: mark, progress: progress) {
      // The next start does not have to do this part again, so it is no repetition of this one.
      StartCount(path: directory.starts).end()
    }
    do throws(StoreError) {
      let outcome: Rebuild.Outcome
      do throws(DatabaseFault) {
        outcome = try rebuild.run()
      } catch {
        // A full disk most likely: the room goes back.
        try? directory.removeUnfinished()
        throw error.storeError
      }
      if let page = outcome.resumedAt {
        notices.give(.salvaged, "went on with an interrupted rebuild of \(directory.database) at page \(page)")
      }
      try StateDirectory.remove(directory.unfinishedLog)
      try StateDirectory.synchronize(directory.unfinished)
      try StateDirectory.move(directory.unfinished, to: directory.rebuilt)
      // Before the damaged files go: not every file system keeps the order of names.
      try directory.synchronize()
      try finishRebuild()
      let tally = outcome.tally
      notices.give(
        .salvaged,
        "salvaged \(tally.results) results, \(tally.failures) failures and \(tally.queued) queued registrations; "
          + "\(tally.damaged) rows were found damaged")
    } catch {
      throw DatabaseFault(error)
    }
  }

  /// Moves damaged files away and a rebuilt database into their place, where there is one: after `rebuild`, or at the
  /// start after an interruption of this step.
  func finishRebuild() throws(StoreError) {
    guard StateDirectory.exists(directory.rebuilt) else { return }
    if StateDirectory.exists(directory.log) || StateDirectory.exists(directory.database) {
      let aside = try directory.createDamagedDirectory(at: clock.wall)
      try StateDirectory.move(directory.log, to: aside + "/certregd.db-wal")
      // SQLite would apply it to the new database.
      try StateDirectory.move(directory.journal, to: aside + "/certregd.db-journal")
      try StateDirectory.move(directory.database, to: aside + "/certregd.db")
      try StateDirectory.synchronize(aside)
      notices.give(.setAside, "the damaged database was set aside in \(aside)")
    }
    try StateDirectory.remove(directory.sharedMemory)
    try StateDirectory.move(directory.rebuilt, to: directory.database)
    try directory.synchronize()
  }

  /// Opens a database that is in order and whose log has lost acknowledged changes, and takes over what can still be
  /// read of the log.
  func openWithDamagedLog(
    _ inspection: Inspection, _ mark: HighWaterMark
  ) throws(DatabaseFault) -> (RegistrationWriter, SharedNames) {
    let images: PageImages
    do throws(StoreError) {
      if StateDirectory.exists(directory.damagedLog) {
        notices.give(.damaged, "not everything of the damaged log \(directory.damagedLog) was salvaged yet")
      } else {
        let missing = mark.revision - inspection.revision
        notices.give(
          .commitsMissing,
          "\(missing > 0 ? "\(missing)" : "some") committed changes are missing: "
            + "the write-ahead log \(directory.log) is damaged")
        try keepLog()
      }
      images = try PageImages(directory, log: directory.damagedLog, progress)
    } catch {
      throw DatabaseFault(error)
    }
    let (writer, names) = try openDatabase(inspection)
    var salvage = Salvage(images, .log, into: writer, progress)
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

  /// Copies the log, since the first new change overwrites the part behind the damage.
  private func keepLog() throws(StoreError) {
    try StateDirectory.remove(directory.unfinishedCopy)
    try StateDirectory.createFile(directory.unfinishedCopy)
    try StateDirectory.copy(directory.log, to: directory.unfinishedCopy)
    try StateDirectory.move(directory.unfinishedCopy, to: directory.damagedLog)
    try directory.synchronize()
  }

  private func setKeptLogAside() throws(StoreError) {
    let aside = try directory.createDamagedDirectory(at: clock.wall)
    try StateDirectory.move(directory.damagedLog, to: aside + "/certregd.db-wal")
    try StateDirectory.synchronize(aside)
    try directory.synchronize()
    notices.give(.setAside, "a copy of the damaged log was set aside in \(aside)")
  }
}
