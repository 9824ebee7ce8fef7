import CertRegCodec
import CertRegCore

/// Makes requests about certificates that are named by ID or by file, one for each target.
struct SubjectSteps {
  private let operation: String
  /// The command that makes the requests.
  var verb: String
  /// Whether the operation takes certificate IDs only.
  private let sendsIDs: Bool
  private let targets: [String?]
  private var sources: NamedCertificates
  /// Further members of each request.
  var members: [(name: String, value: JSON?)] = []
  /// Says why an ARN is not that of a certificate in a target; `nil`: ARNs are only IDs.
  private var refusal: ((_ arn: String, CertificateID, _ target: String?) -> InputError?)?
  /// Whether reports of imports count as lists of certificates.
  var readsReports: Bool {
    get { sources.readsReports }
    set { sources.readsReports = newValue }
  }

  private var ready: [BatchStep] = []

  init(subjects: [String], operation: String, targets: [String], sendsIDs: Bool = false, _ options: InputOptions) {
    sources = NamedCertificates(subjects, readsReports: false, options)
    self.sendsIDs = sendsIDs
    self.operation = operation
    verb = operation
    self.targets = targets.isEmpty ? [nil] : targets.map(Optional.some)
  }

  /// The next step of a verb that compares ARNs with those of the targets.
  mutating func next(comparing home: ARNHome) -> BatchStep? {
    if refusal == nil { refusal = home.fault }
    return next()
  }

  mutating func next() -> BatchStep? {
    while ready.isEmpty {
      switch sources.next() {
      case .id(let id, let argument): add(id, name: argument)
      case .entry(let entry): expand(entry)
      case .row(let row): expand(row)
      case .failure(let argument, let error): ready.append(.failure(name: argument, error))
      case nil: return nil
      }
    }
    return ready.removeFirst()
  }

  private mutating func add(_ id: CertificateID, name: String) {
    add(id, name: name, arn: name.hasPrefix("arn:") ? name : "", targets: targets)
  }

  /// - Parameter arn: Empty where none is given.
  private mutating func add(_ id: CertificateID, name: String, arn: String, targets: [String?]) {
    for target in targets {
      if !arn.isEmpty, let error = refusal?(arn, id, target) {
        ready.append(.failure(name: name, error))
      } else {
        addRequests(BatchSubject(name: name, id: id), key: "certificateId", value: id.hex, targets: [target])
      }
    }
  }

  private mutating func expand(_ entry: InputEntry) {
    switch entry.content {
    case .certificate(let certificate):
      let subject = BatchSubject(name: entry.name, id: certificate.digest)
      if sendsIDs {
        addRequests(subject, key: "certificateId", value: certificate.id.hex)
      } else {
        addRequests(subject, key: "certificatePem", value: certificate.pem)
      }
    case .failure(let error): ready.append(.failure(name: entry.name, advised(error)))
    case .passedOver(let other): ready.append(.passedOver(place: entry.place, other))
    }
  }

  /// Of a list of IDs this verb needs no certificates.
  private func advised(_ error: InputError) -> InputError {
    guard error.otherContent == .certificateList else { return error }
    var error = error
    error.advice = "grep -oE '[0-9a-f]{64}' FILE | sort -u | xargs certregctl \(verb)"
    return error
  }

  private mutating func expand(_ entry: ReportEntries.Entry) {
    switch entry {
    case .certificate(let name, let id, let record):
      let own = record.target.isEmpty ? nil : record.target
      add(id, name: name, arn: record.certificateARN, targets: targets == [nil] ? [own] : targets)
    case .failure(let name, let error): ready.append(.failure(name: name, error))
    case .passedOver(let place, let other): ready.append(.passedOver(place: place, other))
    }
  }

  private mutating func addRequests(_ subject: BatchSubject, key: String, value: String, targets: [String?]? = nil) {
    for target in targets ?? self.targets {
      let request = Request(
        operation, [(key, .string(value)), ("target", target.map(JSON.string))] + members)
      ready.append(.request(subject, request))
    }
  }
}
