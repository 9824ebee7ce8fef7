import CertRegCore

/// Reads what arguments name: certificates by their IDs, sources, and reports of imports. The devices to take of sources
/// and reports are those of one list.
struct NamedCertificates {
  /// What comes next.
  enum Item {
    /// An argument that names a certificate: by its ID, ARN or fingerprint.
    case id(CertificateID, argument: String)
    case entry(InputEntry)
    case row(ReportEntries.Entry)
    /// An argument that cannot be used.
    case failure(argument: String, InputError)
  }

  /// Whether reports of imports count as lists of certificates.
  var readsReports: Bool
  private let options: InputOptions
  private var arguments: [String]
  private var inputs: InputSource?
  private var report: ReportEntries?
  /// The list of devices to take, once a source is read.
  private var list: DeviceList?
  /// Listed devices that no source has.
  private var missing: [InputEntry] = []

  /// - Parameter arguments: Files, folders, reports, IDs, ARNs, fingerprints, or `-`.
  init(_ arguments: [String], readsReports: Bool, _ options: InputOptions) {
    self.arguments = arguments.reversed()
    self.readsReports = readsReports
    self.options = options
  }

  /// The next item; `nil` at the end.
  mutating func next() -> Item? {
    while true {
      if let entry = inputs?.next() { return .entry(entry) }
      if let row = report?.next() { return .row(row) }
      if let argument = arguments.popLast() {
        (inputs, report) = (nil, nil)
        if let item = open(argument) { return item }
        continue
      }
      if let list {
        missing = list.notFound().reversed()
        self.list = nil
      }
      return missing.popLast().map { .entry($0) }
    }
  }

  /// - Returns: `nil` where the argument is a source or a report, which is open now.
  private mutating func open(_ argument: String) -> Item? {
    do throws(InputError) {
      if let id = try CertificateReference.id(argument) {
        try options.expectNoSelection()
        return .id(id, argument: argument)
      }
      if list == nil { list = try DeviceList.of(options) }
      if readsReports, let found = ReportEntries(path: argument, options, list) {
        try options.expectNoSet()
        report = found
      } else {
        inputs = try InputSource([argument], options: options, list: list)
      }
      return nil
    } catch {
      return .failure(argument: argument, error)
    }
  }
}
