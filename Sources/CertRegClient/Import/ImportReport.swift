import CertRegCodec
package import CertRegCore
import Glibc

/// The report file. It gets a line for every entry as soon as the outcome is known, so that an import that was stopped
/// or killed, or lost its power, can be resumed.
///
/// Lines are on disk within a second (``sync()``). Lines that are lost with the power are asked for again, and certregd
/// knows the answers.
///
/// Lines of earlier runs stay until this run has others in their place. Failed entries are kept with their certificates
/// in a file next to the report, which can be imported itself.
package final class ImportReport {
  /// The report's file.
  package let path: String
  /// What the report says about certificates.
  package private(set) var history: ImportHistory
  /// Whether this run created the report.
  package let isNew: Bool
  /// Whether this run only reads the report, as a dry run does with that of an earlier run.
  package let isReadOnly: Bool
  /// Certificates that earlier runs registered in all targets that this run asks for. Known after ``begin(asking:)``.
  package private(set) var doneBefore = 0
  private let form: ReportForm
  private let user: UInt32
  private var file: OwnedFile
  /// `batch.import.csv` has `batch.import.failed.jsonl` next to it.
  private let failed: FailedEntries
  /// Lines of earlier runs, with which the file begins.
  private var earlierRows = 0

  /// Set when a line could not be written.
  package var failure: InputError? { file.failure ?? failed.failure }

  /// Creates the report, or opens the one of an earlier run. Nothing is written before ``begin(asking:)``.
  ///
  /// - Parameters:
  ///   - path: The report's file.
  ///   - resuming: Whether to continue a report that exists.
  ///   - isDryRun: Whether files that exist stay as they are.
  ///   - isSelecting: Whether the run leaves out entries that the user did not select.
  ///   - source: The file that is imported, which is never written to.
  ///   - user: The user whose reports are continued; `nil`: the effective user of this process.
  /// - Throws: `InputError` where the file exists and may not be continued, was not written by an import of this user,
  ///   is the source, or is being written by another import.
  package init(
    path: String, resuming: Bool, isDryRun: Bool = false, isSelecting: Bool = false, source: FileIdentity? = nil,
    user: UInt32? = nil
  ) throws(InputError) {
    self.path = path
    let user = user ?? geteuid()
    self.user = user
    let form = ReportForm(reportPath: path)
    self.form = form
    let earlier = resuming ? try ImportReport.openEarlier(path, form, source, user) : nil
    failed = try FailedEntries(
      FilePath(path).withoutExtension.description + ".failed.jsonl", resuming: resuming, isDryRun: isDryRun, user: user)
    isNew = earlier == nil
    isReadOnly = isDryRun && earlier != nil
    var history = ImportHistory(remembersNames: isSelecting)
    if let earlier {
      try form.forEachLine(of: earlier) { _, record in
        if let record { history.add(record) }
      }
    }
    try failed.recall(in: &history)
    self.history = history
    file = if let earlier { earlier } else { try OwnedFile.create(path) }
  }

  private static func openEarlier(
    _ path: String, _ form: ReportForm, _ source: FileIdentity?, _ user: UInt32
  ) throws(InputError) -> OwnedFile? {
    guard let file = try OwnedFile.open(path, user: user) else { return nil }
    guard file.identity != source else {
      throw InputError(
        .notWritable, "the report \(path) is the source itself; it stays as it is",
        advice: "name another report with --report")
    }
    guard try form.recognizes(file.stream()) else { throw OwnedFile.isForeign(path) }
    return file
  }

  /// Begins this run: writes the headings, and of the lines of earlier runs those that have the last word.
  ///
  /// - Parameter targets: The targets that this run asks for.
  /// - Throws: `InputError` where the report cannot be written.
  package func begin(asking targets: [String]) throws(InputError) {
    guard !isNew else {
      writeHeadings(to: file)
      return try sync()
    }
    let replacement = try isReadOnly ? nil : newFile()
    try form.forEachLine(of: file) { line, record in
      guard let record, history.keep(record) else { return }
      earlierRows += 1
      if history.countsAsDone(record, in: targets) { doneBefore += 1 }
      if let replacement { copy(line, record, to: replacement) }
    }
    if let replacement { try take(replacement) }
  }

  /// Adds a line.
  ///
  /// - Parameter certificate: The certificate that was sent; `nil` where the entry has none.
  package func add(_ record: ImportRecord, of certificate: CertificateID? = nil) {
    guard !isReadOnly else { return }
    history.settle(record, of: certificate)
    file.write(Array((form.line(record) + "\n").utf8))
  }

  /// Adds a line about an entry that the user did not select. An entry whose certificate has a line of an earlier run
  /// keeps that one: it says more.
  func addUnselected(_ record: ImportRecord) {
    if !history.hasRow(entry: record.name) { add(record) }
  }

  /// Keeps a failed entry for another try, with what was asked for.
  func addFailed(
    _ record: ImportRecord, pem: String, _ certificate: CertificateID, _ device: DeviceDetails = DeviceDetails()
  ) {
    guard !isReadOnly else { return }
    failed.add(record, pem: pem, certificate, device)
    history.renew(entry: record.name, in: [record.target])
  }

  /// Lets an entry ask for what the same certificate was asked for when it failed.
  ///
  /// - Returns: Why the certificate is not asked for; `nil`: it is.
  func repeatRequest(for certificate: CertificateID, in entry: inout InputEntry) -> InputError? {
    failed.repeatRequest(for: certificate, in: &entry)
  }

  /// Notes that the certificate of an entry is registered in all targets that were asked for.
  func succeed(_ certificate: CertificateID, _ entry: InputEntry) {
    history.succeed(certificate, entry: entry.name)
  }

  /// Notes that an entry's certificate was registered in these targets by an earlier run. Its line is there.
  func passOver(_ entry: InputEntry, in targets: [String]) {
    history.passOver(entry: entry.name, in: targets)
  }

  /// Waits until the lines so far are on disk.
  ///
  /// - Throws: `InputError` where they cannot be written.
  package func sync() throws(InputError) {
    file.sync()
    if let failure { throw failure }
  }

  /// Ends the report. Lines of earlier runs go that have others in their place.
  ///
  /// - Parameter isComplete: Whether every entry has its outcome. Otherwise the file of failed entries stays as an
  ///   earlier run left it: it may be the source.
  /// - Returns: The path of the file with the failed entries; `nil` where there is none, or it stays as it was.
  package func finish(isComplete: Bool) -> String? {
    file.sync()
    guard !isReadOnly else { return nil }
    do throws(InputError) {
      if history.replacedRows > 0, failure == nil { try dropReplacedRows() }
      if isComplete { return try failed.finish(history) }
    } catch {
      file.fail(error)
    }
    failed.discard()
    return nil
  }

  private func dropReplacedRows() throws(InputError) {
    let replacement = try newFile()
    var index = 0
    try form.forEachLine(of: file) { line, record in
      guard let record else { return }
      index += 1
      if index > earlierRows || !history.isReplaced(record) { copy(line, record, to: replacement) }
    }
    try take(replacement)
  }

  /// Removes a report that this run created, where nothing came of the import.
  package func discard() {
    if isNew { file.remove() }
  }

  /// A file with nothing but headings, which takes the report's name once it is whole and on disk.
  private func newFile() throws(InputError) -> OwnedFile {
    let new = try OwnedFile.createReplacement(path + ".new", form, user: user)
    writeHeadings(to: new)
    return new
  }

  private func take(_ replacement: OwnedFile) throws(InputError) {
    do throws(InputError) {
      replacement.sync()
      if let failure = replacement.failure { throw failure }
      try replacement.move(to: path, replacing: file.identity)
    } catch {
      replacement.remove()
      throw error
    }
    file = replacement
  }

  private func writeHeadings(to file: OwnedFile) {
    if let headings = form.headings { file.write(Array((headings + "\n").utf8)) }
  }

  private func copy(_ line: [UInt8], _ record: ImportRecord, to file: OwnedFile) {
    file.write(form == .csv ? Array(record.csv.utf8) : line + [UInt8(ascii: "\n")])
  }
}
