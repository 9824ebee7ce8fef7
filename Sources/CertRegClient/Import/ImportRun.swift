import CertRegCodec
import CertRegCore

/// One run of an import: sends the entries of the source, tries again what can succeed later, and writes the report.
final class ImportRun {
  /// So often an entry is sent whose answers say that it can succeed later.
  private static let maximumTries = 10
  private static let statusInterval = Duration.seconds(2)
  /// Lines of the report are on disk after this time at the latest.
  private static let syncInterval = Duration.seconds(1)
  private static let noteInterval = Duration.seconds(30)

  private enum Item {
    case certificate(ImportAttempt)
    case status
  }

  private let verb: ImportVerb
  private let session: Session
  private var source: InputSource
  private let report: ImportReport?
  private let facts: DaemonFacts
  /// The names of the targets that the import is for; empty where the daemon does not tell its default one.
  private let targets: [String]
  private var outcomes: ImportOutcomes

  private var seen = SeenCertificates()
  private var names: NameNotes
  private var notesSignatures = true
  private var waiting: [ImportAttempt] = []
  private var underWay = 0
  private var isExhausted = false
  private var isStopping = false
  private var nextStatus: MonotonicTime
  private var nextDrawing: MonotonicTime
  private var nextNote: MonotonicTime
  private var nextSync: MonotonicTime

  /// - Parameters:
  ///   - report: A report that has begun; `nil`: none is written.
  ///   - facts: What the daemon says about itself.
  ///   - targets: The names of the targets that the import is for; empty where the daemon does not tell its default
  ///     one.
  init(
    _ verb: ImportVerb, session: Session, source: InputSource, report: ImportReport?,
    facts: DaemonFacts, targets: [String]
  ) {
    self.verb = verb
    self.session = session
    self.source = source
    self.report = report
    self.facts = facts
    self.targets = targets
    outcomes = ImportOutcomes(verb, session, report, facts)
    names = NameNotes(session)
    let now = session.clock.monotonic
    nextDrawing = now
    nextNote = now + ImportRun.noteInterval
    nextSync = now + ImportRun.syncInterval
    // In time for the first progress line where there is no terminal.
    nextStatus = now + (session.console.errors.isTerminal ? .milliseconds(500) : .seconds(28))
  }

  /// Runs until the source is exhausted, the user stops it, or the daemon stays away.
  func run(on connection: Connection) -> CommandStatus {
    let timeout = verb.isDryRun ? Session.defaultTimeout : session.timeout.map { $0 + .seconds(10) }
    let delivery = Delivery<Item>(
      session, timeout: timeout, patience: verb.patience, firstPause: verb.firstPause,
      isWorthResending: { item in if case .certificate = item { true } else { false } })
    outcomes.begin()
    let stop = delivery.run(
      on: connection,
      pulling: { pull() },
      answered: { item, answer in take(item, answer) },
      failed: { item, failure in fail(item, failure) },
      tick: { _ in tick() })
    session.console.clearTransient()
    names.conclude()
    let end = ImportOutcomes.End(
      isComplete: isExhausted && !source.account.isIncomplete && stop == nil && waiting.isEmpty && !isStopping,
      isSourceBroken: source.account.isIncomplete && !verb.isInterrupted(), failure: stop?.failure,
      isInterrupted: verb.isInterrupted())
    return outcomes.conclude(end)
  }

  private func tick() -> Bool {
    if verb.isInterrupted(), !isStopping {
      isStopping = true
      session.console.note("stopping; waiting for \(underWay) under way (press Ctrl-C again to end at once)")
    }
    if let failure = report?.failure, !isStopping {
      isStopping = true
      session.console.note("\("certregctl:", .red) \(failure.message)")
    }
    let now = session.clock.monotonic
    if now >= nextSync {
      nextSync = now + ImportRun.syncInterval
      // The next tick sees a failure, above.
      try? report?.sync()
    }
    outcomes.progress.sample(at: now)
    if session.console.errors.isTerminal {
      guard now >= nextDrawing || outcomes.hasPrinted else { return !isStopping }
      nextDrawing = now + .milliseconds(100)
      outcomes.hasPrinted = false
      updateProgress()
      session.console.showTransient(outcomes.progress.lines(width: session.console.errors.columns))
    } else if now >= nextNote {
      nextNote = now + ImportRun.noteInterval
      updateProgress()
      for line in outcomes.progress.lines(width: 0) { session.console.note(line) }
    }
    return !isStopping
  }

  private func updateProgress() {
    outcomes.progress.fraction = source.fraction
    outcomes.progress.pending = underWay + waiting.count
    outcomes.progress.retrying = waiting.reduce(into: [:]) { counts, attempt in
      if !attempt.reason.isEmpty { counts[attempt.reason, default: 0] += 1 }
    }
  }

