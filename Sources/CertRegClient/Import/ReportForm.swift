import CertRegCodec

/// The kinds of files that an import writes. Each can be told from other people's files by how it begins.
enum ReportForm: Hashable {
  /// A report as CSV, with headings.
  case csv
  /// A report as JSON lines.
  case jsonLines
  /// Failed entries with their certificates, as JSON lines.
  case failedEntries

  /// The form of the report at `path`, by its extension.
  init(reportPath path: String) {
    self = path.hasSuffix(".jsonl") || path.hasSuffix(".json") ? .jsonLines : .csv
  }

  /// The first line of a CSV report.
  static let headings = ImportRecord.columns.joined(separator: ",")
  /// The member of a failed entry that has its certificate.
  static let certificateMember = "certificatePem"

  /// The first line of a report of this form; `nil`: it has none.
  var headings: String? { self == .csv ? ReportForm.headings : nil }

  /// A record as a line of this form, without its end.
  func line(_ record: ImportRecord) -> String {
    self == .csv ? record.csvFields : record.json.serialized()
  }

  /// Whether a file with this content was written by an import. An empty file holds nothing to lose.
  func recognizes(_ stream: ByteStream) throws(InputError) -> Bool {
    // Headings can break off where the power failed.
    let beginning = try stream.peek(ReportForm.headings.utf8.count + 1)
    if self == .csv, ReportForm.headings.utf8.starts(with: beginning) { return true }
    guard let line = try stream.nextLine() else { return true }
    switch self {
    case .csv: return ReportForm.isHeadings(try ReportForm.fields(line))
    case .jsonLines: return ReportForm.isRecord(line, columns: ImportRecord.columns)
    case .failedEntries:
      return ReportForm.isRecord(
        line, columns: ImportRecord.columns + [ReportForm.certificateMember], orElse: KeptRequest.isMember)
        && (try? JSON(parsing: line[...]))?[ReportForm.certificateMember] != nil
    }
  }

  /// The record on a line; `nil` for headings, and where the line is damaged.
  func record(_ line: [UInt8]) -> ImportRecord? {
    guard self == .csv else { return (try? JSON(parsing: line[...])).flatMap(ImportRecord.init(json:)) }
    // Blocks that never reached the disk read as zeros.
    guard !line.contains(0), let fields = try? ReportForm.fields(line), !ReportForm.isHeadings(fields) else {
      return nil
    }
    return ImportRecord(fields: fields)
  }

  /// Reads the whole lines. Lines have no line ends inside, so that a damaged line harms no other.
  ///
  /// - Parameter body: Gets each line, and the record on it; `nil` for headings and damaged lines.
  /// - Throws: `InputError` `unreadable`.
  func forEachLine(of file: OwnedFile, _ body: ([UInt8], ImportRecord?) -> Void) throws(InputError) {
    let stream = try file.stream()
    while let line = try stream.nextLine() { body(line, record(line)) }
  }

  private static func isHeadings(_ fields: [String]) -> Bool {
    fields == ImportRecord.columns || fields == ImportRecord.earlierColumns
  }

  private static func fields(_ line: [UInt8]) throws(InputError) -> [String] {
    var records = CSVRecords(ByteStream(line))
    return (try records.next()?.fields ?? []).map { String(decoding: $0, as: UTF8.self) }
  }

  private static func isRecord(
    _ line: [UInt8], columns: [String], orElse isOther: (JSON.Member) -> Bool = { _ in false }
  ) -> Bool {
    guard let json = try? JSON(parsing: line[...]), let members = json.members, ImportRecord(json: json) != nil else {
      return false
    }
    return members.allSatisfy { columns.contains($0.name) && $0.value.string != nil || isOther($0) }
  }
}
