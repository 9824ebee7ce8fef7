import CertRegCodec
import CertRegCore

/// Sends what the inputs of a command become, prints each result and sums up: what `register`, `validate`, `lookup` and
/// `forget` share.
final class CertificateBatch {
  private let session: Session
  private let participle: String
  private let timeout: Duration?
  private let window: Int
  private let noun: String
  private var facts = DaemonFacts()
  private var tally: Tally
  private var answered = 0
  private var passedOver = PassedOverSummary()
  /// The inputs with a result or a failure.
  private var inputs = 0
  /// The ARNs that the printed lines had no room for, without the IDs at their ends.
  private var arnBeginnings: [String] = []
  private var lastARN: String?

  /// - Parameters:
  ///   - participle: What has been done to the certificates that are counted in the transient line: `answered`,
  ///     `checked`.
  ///   - timeout: How long to wait for one answer; `nil`: for ever.
  ///   - noun: What the summary counts.
  ///   - window: Most requests that wait for their answers at once.
  ///   - status: The status that the requests name; `nil`: none.
  init(
    _ session: Session, participle: String, timeout: Duration?, noun: String = "certificate",
    window: Int = Pipeline.defaultWindow, status: CertificateStatus? = nil
  ) {
    self.window = window
    tally = Tally(status: status, targets: session.targets)
    self.session = session
    self.participle = participle
    self.timeout = timeout
    self.noun = noun
  }

  /// Runs the batch, once.
  ///
  /// - Parameters:
  ///   - next: The next step; `nil` at the end. It is told what is known about the daemon.
  ///   - lines: The results in an answer, and how a person sees each.
  /// - Returns: How the command ends.
  func run(
    next: (DaemonFacts) -> BatchStep?, lines: (BatchSubject, Answer) -> [(ResultLine, [TerminalText])]
  ) -> CommandStatus {
    let connection: Connection
    do throws(ClientError) {
      connection = try session.connect()
      facts = try session.facts(on: connection)
    } catch {
      session.report(error)
      return error.exitStatus
    }
    let started = session.clock.monotonic
    let delivery = Delivery<BatchSubject>(
      session, window: window, timeout: timeout, patience: session.patience, firstPause: session.firstPause)
    let stop = delivery.run(
      on: connection,
      pulling: { nextRequest { next(facts) } },
      answered: { subject, answer in record(subject.name, answer, lines(subject, answer)) },
      failed: { subject, failure in
        fail(subject, failure.answerError, status: failure.exitStatus, advice: failure.advice)
      },
      tick: { underWay in
        showProgress(underWay: underWay, elapsed: session.clock.monotonic - started)
        return true
      })
    session.console.clearTransient()
    if let stop {
      for subject in stop.unanswered {
        fail(subject, stop.failure.answerError, status: stop.failure.exitStatus, advice: nil)
      }
      printUnsent { next(facts) }
      session.report(stop.failure)
      tally.add(status: stop.failure.exitStatus)
    }
    return conclude()
  }

  private func nextRequest(_ next: () -> BatchStep?) -> Pull<BatchSubject> {
    while let step = next() {
      switch step {
      case .request(let subject, let request):
        guard let error = facts.refusal(of: request) else { return .request(subject, request) }
        fail(subject, error.answerError, status: error.exitStatus, advice: error.advice)
      case .failure(let name, let error):
        fail(BatchSubject(name: name), error.answerError, status: error.exitStatus, advice: error.advice)
      case .passedOver(let place, let other): passOver(place, other)
      }
    }
    return .end
  }

  /// Prints how many certificates were never sent, after the daemon went away.
  private func printUnsent(_ next: () -> BatchStep?) {
    var count = 0
    while let step = next() {
      switch step {
      case .request: count += 1
      case .failure(let name, let error):
        fail(BatchSubject(name: name), error.answerError, status: error.exitStatus, advice: error.advice)
      case .passedOver(let place, let other): passOver(place, other)
      }
    }
    if count > 0 { session.console.note("\(count) more \(noun)\(count == 1 ? " was" : "s were") not sent") }
  }

  private func record(_ name: String, _ answer: Answer, _ lines: [(ResultLine, [TerminalText])]) {
    answered += 1
    inputs += 1
    if session.json { session.console.printJSON(answer, adding: JSON.Member("file", .string(name))) }
    for (line, shown) in lines {
      tally.add(line)
      guard !session.json else { continue }
      session.console.print(shown)
      guard line.error == nil, let arn = line.certificateARN, let beginning = line.arnBeginning,
        !shown.contains(where: { $0.plain.hasSuffix(arn) })
      else { continue }
      lastARN = arn
      // There are as many as targets and accounts.
      if !arnBeginnings.contains(beginning), arnBeginnings.count < 8 { arnBeginnings.append(beginning) }
    }
  }

  private func showProgress(underWay: Int, elapsed: Duration) {
    guard elapsed > .seconds(1), underWay > 0 else { return }
    session.console.showTransient(
      "\("…", .cyan) \(answered) \(participle), \(underWay) under way, \(elapsed.components.seconds) s")
  }

  /// Prints and counts a failure that concerns one input.
  private func fail(_ subject: BatchSubject, _ error: AnswerError, status: CommandStatus, advice: String?) {
    var line = ResultLine(outcome: "failed", name: subject.name, error: error)
    line.certificateID = subject.id?.hex
    inputs += 1
    tally.add(line, status: status, advice: advice)
    if session.json {
      session.console.printJSON(error.localLine(file: subject.name))
    } else {
      session.console.print(line.rendered(for: session.console.output))
    }
  }

  private func passOver(_ place: String, _ other: OtherContent) {
    passedOver.add(place, other)
    if session.json { session.console.printJSON(PassedOverSummary.line(place, other)) }
  }

  /// Prints the summary of several results and the advice about failures to standard error.
  private func conclude() -> CommandStatus {
    if let text = passedOver.text { session.console.note(text) }
    if tally.total == 0 {
      session.console.note("\("certregctl:", .red) there was no certificate")
      for advice in passedOver.advices { session.console.note("  \("→", .cyan) \(advice)") }
      return .combining([tally.exitStatus, .noInput])
    }
    printARNs()
    if tally.total > 1 { session.console.note(summary) }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
    return tally.exitStatus
  }

  /// What the results are of. Verbs that ask for each target by itself count results.
  private var summary: TerminalText {
    guard noun == "certificate", session.targets.count > 1 else { return tally.summary(noun: noun) }
    return tally.summary(noun: noun, count: inputs, targets: session.targets.count)
  }

  /// Prints the ARNs where the lines had no room for them: a single one as a whole, from the beginning of a line, so
  /// that it can be copied; of several what their IDs follow.
  private func printARNs() {
    let output = session.console.output
    guard output.isTerminal, !ResultLine.fitsARNs(output), let lastARN else { return }
    if tally.total == 1 { return session.console.print(TerminalText(lastARN)) }
    session.console.note("ARN: \(arnBeginnings.map { $0 + "ID" }.joined(separator: ", "))")
  }
}
