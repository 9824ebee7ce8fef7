import CertRegCodec

/// The report file. It gets a line for every entry as soon as the outcome is known, so that an import that was stopped or
/// killed, or lost its power, can be resumed.
///
/// Lines are on disk within a second (``sync()``). Lines that are lost with the power are asked for again, and certregd knows
/// the answers.
///
/// Failed entries are kept with their certificates in a file next to the report, which can be imported itself.
package final class ImportReport {
  /// The report's file.
  package let path: String
  /// What the report says about certificates, from earlier runs.
  package private(set) var history = ImportHistory()
  /// Whether this run created the report.
  package let isNew: Bool
  private let form: ReportForm
  private var file: OwnedFile
  /// `batch.import.csv` has `batch.import.failed.jsonl` next to it.
  private let failedPath: String
  /// The file of failed entries that an earlier run left.
  private var earlierFailed: FileIdentity?
  private var failed: OwnedFile?
  /// Whether the report keeps failures that this run does not look at.
  private var keepsFailures = false

  /// Set when a line could not be written.
  package var failure: InputError? { file.failure ?? failed?.failure }

  /// Creates the report, or opens the one of an earlier run. Nothing is written before ``begin(asking:)``.
  ///
  /// - Parameters:
  ///   - path: The report's file.
  ///   - resuming: Whether to continue a report that exists.
  ///   - source: The file that is imported, which is never written to.
  /// - Throws: `InputError` where the file exists and may not be continued, was not written by an import, is the source,
  ///   or is being written by another import.
  package init(path: String, resuming: Bool, source: FileIdentity? = nil) throws(InputError) {
    self.path = path
    form = ReportForm(reportPath: path)
    failedPath = FilePath(path).withoutExtension.description + ".failed.jsonl"
    let earlier = resuming ? try ImportReport.openEarlier(path, form, source) : nil
    earlierFailed = try ImportReport.identifyFailed(failedPath, resuming: resuming)
    isNew = earlier == nil
    file = if let earlier { earlier } else { try OwnedFile.create(path) }
    if let earlier {
      try forEachRecord(of: earlier) { _, record in history.add(record) }
    }
  }

  private static func openEarlier(
    _ path: String, _ form: ReportForm, _ source: FileIdentity?
  ) throws(InputError) -> OwnedFile? {
    guard let file = try OwnedFile.open(path) else { return nil }
    guard file.identity != source else {
      throw InputError(
        .notWritable, "the report \(path) is the source itself; it stays as it is",
        advice: "name another report with --report")
    }
    guard try form.recognizes(file.stream()) else { throw OwnedFile.isForeign(path) }
    return file
  }

  /// The file of failed entries that may be replaced.
  private static func identifyFailed(_ path: String, resuming: Bool) throws(InputError) -> FileIdentity? {
    guard let file = try OwnedFile.open(path) else { return nil }
    guard resuming else { throw OwnedFile.exists(path) }
    guard try ReportForm.failedEntries.recognizes(file.stream()) else { throw OwnedFile.isForeign(path) }
    return file.identity
  }

  /// Begins this run: writes the headings, and keeps those lines of an earlier run that this one does not look at again.
  ///
  /// - Parameter targets: The targets that this run asks for.
  /// - Throws: `InputError` where the report cannot be written.
  package func begin(asking targets: [String]) throws(InputError) {
    guard !isNew else {
      writeHeadings(to: file)
      return try sync()
    }
    // The new report takes the old one's name once it is whole and on disk.
    let replacement = try OwnedFile.createReplacement(path + ".new", form)
    writeHeadings(to: replacement)
    try forEachRecord(of: file) { line, record in
      guard history.keeps(record, asking: targets) else { return }
      if record.outcome == ImportRecord.failed { keepsFailures = true }
      replacement.write(form == .csv ? Array(record.csv.utf8) : line + [UInt8(ascii: "\n")])
    }
    replacement.sync()
    if let failure = replacement.failure {
      replacement.remove()
      throw failure
    }
    try replacement.move(to: path, replacing: file.identity)
    file = replacement
  }

  /// Adds a line.
  package func add(_ record: ImportRecord) {
    file.write(Array((form.line(record) + "\n").utf8))
  }

  /// Keeps a failed entry for another try.
  package func addFailed(_ record: ImportRecord, pem: String) {
    do throws(InputError) {
      if failed == nil { failed = try OwnedFile.createReplacement(failedPath + ".new", .failedEntries) }
      let certificate = JSON.Member(ReportForm.certificateMember, .string(pem))
      failed?.write(Array((JSON.object((record.json.members ?? []) + [certificate]).serialized() + "\n").utf8))
    } catch {
      file.fail(error)
    }
  }

  /// Waits until the lines so far are on disk.
  ///
  /// - Throws: `InputError` where they cannot be written.
  package func sync() throws(InputError) {
    file.sync()
    if let failure { throw failure }
  }

  /// Ends the report.
  ///
  /// - Parameter isComplete: Whether every entry has its outcome. Otherwise the file of failed entries stays as an earlier run
  ///   left it: it may be the source.
  /// - Returns: The path of the file with the failed entries of this run; `nil` where there is none.
  package func finish(isComplete: Bool) -> String? {
    file.sync()
    guard isComplete else {
      failed?.remove()
      return nil
    }
    do throws(InputError) {
      guard let failed else {
        // The entries in the earlier file have succeeded now.
        if !keepsFailures { try removeEarlierFailed() }
        return nil
      }
      failed.sync()
      try failed.move(to: failedPath, replacing: earlierFailed)
      return failedPath
    } catch {
      file.fail(error)
      return nil
    }
  }

  private func removeEarlierFailed() throws(InputError) {
    guard let file = try OwnedFile.open(failedPath), file.identity == earlierFailed else { return }
    file.remove()
  }

  /// Removes a report that this run created, where nothing came of the import.
  package func discard() {
    if isNew { file.remove() }
  }

  private func writeHeadings(to file: OwnedFile) {
    if let headings = form.headings { file.write(Array((headings + "\n").utf8)) }
  }

  /// Reads the whole lines. Lines have no line ends inside, so that a damaged line harms no other.
  private func forEachRecord(
    of file: OwnedFile, _ body: ([UInt8], ImportRecord) -> Void
  ) throws(InputError) {
    let stream = try file.stream()
    while let line = try stream.nextLine() {
      if let record = form.record(line) { body(line, record) }
    }
  }
}