  private func pull() -> Pull<Item> {
    let now = session.clock.monotonic
    if now >= nextStatus {
      nextStatus = now + (session.console.errors.isTerminal ? ImportRun.statusInterval : ImportRun.noteInterval)
      return .request(.status, Request("status"))
    }
    if let index = waiting.firstIndex(where: { $0.notBefore <= now }) {
      let attempt = waiting.remove(at: index)
      return send(attempt, request(attempt))
    }
    // While many entries wait for the daemon to recover, reading on would only add to them.
    if !isExhausted, waiting.count < Pipeline.defaultWindow, let (attempt, request) = nextAttempt() {
      return send(attempt, request)
    }
    return isExhausted && waiting.isEmpty && underWay == 0 ? .end : .later
  }

  private func send(_ attempt: ImportAttempt, _ request: Request) -> Pull<Item> {
    underWay += 1
    return .request(.certificate(attempt), request)
  }

  private func request(_ attempt: ImportAttempt) -> Request {
    verb.request(
      pem: attempt.certificate.pem, DeviceDetails(attempt.entry, provision: verb.provision, facts),
      targets: attempt.targets, timeout: session.timeout)
  }

  /// The next certificate to send. Failures, duplicates and what is done already get their outcomes on the way.
  private func nextAttempt() -> (ImportAttempt, Request)? {
    while let entry = source.next() {
      if entry.isSigned, notesSignatures { noteSignatures() }
      switch entry.content {
      case .failure(let error): fail(entry, error)
      case .passedOver(let other): outcomes.passOver(entry, other)
      case .certificate(let certificate):
        if let found = attempt(entry, certificate) { return found }
      }
      // Any number of entries in a row can need no request.
      guard tick() else { return nil }
    }
    isExhausted = !verb.isInterrupted()
    return nil
  }

  private func noteSignatures() {
    notesSignatures = false
    guard verb.signerPaths.isEmpty, !session.json else { return }
    session.console.note(
      "\(verb.source): signatures are not checked; --signer names who may have signed the manifest")
  }

  private func attempt(_ entry: InputEntry, _ certificate: InputCertificate) -> (ImportAttempt, Request)? {
    switch seen.take(certificate, of: entry) {
    case .new: names.take(certificate, of: entry)
    case .duplicate:
      outcomes.duplicate(entry)
      return nil
    case .conflict(let error):
      outcomes.fail(entry.failed(error), error)
      return nil
    }
    let missing = targetsLacking(certificate.id)
    guard targets.isEmpty || !missing.isEmpty else {
      outcomes.progress.passedOver += 1
      report?.passOver(entry, in: targets)
      return nil
    }
    var entry = entry
    if let error = report?.repeatRequest(for: certificate.id, in: &entry) {
      outcomes.fail(entry.failed(error), error)
      return nil
    }
    let attempt = attempt(entry, certificate, asking: missing)
    let request = request(attempt)
    if let error = facts.refusal(of: request) {
      refuse(attempt, error)
      return nil
    }
    return (attempt, request)
  }

  private func attempt(_ entry: InputEntry, _ certificate: InputCertificate, asking asked: [String]) -> ImportAttempt {
    ImportAttempt(
      entry: entry, certificate: certificate, targets: session.targets.isEmpty ? [] : asked, asked: asked,
      notBefore: session.clock.monotonic)
  }

  /// The targets in which a certificate is not registered yet.
  private func targetsLacking(_ id: CertificateID) -> [String] {
    report?.history.missing(id, of: targets, asksAgain: verb.asksAgain) ?? targets
  }

  /// Takes an entry that fails before anything is sent. A certificate that does not fit its device's name is kept for
  /// another try.
  private func fail(_ entry: InputEntry, _ error: InputError) {
    let missing = entry.refused.map { targetsLacking($0.id) } ?? []
    guard let certificate = entry.refused, targets.isEmpty || !missing.isEmpty else {
      return outcomes.fail(entry, error)
    }
    refuse(attempt(entry, certificate, asking: missing), error)
  }

  private func refuse(_ attempt: ImportAttempt, _ error: InputError) {
    outcomes.settle(
      attempt, [ResultLine(outcome: ImportRecord.failed, name: attempt.entry.name, error: error.answerError)],
      status: error.exitStatus, advice: error.advice)
  }

  private func take(_ item: Item, _ answer: Answer) {
    guard case .certificate(let attempt) = item else {
      outcomes.progress.daemon = answer.json
      return
    }
    underWay -= 1
    var lines = ResultLine.lines(of: answer, name: attempt.name)
    if verb.isDryRun, lines.count == 1, lines[0].error == nil { lines[0].outcome = ImportRecord.valid }
    if let error = lines.lazy.compactMap(\.error).first(where: \.retryable), attempt.tries + 1 < ImportRun.maximumTries
    {
      var again = attempt
      again.tries += 1
      again.reason = error.reason
      again.notBefore = session.clock.monotonic + again.pause(first: verb.firstPause, error)
      waiting.append(again)
      return
    }
    outcomes.settle(attempt, lines)
  }

  /// Takes a request without an answer: the daemon closed its connections on it, or did not answer in time.
  private func fail(_ item: Item, _ failure: ClientError) {
    guard case .certificate(let attempt) = item else { return }
    underWay -= 1
    outcomes.settle(
      attempt, [ResultLine(outcome: ImportRecord.failed, name: attempt.name, error: failure.answerError)],
      status: failure.exitStatus)
  }
}
