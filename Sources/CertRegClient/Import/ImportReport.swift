import CertRegCodec
import Glibc

/// The report file: a line for every entry, written as soon as its outcome is known, so that an import that was stopped, was killed
/// or lost its power can go on where it was.
///
/// Lines are on disk within a second (``sync()``). What is lost with the power is asked for again, and certregd knows the answer.
///
/// Entries that failed are kept with their certificates in a file beside the report, which is itself a source of imports.
package final class ImportReport {
  package enum Format: Hashable, Sendable {
    case csv
    case jsonLines
  }

  package let path: String
  private let format: Format
  private let file: AppendedFile
  /// `batch.import.csv` has `batch.import.failed.jsonl` beside it.
  private let failedPath: String
  private var failed: AppendedFile?

  /// Set when a line could not be written.
  package var failure: InputError? { file.failure ?? failed?.failure }

  /// Creates the report, or opens it to go on with it where `resuming` says so; a line in it that broke off is taken away.
  ///
  /// - Parameters:
  ///   - path: the report's file.
  ///   - resuming: whether an existing file is gone on with. What it says about certificates that are done stays; every other
  ///     line is taken away, since this run finds out anew, so that no entry has two.
  /// - Returns: the report and what it says is done.
  /// - Throws: `InputError` where it exists and is not to be gone on with, cannot be written, or another import is writing it.
  package static func open(path: String, resuming: Bool) throws(InputError) -> (ImportReport, ImportHistory) {
    let format: Format = path.hasSuffix(".jsonl") || path.hasSuffix(".json") ? .jsonLines : .csv
    let failedPath = FilePath(path).withoutExtension.description + ".failed.jsonl"
    if !resuming, access(failedPath, F_OK) == 0 { throw isThere(failedPath) }
    let file = try AppendedFile(path: path, mode: resuming ? .existing : .new)
    var history = ImportHistory()
    guard resuming else {
      let report = ImportReport(path: path, format: format, file: file, failedPath: failedPath)
      report.writeHeadings()
      try report.sync()
      return (report, history)
    }
    guard file.isRegular else { throw InputError(.notWritable, "the report \(path) is not a file") }
    try forEachLine(of: path, format) { _, record in history.add(record) }
    // Written anew beside the old one, which it replaces when it is whole and on disk.
    let replacement = try AppendedFile(path: path + ".new", mode: .replaced)
    let report = ImportReport(path: path, format: format, file: replacement, failedPath: failedPath)
    report.writeHeadings()
    try forEachLine(of: path, format) { line, record in
      if history.keeps(record) { replacement.write(line + [UInt8(ascii: "\n")]) }
    }
    try report.sync()
    try replacement.move(to: path)
    return (report, history)
  }

  private init(path: String, format: Format, file: AppendedFile, failedPath: String) {
    self.path = path
    self.format = format
    self.file = file
    self.failedPath = failedPath
  }

  /// Adds a line.
  package func add(_ record: ImportRecord) {
    file.write(Array((format == .csv ? record.csv : record.json.serialized() + "\n").utf8))
  }

  /// Keeps an entry that failed for the next try.
  package func addFailed(_ record: ImportRecord, pem: String) {
    do throws(InputError) {
      if failed == nil { failed = try AppendedFile(path: failedPath + ".new", mode: .replaced) }
      let certificate = JSON.Member("certificatePem", .string(pem))
      failed?.write(Array((JSON.object((record.json.members ?? []) + [certificate]).serialized() + "\n").utf8))
    } catch {
      file.fail(error)
    }
  }

  /// Waits until what was added is on disk.
  ///
  /// - Throws: `InputError` where it cannot be written.
  package func sync() throws(InputError) {
    file.sync()
    if let failure { throw failure }
  }

  /// Ends the report.
  ///
  /// - Parameter isComplete: whether every entry has its outcome. Otherwise the file of failed entries stays as an earlier run left it:
  ///   it may be what is being imported.
  /// - Returns: the path of the file with the failed entries of this run, where there is one.
  package func finish(isComplete: Bool) -> String? {
    file.sync()
    guard isComplete else {
      if failed != nil { unlink(failedPath + ".new") }
      return nil
    }
    guard let failed else {
      // Of an earlier run: those entries have another outcome now.
      unlink(failedPath)
      return nil
    }
    failed.sync()
    do throws(InputError) {
      try failed.move(to: failedPath)
      return failedPath
    } catch {
      file.fail(error)
      return nil
    }
  }

  /// Takes the report away, where nothing came of the import.
  package func discard() {
    unlink(path)
  }

  private func writeHeadings() {
    if format == .csv { file.write(Array((ImportRecord.columns.joined(separator: ",") + "\n").utf8)) }
  }

  /// Reads the lines that are whole. A line has no line end inside it, so that one that was damaged harms no other.
  private static func forEachLine(
    of path: String, _ format: Format, _ body: ([UInt8], ImportRecord) -> Void
  ) throws(InputError) {
    let stream = try ByteStream(path: FilePath(path))
    while let line = try stream.nextLine() {
      let record: ImportRecord?
      if format == .csv {
        var reader = CSVReader(stream: ByteStream(line))
        record = try reader.next().flatMap(ImportRecord.init(fields:))
      } else {
        record = (try? JSON(parsing: line)).flatMap(ImportRecord.init(json:))
      }
      if let record { body(line, record) }
    }
  }

  static func isThere(_ path: String) -> InputError {
    InputError(
      .notWritable, "the report \(path) is there already",
      advice: "go on with it with --resume, or name another with --report")
  }
}

