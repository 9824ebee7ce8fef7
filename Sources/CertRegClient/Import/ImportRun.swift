import CertRegCodec
import CertRegCore
import Glibc

/// One run of an import: feeds the pipeline, tries again what can be tried again, and keeps the report.
final class ImportRun {
  /// Answers that can come better later are asked for again so many times.
  private static let maximumTries = 10
  /// Failures that are printed one by one; the report has all of them.
  private static let maximumPrinted = 20
  private static let statusInterval = Duration.seconds(2)
  /// Lines of the report are on disk after this time at the latest.
  private static let syncInterval = Duration.seconds(1)
  private static let noteInterval = Duration.seconds(30)

  private struct Attempt {
    var name: String
    var pem: String
    var fingerprint: CertificateID
    var tries = 0
    /// Why it has to be tried again.
    var reason = ""
    var notBefore: MonotonicTime
  }

  private enum Item {
    case certificate(Attempt)
    case status
  }

  private let verb: ImportVerb
  private let session: Session
  private let format: ImportFormat
  private var source: any ImportSource
  private let report: ImportReport?
  private let history: ImportHistory

  private var seen: Set<CertificateID> = []
  private var waiting: [Attempt] = []
  private var underWay = 0
  private var isExhausted = false
  private var isStopping = false
  private var readFailure: InputError?
  private var printed = 0
  private var tally = Tally()
  private var progress = ImportProgress()
  private var nextStatus: MonotonicTime
  private var nextDrawing = Clock.now
  private var nextNote = Clock.now + noteInterval
  private var nextSync = Clock.now + syncInterval
  /// Whether some entries failed that can succeed when they are tried again.
  private var hasRetryable = false

  init(
    _ verb: ImportVerb, session: Session, format: ImportFormat, source: any ImportSource, report: ImportReport?,
    history: ImportHistory
  ) {
    self.verb = verb
    self.session = session
    self.format = format
    self.source = source
    self.report = report
    self.history = history
    progress.targets = session.targets
    // In time for the first line that is written where nobody watches.
    nextStatus = Clock.now + (session.console.errors.isTerminal ? .milliseconds(500) : .seconds(28))
  }

  /// Runs until the source is exhausted, somebody stops it, or the daemon stays away.
  func run() -> CommandStatus {
    var lastContact = Clock.now
    var pause = verb.firstPause
    var failure: ClientError?
    while true {
      do throws(ClientError) {
        let connection = try session.connect()
        let end = exchange(over: connection)
        requeue(end.unanswered)
        failure = end.failure
        lastContact = Clock.now
        if end.failure == nil { break }
      } catch {
        failure = error
        if error.code != .noDaemon && error.code != .busy { break }
      }
      // Before the first answer there is nothing to be patient with: the command line or the daemon is wrong.
      guard tally.total > 0, !verb.isInterrupted(), Clock.now - lastContact < verb.patience else { break }
      session.console.showTransient("waiting for certregd to come back")
      usleep(UInt32(clamping: pause.milliseconds * 1000))
      pause = min(pause * 2, .seconds(5))
    }
    session.console.clearTransient()
    return conclude(failure)
  }

  private func exchange(over connection: Connection) -> Pipeline.End<Item> {
    let timeout = verb.isDryRun ? Session.defaultTimeout : session.timeout.map { $0 + .seconds(10) }
    return Pipeline(connection, timeout: timeout).run(
      pulling: { pull() },
      answered: { item, answer in take(item, answer) },
      tick: { _ in tick() })
  }

