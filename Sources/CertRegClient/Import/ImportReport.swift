import Glibc

/// The report file: a line for every entry, written as soon as its outcome is known, so that an import that was stopped, or
/// killed, can go on where it was.
package final class ImportReport {
  package enum Format: Hashable, Sendable {
    case csv
    case jsonLines
  }

  package let path: String
  private let format: Format
  private let descriptor: Int32
  /// Set when a line could not be written.
  package private(set) var failure: InputError?

  /// Creates the report, or opens it to go on with it where `resuming` says so; a line in it that broke off is taken away.
  ///
  /// - Returns: the report and what it says is done.
  /// - Throws: `InputError` where it exists and is not to be gone on with, or cannot be written.
  package static func open(path: String, resuming: Bool) throws(InputError) -> (ImportReport, ImportHistory) {
    let format: Format = path.hasSuffix(".jsonl") || path.hasSuffix(".json") ? .jsonLines : .csv
    let exclusive = resuming ? 0 : O_EXCL
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | exclusive, 0o644)
    guard descriptor >= 0 else {
      if errno == EEXIST {
        throw InputError(
          .notWritable, "the report \(path) is there already",
          advice: "go on with it with --resume, or name another with --report")
      }
      throw InputError(.notWritable, "the report \(path) cannot be written: \(systemMessage(errno))")
    }
    let report = ImportReport(path: path, format: format, descriptor: descriptor)
    return (report, try report.readHistory())
  }

  private init(path: String, format: Format, descriptor: Int32) {
    self.path = path
    self.format = format
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Adds a line.
  package func add(_ record: ImportRecord) {
    write(format == .csv ? record.csv : record.json.serialized() + "\n")
  }

  private func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty, failure == nil {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
      } else if errno != EINTR {
        failure = InputError(.notWritable, "the report \(path) cannot be written: \(systemMessage(errno))")
      }
    }
  }

  /// Reads what is there and leaves the file's position after the last whole line.
  private func readHistory() throws(InputError) -> ImportHistory {
    var history = ImportHistory()
    let stream = try ByteStream(path: FilePath(path))
    if format == .csv {
      var reader = CSVReader(stream: stream)
      while let fields = try reader.next() {
        if let record = ImportRecord(fields: fields) { history.add(record) }
      }
    } else {
      while let line = try stream.nextLine() {
        if let json = try? JSON(parsing: line[...]), let record = ImportRecord(json: json) { history.add(record) }
      }
    }
    let end = endOfLastLine()
    _ = ftruncate(descriptor, end)
    if end == 0, format == .csv { write(ImportRecord.columns.joined(separator: ",") + "\n") }
    return history
  }

  /// Offset after the last LF, with the file's position there.
  private func endOfLastLine() -> off_t {
    var end = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    while end > 0, pread(descriptor, &byte, 1, end - 1) == 1, byte != UInt8(ascii: "\n") { end -= 1 }
    return lseek(descriptor, end, SEEK_SET)
  }
}
