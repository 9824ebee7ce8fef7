import CertRegCodec
import CertRegCore

/// `certregctl lookup`: prints what the daemon knows about certificates.
package struct LookupVerb {
  /// Certificate IDs, ARNs, fingerprints, files, folders or `-`.
  package var subjects: [String]
  /// How to read files.
  package var input = InputOptions()

  package init(subjects: [String]) {
    self.subjects = subjects
  }

  /// Runs the command. Ends with `nothingFound` where some certificate is unknown and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(subjects: subjects, operation: "lookup", targets: session.targets, input)
    let isSingle = subjects.count == 1 && session.targets.count < 2
    let batch = CertificateBatch(
      session, participle: "looked up", timeout: session.timeout ?? Session.defaultTimeout, noun: "result")
    return batch.run(
      next: { _ in steps.next() },
      lines: { name, answer in
        let line = LookupVerb.line(answer, name: name)
        return [(line, LookupVerb.lines(line, answer, session, isSingle: isSingle))]
      })
  }

  /// A recorded failure is an answer, not a failure of `lookup`. Only an `error` without a `state` is one.
  private static func line(_ answer: Answer, name: String) -> ResultLine {
    var line = ResultLine(result: answer.json, name: name)
    // The daemon looks an ID up in its target. The ARN may name another region or account.
    if name.hasPrefix("arn:"), let arn = line.certificateARN, arn != name { line.remark = "its ARN is another one" }
    if let state = answer.json["state"]?.string {
      line.outcome = state
      line.remark = line.remark ?? line.detail
      line.error = nil
    } else if line.error?.exitStatus == .nothingFound {
      line.outcome = "unknown"
    }
    return line
  }

  private static func lines(
    _ line: ResultLine, _ answer: Answer, _ session: Session, isSingle: Bool
  ) -> [TerminalText] {
    let stream = session.console.output
    guard stream.isTerminal, line.error == nil, isSingle else {
      return line.rendered(for: stream, showsTarget: session.targets.count > 1)
    }
    let members = (answer.json.members ?? []).filter { $0.name != "id" && $0.name != "state" }
    let style: TerminalText.Style = line.outcome == "registered" ? .green : line.outcome == "failed" ? .red : .yellow
    return ["\(line.outcome, style)  \(line.name)"] + MemberList(members).lines(width: stream.columns)
  }
}

/// Makes requests about certificates that are named by ID or by file, one for each target.
struct SubjectSteps {
  private let operation: String
  /// Whether the operation takes certificate IDs only.
  private let sendsIDs: Bool
  private let targets: [String?]
  private var subjects: [String]
  private let options: InputOptions
  private var inputs: InputSource?
  private var ready: [BatchStep] = []

  init(subjects: [String], operation: String, targets: [String], sendsIDs: Bool = false, _ options: InputOptions) {
    self.options = options
    self.sendsIDs = sendsIDs
    self.subjects = subjects.reversed()
    self.operation = operation
    self.targets = targets.isEmpty ? [nil] : targets.map(Optional.some)
  }

  mutating func next() -> BatchStep? {
    while ready.isEmpty {
      if let entry = inputs?.next() {
        expand(entry)
      } else if let subject = subjects.popLast() {
        inputs = nil
        open(subject)
      } else {
        return nil
      }
    }
    return ready.removeFirst()
  }

  private mutating func open(_ subject: String) {
    do throws(InputError) {
      if let id = try CertificateReference.id(subject) {
        addRequests(name: subject, key: "certificateId", value: id.hex)
      } else {
        inputs = try InputSource([subject], options: options)
      }
    } catch {
      ready.append(.failure(name: subject, error))
    }
  }

  private mutating func expand(_ entry: InputEntry) {
    switch entry.content {
    case .certificate(let certificate) where sendsIDs:
      addRequests(name: entry.name, key: "certificateId", value: certificate.id.hex)
    case .certificate(let certificate):
      addRequests(name: entry.name, key: "certificatePem", value: certificate.pem)
    case .failure(let error): ready.append(.failure(name: entry.name, error))
    case .passedOver(let thing): ready.append(.passedOver(place: entry.place, thing))
    }
  }

  private mutating func addRequests(name: String, key: String, value: String) {
    for target in targets {
      ready.append(
        .request(
          name: name, Request(operation, [(key, .string(value)), ("target", target.map(JSON.string))])))
    }
  }
}