  private func tick() -> Bool {
    if verb.isInterrupted(), !isStopping {
      isStopping = true
      session.console.note("stopping; waiting for \(underWay) under way (once more ends at once)")
    }
    if let failure = report?.failure, !isStopping {
      isStopping = true
      session.console.note("\("certregctl:", .red) \(failure.message)")
    }
    let now = Clock.now
    if now >= nextSync {
      nextSync = now + ImportRun.syncInterval
      // What fails is seen above, the next time.
      try? report?.sync()
    }
    progress.sample(at: now)
    if session.console.errors.isTerminal {
      guard now >= nextDrawing else { return !isStopping }
      nextDrawing = now + .milliseconds(100)
      updateProgress()
      session.console.showTransient(progress.lines(width: session.console.errors.columns))
    } else if now >= nextNote {
      nextNote = now + ImportRun.noteInterval
      updateProgress()
      for line in progress.lines(width: 0) { session.console.note(line) }
    }
    return !isStopping
  }

  private func updateProgress() {
    progress.fraction = source.fraction
    progress.pending = underWay + waiting.count
    progress.retrying = waiting.reduce(into: [:]) { counts, attempt in
      if !attempt.reason.isEmpty { counts[attempt.reason, default: 0] += 1 }
    }
  }

  private func pull() -> Pipeline.Pull<Item> {
    let now = Clock.now
    if now >= nextStatus {
      nextStatus = now + (session.console.errors.isTerminal ? ImportRun.statusInterval : ImportRun.noteInterval)
      return .request(.status, Request("status"))
    }
    if let index = waiting.firstIndex(where: { $0.notBefore <= now }) { return send(waiting.remove(at: index)) }
    // While many wait for the daemon to get better, reading on would only make more of them.
    if !isExhausted, waiting.count < Pipeline.defaultWindow, let attempt = nextAttempt() { return send(attempt) }
    return isExhausted && waiting.isEmpty && underWay == 0 ? .end : .later
  }

  private func send(_ attempt: Attempt) -> Pipeline.Pull<Item> {
    underWay += 1
    return .request(.certificate(attempt), verb.request(pem: attempt.pem, session))
  }

  /// The next certificate that has to be sent; failures, repeats and what is done already are dealt with on the way.
  private func nextAttempt() -> Attempt? {
    do throws(InputError) {
      while let entry = try source.next() {
        switch entry.content {
        case .failure(let error):
          record(
            ResultLine(outcome: "failed", name: entry.name, error: error.answerError), status: error.exitStatus,
            advice: error.advice)
        case .success(let pem):
          if let attempt = attempt(entry.name, pem) { return attempt }
        }
        // A source may have any number of entries in a row that need no call.
        guard tick() else { return nil }
      }
    } catch {
      readFailure = error
    }
    isExhausted = true
    return nil
  }

  private func attempt(_ name: String, _ pem: String) -> Attempt? {
    let fingerprint = ImportEntry.fingerprint(ofPEM: pem)
    guard seen.insert(fingerprint).inserted else {
      var line = ResultLine(outcome: "duplicate", name: name)
      line.certificateID = fingerprint.hex
      record(line)
      return nil
    }
    guard !history.isDone(fingerprint) else {
      progress.passedOver += 1
      return nil
    }
    guard pem.utf8.count <= Request.maximumLineBytes / 2 else {
      let error = InputError(.noCertificate, "\(pem.utf8.count) bytes: a certificate may have 65,536 characters")
      record(ResultLine(outcome: "failed", name: name, error: error.answerError), status: error.exitStatus)
      // Not among those that are kept for another try: it would never be sent.
      return nil
    }
    return Attempt(name: name, pem: pem, fingerprint: fingerprint, notBefore: Clock.now)
  }

  private func take(_ item: Item, _ answer: Answer) {
    guard case .certificate(var attempt) = item else {
      progress.daemon = answer.json
      return
    }
    underWay -= 1
    var lines = ResultLine.lines(of: answer, name: attempt.name)
    if verb.isDryRun, lines.count == 1, lines[0].error == nil { lines[0].outcome = "valid" }
    if let error = lines.lazy.compactMap(\.error).first(where: \.retryable), attempt.tries + 1 < ImportRun.maximumTries
    {
      attempt.tries += 1
      attempt.reason = error.reason
      attempt.notBefore = Clock.now + pause(attempt.tries, error)
      waiting.append(attempt)
      return
    }
    for line in lines { record(line, attempt.fingerprint) }
    if let failed = lines.first(where: { $0.error != nil }) {
      if failed.error?.retryable == true { hasRetryable = true }
      report?.addFailed(ImportRecord(failed, fingerprint: attempt.fingerprint), pem: attempt.pem)
    }
  }

