import CertRegCodec
import CertRegCore

/// What one input of a batch becomes.
enum BatchStep {
  case request(name: String, Request)
  /// The input brought no certificate.
  case failure(name: String, InputError)
  /// Something worth telling that is no failure.
  case note(name: String, String)

  /// The step for an element of the inputs; `request` makes the request for a certificate.
  init(_ element: CertificateInputs.Element, request: (_ pem: String) -> Request) {
    switch element {
    case .certificate(let name, let pem):
      // Escaping at most doubles ASCII text; a longer line would cost the connection and with it every other answer.
      if pem.utf8.count > Request.maximumLineBytes / 2 {
        self = .failure(
          name: name, InputError(.noCertificate, "\(pem.utf8.count) bytes: a certificate may have 65,536 characters"))
      } else {
        self = .request(name: name, request(pem))
      }
    case .failure(let name, let error): self = .failure(name: name, error)
    case .note(let name, let text): self = .note(name: name, text)
    }
  }
}

/// Sends what a command's inputs become, tells each result and sums up: what `register`, `validate`, `lookup` and `forget` share.
final class CertificateBatch {
  /// Notes that are told one by one; a folder with thousands of other files would drown the results.
  private static let maximumNotes = 8

  private let session: Session
  private let participle: String
  private let timeout: Duration?
  private let noun: String
  private var tally = Tally()
  private var answered = 0
  private var notes = 0

  /// - Parameters:
  ///   - participle: what has been done to the answered ones, for the transient line: `answered`, `checked`.
  ///   - timeout: how long one answer is waited for; `nil`: for ever.
  ///   - noun: what the summary counts.
  init(_ session: Session, participle: String, timeout: Duration?, noun: String = "certificate") {
    self.session = session
    self.participle = participle
    self.timeout = timeout
    self.noun = noun
  }

  /// Runs the batch, once.
  ///
  /// - Parameters:
  ///   - next: the next step, `nil` at the end.
  ///   - lines: the results in an answer, and how a person sees each.
  /// - Returns: how the command ends.
  func run(next: () -> BatchStep?, lines: (_ name: String, Answer) -> [(ResultLine, [TerminalText])]) -> CommandStatus {
    let connection: Connection
    do throws(ClientError) {
      connection = try session.connect()
    } catch {
      session.console.report(error)
      return error.exitStatus
    }
    let started = Clock.now
    let end = Pipeline(connection, timeout: timeout).run(
      next: { nextRequest(next) },
      answered: { name, answer in record(name, answer, lines(name, answer)) },
      tick: { underWay in
        showProgress(underWay: underWay, elapsed: Clock.now - started)
        return true
      })
    session.console.clearTransient()
    if let failure = end.failure {
      for name in end.unanswered { fail(name, failure.answerError, status: failure.exitStatus, advice: nil) }
      tellUnsent(next)
      session.console.report(failure)
      tally.add(status: failure.exitStatus)
    }
    return conclude()
  }

  private func nextRequest(_ next: () -> BatchStep?) -> (String, Request)? {
    while let step = next() {
      switch step {
      case .request(let name, let request):
        return (name, request)
      case .failure(let name, let error):
        fail(name, error.answerError, status: error.exitStatus, advice: error.advice)
      case .note(let name, let text):
        notes += 1
        if notes <= CertificateBatch.maximumNotes { session.console.note("\(name): \(text)") }
      }
    }
    return nil
  }

  /// After a failure of the connection: how many certificates had not had their turn.
  private func tellUnsent(_ next: () -> BatchStep?) {
    var count = 0
    while let step = next() {
      if case .request = step { count += 1 }
    }
    if count > 0 { session.console.note("\(count) more \(noun)\(count == 1 ? " was" : "s were") not sent") }
  }

  private func record(_ name: String, _ answer: Answer, _ lines: [(ResultLine, [TerminalText])]) {
    answered += 1
    if session.json { session.console.printJSON(answer, adding: JSON.Member("file", .string(name))) }
    for (line, shown) in lines {
      tally.add(line)
      if !session.json { session.console.print(shown) }
    }
  }

  private func showProgress(underWay: Int, elapsed: Duration) {
    guard elapsed > .seconds(1), underWay > 0 else { return }
    session.console.showTransient(
      "\("…", .cyan) \(answered) \(participle), \(underWay) under way, \(elapsed.components.seconds) s")
  }

  /// Tells a failure that concerns one input and counts it.
  private func fail(_ name: String, _ error: AnswerError, status: CommandStatus, advice: String?) {
    let line = ResultLine(outcome: "failed", name: name, error: error)
    tally.add(line, status: status, advice: advice)
    if session.json {
      session.console.printJSON(error.localLine(file: name))
    } else {
      session.console.print(line.rendered(for: session.console.output))
    }
  }

  /// The end on standard error: the summary where there was more than one, and what to do about failures.
  private func conclude() -> CommandStatus {
    if notes > CertificateBatch.maximumNotes {
      session.console.note("… and \(notes - CertificateBatch.maximumNotes) more notes of this kind")
    }
    if tally.total == 0 {
      session.console.note("\("certregctl:", .red) there was no certificate")
      return .combining([tally.exitStatus, .noInput])
    }
    if tally.total > 1 { session.console.note(tally.summary(noun: noun)) }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
    return tally.exitStatus
  }
}

extension InputError {
  /// The error in the form of an answer's, so that local failures look like the daemon's in `--json` and on the screen.
  var answerError: AnswerError {
    let reason =
      switch code {
      case .unreadable, .notWritable: "unreadable"
      case .noCertificate, .otherContent: "no_certificate"
      case .wrongSignature: "wrong_manifest_signature"
      }
    return AnswerError(type: "InputError", reason: reason, message: message)
  }
}

extension ClientError {
  /// The error in the form of an answer's.
  var answerError: AnswerError {
    AnswerError(type: "ConnectionError", reason: "no_answer", message: message, retryable: true)
  }
}

extension AnswerError {
  /// The line that `--json` prints for a failure that the daemon was not asked about or did not answer.
  func localLine(file: String) -> JSON {
    .object([
      JSON.Member(
        "error",
        .object([
          JSON.Member("type", .string(type)), JSON.Member("reason", .string(reason)),
          JSON.Member("message", .string(message)), JSON.Member("retryable", .bool(retryable)),
          JSON.Member("origin", .string("client")),
        ])),
      JSON.Member("file", .string(file)),
    ])
  }
}