/// A file that is written from its beginning to its end by one process alone.
private final class AppendedFile {
  enum Mode {
    /// It must not be there.
    case new
    /// It may be there, and stays as it is.
    case existing
    /// What is there gives way.
    case replaced
  }

  private let path: String
  private let descriptor: Int32
  private var isSynced = true
  private(set) var failure: InputError?

  init(path: String, mode: Mode) throws(InputError) {
    self.path = path
    let flags: Int32 =
      switch mode {
      case .new: Int32(O_EXCL)
      case .existing: 0
      case .replaced: Int32(O_TRUNC)
      }
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0o644)
    guard descriptor >= 0 else {
      throw errno == EEXIST ? ImportReport.isThere(path) : AppendedFile.notWritable(path, errno)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw InputError(.notWritable, "another import is writing \(path)")
    }
    if mode == .new { try AppendedFile.syncFolder(of: path) }
  }

  deinit {
    // A process that is being started has the descriptor until its program runs, and the lock with it.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  var isRegular: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  func write(_ content: [UInt8]) {
    var bytes = content[...]
    while !bytes.isEmpty, failure == nil {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
        isSynced = false
      } else if errno != EINTR {
        failure = AppendedFile.notWritable(path, errno)
      }
    }
  }

  func fail(_ error: InputError) {
    failure = failure ?? error
  }

  func sync() {
    guard !isSynced else { return }
    isSynced = true
    // EINVAL: a pipe or another file that nothing is kept of.
    if fdatasync(descriptor) != 0, errno != EINVAL { fail(AppendedFile.notWritable(path, errno)) }
  }

  /// Gives the file another name, with the rights of what has it now.
  func move(to other: String) throws(InputError) {
    var status = stat()
    if stat(other, &status) == 0 { fchmod(descriptor, status.st_mode & 0o777) }
    guard rename(path, other) == 0 else { throw AppendedFile.notWritable(other, errno) }
    try AppendedFile.syncFolder(of: other)
  }

  /// Makes the names in the folder last.
  private static func syncFolder(of path: String) throws(InputError) {
    let end = path.lastIndex(of: "/")
    let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // A folder that may be written but not read: then the names last when the system gets to it.
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL { throw notWritable(path, errno) }
  }

  private static func notWritable(_ path: String, _ code: Int32) -> InputError {
    InputError(.notWritable, "the report \(path) cannot be written: \(systemMessage(code))")
  }
}