  private func pause(_ tries: Int, _ error: AnswerError) -> Duration {
    let doubled = verb.firstPause * (1 << min(tries - 1, 6))
    let asked = Duration.milliseconds(error.retryAfterMilliseconds ?? 0)
    return min(max(doubled, asked), .seconds(30))
  }

  private func requeue(_ items: [Item]) {
    for case .certificate(let attempt) in items { waiting.append(attempt) }
    underWay = 0
  }

  private func record(
    _ line: ResultLine, _ fingerprint: CertificateID? = nil, status: CommandStatus? = nil, advice: String? = nil
  ) {
    tally.add(line, status: status, advice: advice)
    progress.count(line.outcome)
    let record =
      fingerprint.map { ImportRecord(line, fingerprint: $0) }
      ?? ImportRecord(
        name: line.name, certificateID: line.certificateID ?? "", outcome: line.outcome,
        reason: line.error?.reason ?? "", message: line.error?.message ?? "")
    report?.add(record)
    if session.json {
      session.console.printJSON(record.json)
    } else if line.outcome == "failed" {
      printed += 1
      guard printed <= ImportRun.maximumPrinted else { return }
      session.console.print(line.rendered(for: session.console.output))
      // The bar gave way to it and comes back at once.
      nextDrawing = Clock.now
    }
  }

  private func conclude(_ failure: ClientError?) -> CommandStatus {
    if printed > ImportRun.maximumPrinted, !session.json {
      session.console.note("… and \(printed - ImportRun.maximumPrinted) more failures")
    }
    session.console.note(tally.summary(noun: "entry", plural: "entries"))
    if progress.passedOver > 0 { session.console.note("\(progress.passedOver) were done before") }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
    if let readFailure {
      session.console.note("\("certregctl:", .red) \(verb.source): \(readFailure.message)")
      tally.add(status: readFailure.exitStatus)
    }
    if let failure {
      session.console.report(failure)
      tally.add(status: failure.exitStatus)
    }
    if verb.isInterrupted() { tally.add(status: .interrupted) }
    let isComplete = isExhausted && readFailure == nil && failure == nil && waiting.isEmpty && !isStopping
    if isComplete, tally.total + progress.passedOver == 0 {
      session.console.note("\("certregctl:", .red) \(verb.source): there was no certificate")
      if [.folder, .tar, .zip].contains(format) {
        session.console.note(
          "  \("→", .cyan) PEM, DER and PKCS#7 are read of a \(format.rawValue): give a table or a manifest by itself")
      }
      tally.add(status: .noInput)
    }
    if let report {
      if tally.total == 0, !verb.resumes { report.discard() } else { conclude(report, isComplete: isComplete) }
    }
    return tally.exitStatus
  }

  private func conclude(_ report: ImportReport, isComplete: Bool) {
    let failedPath = report.finish(isComplete: isComplete)
    if let failure = report.failure {
      if !isStopping { session.console.note("\("certregctl:", .red) \(failure.message)") }
      tally.add(status: .cannotCreate)
    }
    session.console.note("report: \(report.path)")
    if let failedPath {
      session.console.note("those that failed, with their certificates: \(failedPath)")
      if !hasRetryable {
        session.console.note(
          "  \("→", .cyan) when what is wrong is mended: certregctl import \(failedPath.quotedForShell)")
      }
    }
    if hasRetryable || (!isComplete && readFailure == nil) {
      session.console.note("  \("→", .cyan) to go on: \(verb.resumeCommand)")
    }
  }
}
