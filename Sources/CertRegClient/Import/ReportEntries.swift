import CertRegCodec
import CertRegCore

/// Reads the report of an import as a list of certificates.
struct ReportEntries {
  /// A line of a report.
  enum Entry {
    /// A certificate, and the line about it.
    case certificate(name: String, CertificateID, ImportRecord)
    /// A line that stands for no certificate.
    case failure(name: String, InputError)
    /// A line about something that is no certificate of a device, or about one that another line is about, too.
    case passedOver(place: String, OtherContent)
  }

  /// How the rows are read.
  private enum Rows {
    /// Line by line, as an import has written them.
    case lines(ByteStream, ReportForm)
    /// As another program has saved them.
    case table(ReportTable)
  }

  private let path: String
  private var rows: Rows
  /// `nil`: the devices of all lines are taken.
  private let list: DeviceList?
  private let checksCommonName: Bool
  private var lineNumber = 0

  /// - Parameters:
  ///   - options: What the user selects among the lines.
  ///   - list: The list of devices, which other sources share.
  /// - Returns: `nil` where the file is no report of an import.
  init?(path: String, _ options: InputOptions = InputOptions(), _ list: DeviceList? = nil) {
    let file = FilePath(path)
    guard !file.isStandardInput, (try? Folder.kind(of: file)) == .file else { return nil }
    let form = ReportForm(reportPath: path)
    // An empty file is no report, although an import may write one there.
    guard let beginning = try? ByteStream(path: file), (try? beginning.peek(1))?.isEmpty == false else { return nil }
    self.path = path
    self.list = list
    checksCommonName = options.checksCommonName
    if (try? form.recognizes(beginning)) == true, let stream = try? ByteStream(path: file) {
      rows = .lines(stream, form)
    } else if form == .csv, let stream = try? ByteStream(path: file), let table = (try? ReportTable(stream)) ?? nil {
      rows = .table(table)
    } else {
      return nil
    }
  }

  /// The next line; `nil` at the end.
  mutating func next() -> Entry? {
    do throws(InputError) {
      switch rows {
      case .lines(let stream, let form): return try next(in: stream, form)
      case .table(var table):
        defer { rows = .table(table) }
        return try table.next().map { entry($0.record, line: $0.line) }
      }
    } catch {
      return .failure(name: path, error)
    }
  }

  private mutating func next(in stream: ByteStream, _ form: ReportForm) throws(InputError) -> Entry? {
    while let line = try stream.nextLine() {
      lineNumber += 1
      if line.isEmpty || form == .csv && lineNumber == 1 { continue }
      return entry(form.record(line), line: lineNumber)
    }
    return nil
  }

  private func entry(_ record: ImportRecord?, line: Int) -> Entry {
    let place = "\(path):\(line)"
    guard let record else {
      return .failure(name: place, InputError(.damagedText, "this line of the report is damaged"))
    }
    let name = record.name.isEmpty ? place : "\(place) \(record.name)"
    switch record.outcome {
    case ImportRecord.passedOver: return .passedOver(place: name, .importReport)
    case ImportRecord.duplicate: return .passedOver(place: name, .duplicate)
    default: break
    }
    if let other = selected(record) { return .passedOver(place: name, other) }
    guard let id = CertificateID(hex: Array(record.certificateID.lowercased().utf8)) else {
      return .failure(name: name, InputError(.noCertificate, "this line of the report has no certificate ID"))
    }
    if checksCommonName, let error = ReportEntries.nameFault(record) { return .failure(name: name, error) }
    return .certificate(name: name, id, record)
  }

  /// Why the line is not taken; `nil` where it is.
  private func selected(_ record: ImportRecord) -> OtherContent? {
    guard let list else { return nil }
    // Whose certificate this was to be cannot be told.
    if record.deviceID.isEmpty, record.certificate == nil { return nil }
    let name = record.deviceID.isEmpty ? record.commonName : record.deviceID
    return list.takes([name, record.certificateID]) ? nil : .notListed
  }

  /// What is wrong with the common name for `--check-cn`; `nil` where nothing is.
  private static func nameFault(_ record: ImportRecord) -> InputError? {
    guard !record.deviceID.isEmpty else {
      return InputError(
        .missingField, "no device's name in this line of the report to compare the common name with (--check-cn)")
    }
    return InputContext.nameFault(record.commonName.isEmpty ? nil : record.commonName, of: record.deviceID)
  }
}
