import CertRegCore

/// A certificate to verify, in one target.
struct VerifySubject {
  /// Its row: what the source or a report says of it.
  var record: ImportRecord
  var id: CertificateID
  /// `nil`: the daemon's default target.
  var target: String?
  /// The place and the name, for people.
  var name: String
}

/// Reads the certificates to verify from sources, reports and words that name certificates, and accounts for everything
/// else.
struct VerifySubjects {
  /// What comes next.
  enum Step {
    case subject(VerifySubject)
    /// Something that should be a certificate and cannot be asked for.
    case failure(ImportRecord, name: String, InputError)
    case passedOver(ImportRecord, OtherContent)
  }

  private let targets: [String]
  private var sources: NamedCertificates
  private var ready: [Step] = []
  /// Hashes of certificates and targets, with a key of this process.
  private var seen: Set<Int> = []

  /// - Parameters:
  ///   - arguments: Files, folders, reports, IDs, ARNs, fingerprints, or `-`.
  ///   - targets: The targets to ask; empty: those of the report, else the default one.
  init(_ arguments: [String], targets: [String], _ options: InputOptions) {
    sources = NamedCertificates(arguments, readsReports: true, options)
    self.targets = targets
  }

  /// The next step; `nil` at the end.
  mutating func next() -> Step? {
    while ready.isEmpty {
      switch sources.next() {
      case .id(let id, let argument):
        let arn = argument.hasPrefix("arn:") ? argument : ""
        add(ImportRecord(name: argument, certificateID: id.hex, outcome: "", certificateARN: arn), id, name: argument)
      case .entry(let entry): expand(entry)
      case .row(let row): expand(row)
      case .failure(let argument, let error):
        let row = ImportRecord(
          name: argument, outcome: ImportRecord.failed, reason: error.reason, message: error.message)
        ready.append(.failure(row, name: argument, error))
      case nil: return nil
      }
    }
    return ready.removeFirst()
  }

  private mutating func expand(_ entry: InputEntry) {
    switch entry.content {
    case .certificate(let certificate):
      add(ImportRecord(entry, outcome: ""), certificate.id, name: entry.name)
    case .failure(let error):
      let row = ImportRecord(entry, outcome: ImportRecord.failed, reason: error.reason, message: error.message)
      ready.append(.failure(row, name: entry.name, error))
    case .passedOver(let other): passOver(ImportRecord(entry, outcome: ""), other)
    }
  }

  private mutating func expand(_ entry: ReportEntries.Entry) {
    switch entry {
    case .certificate(let name, let id, let record): add(record, id, name: name)
    case .failure(let name, let error):
      let row = ImportRecord(name: name, outcome: ImportRecord.failed, reason: error.reason, message: error.message)
      ready.append(.failure(row, name: name, error))
    case .passedOver(let place, let other): passOver(ImportRecord(name: place, outcome: ""), other)
    }
  }

  private mutating func add(_ record: ImportRecord, _ id: CertificateID, name: String) {
    let own = record.target.isEmpty ? nil : record.target
    for target in targets.isEmpty ? [own] : targets.map(Optional.some) {
      guard isNew(id, target) else {
        passOver(record, .duplicate)
        continue
      }
      var row = record
      row.target = target ?? ""
      // What a report says of one target holds in no other.
      if target != own, own != nil { (row.certificateARN, row.thingName) = ("", "") }
      ready.append(.subject(VerifySubject(record: row, id: id, target: target, name: name)))
    }
  }

  private mutating func isNew(_ id: CertificateID, _ target: String?) -> Bool {
    var hasher = Hasher()
    // `hash(into:)` takes a part of the ID only, which two certificates can be made to share.
    hasher.combine(id.words.0)
    hasher.combine(id.words.1)
    hasher.combine(id.words.2)
    hasher.combine(id.words.3)
    hasher.combine(target)
    return seen.insert(hasher.finalize()).inserted
  }

  private mutating func passOver(_ record: ImportRecord, _ other: OtherContent) {
    var row = record
    row.outcome = ImportRecord.passedOver
    row.reason = other.rawValue
    row.message = other.name
    ready.append(.passedOver(row, other))
  }
}
