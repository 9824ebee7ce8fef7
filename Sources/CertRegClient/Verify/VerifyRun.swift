import CertRegCodec
import CertRegCore

/// One run of a verification. Each certificate takes two requests: `lookup` for what certregd knows, and then
/// `describe` for what the upstream says. The other order would not do: `describe` corrects what certregd knows.
final class VerifyRun {
  /// So many requests to describe are under way at once: half of what the daemon allows, which leaves the rest to
  /// others.
  private static let maximumDescribing = 32
  /// Certificates between their two requests, or waiting for another try. Past it no further ones are read.
  private static let maximumWaiting = 64
  /// So often a request is sent whose answers say that it can succeed later.
  private static let maximumTries = 10

  private struct Check {
    var subject: VerifySubject
    /// The answer to `lookup`; `nil`: it has not come.
    var known: JSON?
    /// Answers that asked for another try.
    var tries = 0
    /// Not to be sent before this time.
    var notBefore: MonotonicTime
  }

  private let session: Session
  private var subjects: VerifySubjects
  private let expected: VerifyExpectation
  private let outcomes: VerifyOutcomes
  private var waiting: [Check] = []
  private var describing = 0
  private var underWay = 0
  private var isExhausted = false

  init(
    _ session: Session, _ subjects: VerifySubjects, _ expected: VerifyExpectation, _ outcomes: VerifyOutcomes
  ) {
    self.session = session
    self.subjects = subjects
    self.expected = expected
    self.outcomes = outcomes
  }

  /// Runs until all certificates are verified or the daemon stays away.
  func run(on connection: Connection) -> CommandStatus {
    let started = session.clock.monotonic
    outcomes.begin()
    let delivery = Delivery<Check>(
      session, timeout: session.timeout.map { $0 + .seconds(10) }, patience: session.patience,
      firstPause: session.firstPause)
    let stop = delivery.run(
      on: connection, pulling: { pull() }, answered: { check, answer in take(check, answer) },
      failed: { check, failure in
        ended(check)
        outcomes.fail(check.subject, failure.answerError, status: failure.exitStatus, advice: failure.advice)
      },
      tick: { underWay in
        outcomes.showProgress(underWay: underWay, elapsed: session.clock.monotonic - started)
        return true
      })
    session.console.clearTransient()
    if let stop { giveUp(stop) }
    return outcomes.conclude(stop?.failure)
  }

  private func giveUp(_ stop: Delivery<Check>.Stop) {
    for check in stop.unanswered + waiting {
      outcomes.fail(check.subject, stop.failure.answerError, status: stop.failure.exitStatus, advice: nil)
    }
    while let step = subjects.next() {
      switch step {
      case .subject: outcomes.unsent += 1
      case .failure(let row, let name, let error): outcomes.fail(row, name, error)
      case .passedOver(let row, let other): outcomes.passOver(row, other)
      }
    }
  }

  private func pull() -> Pull<Check> {
    let now = session.clock.monotonic
    let index = waiting.firstIndex { check in
      check.notBefore <= now && (check.known == nil || describing < VerifyRun.maximumDescribing)
    }
    if let index { return send(waiting.remove(at: index)) }
    while !isExhausted, waiting.count < VerifyRun.maximumWaiting {
      switch subjects.next() {
      case .subject(let subject): return send(Check(subject: subject, notBefore: now))
      case .failure(let row, let name, let error): outcomes.fail(row, name, error)
      case .passedOver(let row, let other): outcomes.passOver(row, other)
      case nil: isExhausted = true
      }
    }
    return isExhausted && waiting.isEmpty && underWay == 0 ? .end : .later
  }

  private func send(_ check: Check) -> Pull<Check> {
    underWay += 1
    if check.known != nil { describing += 1 }
    let timeout = check.known == nil ? nil : session.timeout.map { JSON.integer($0.milliseconds) }
    return .request(
      check,
      Request(
        check.known == nil ? "lookup" : "describe",
        [
          ("certificateId", .string(check.subject.id.hex)), ("target", check.subject.target.map(JSON.string)),
          ("timeoutMs", timeout),
        ]))
  }

  private func ended(_ check: Check) {
    underWay -= 1
    if check.known != nil { describing -= 1 }
  }

  private func take(_ check: Check, _ answer: Answer) {
    ended(check)
    if let error = answer.error, answer.json["state"] == nil, error.type != "ResourceNotFoundException" {
      return fail(check, error)
    }
    guard let known = check.known else {
      // Nothing is known of a certificate that `lookup` does not find.
      let known = answer.json["state"] == nil ? JSON.object([]) : answer.json
      waiting.append(Check(subject: check.subject, known: known, notBefore: check.notBefore))
      return
    }
    let wanted = expected.resolved(check.subject.record, known: known)
    guard answer.error == nil else {
      return outcomes.differ(check.subject, answer.json, wanted, [.notRegistered(known: known)], unlisted: [])
    }
    let verdict = VerifyVerdict(answer.json, wanted)
    if verdict.differences.isEmpty {
      outcomes.agree(
        check.subject, answer.json, unlisted: verdict.unlisted, isStatusNamed: expected.status != nil)
    } else {
      outcomes.differ(check.subject, answer.json, wanted, verdict.differences, unlisted: verdict.unlisted)
    }
  }

  private func fail(_ check: Check, _ error: AnswerError) {
    guard error.retryable, check.tries + 1 < VerifyRun.maximumTries else {
      return outcomes.fail(check.subject, error)
    }
    var again = check
    again.tries += 1
    again.notBefore =
      session.clock.monotonic + ImportAttempt.pause(first: session.firstPause, tries: again.tries, error)
    waiting.append(again)
  }
}
