package import CertRegCore
import Glibc
package import Logging
import Synchronization

/// The daemon's log from the handlers to the destination: one for the process, shared by every logger.
package final class LogPipeline: Sendable {
  /// The section `log` of the configuration.
  package struct Configuration: Hashable, Sendable {
    /// Messages below this level are not written.
    package var level: Logger.Level
    /// Where messages go.
    package var destination: LogDestination
    /// For standard error; the journal has fields.
    package var format: LogFormat

    package init(
      level: Logger.Level = .info, destination: LogDestination = .automatic, format: LogFormat = .text
    ) {
      self.level = level
      self.destination = destination
      self.format = format
    }
  }

  private struct State {
    var level: Logger.Level
    var limiter: LogRateLimiter
    var auditLimiter: LogRateLimiter
    var conditionLimiter = LogPipeline.conditionLimiter
    var suppressed = 0

    /// How many entries of the kind were suppressed before this one; `nil` if this one is suppressed too.
    mutating func admit(_ kind: String, _ limit: EventID.Limit, at now: MonotonicTime) -> Int? {
      let decision: LogRateLimiter.Decision
      switch limit {
      case .none: return 0
      case .audit: decision = auditLimiter.admit(kind, at: now)
      case .usual: decision = limiter.admit(kind, at: now)
      case .condition: decision = conditionLimiter.admit(kind, at: now)
      }
      guard case .emit(let before) = decision else {
        suppressed += 1
        return nil
      }
      return before
    }
  }

  /// The limit for entries of the audit trail that neither the upstream nor the queue bounds: 1,000 of each kind at
  /// once and 20 a second.
  package static var auditLimiter: LogRateLimiter { LogRateLimiter(burst: 1000, perSecond: 20) }

  /// The limit for lasting conditions: one entry of each kind a minute.
  package static var conditionLimiter: LogRateLimiter { LogRateLimiter(burst: 1, perSecond: 1.0 / 60) }

  /// Protects the level and the limiters.
  private let state: Mutex<State>
  private let writer: LogWriter
  private let clock: HostClock

  /// A pipeline to any destination.
  ///
  /// - Parameters:
  ///   - limiter: The limit of each kind of message from `info` to `error`; debug messages and `critical` have none.
  ///   - auditLimiter: The same for events with the limit ``EventID/Limit/audit``.
  ///   - clock: Read once for each message.
  ///   - write: See ``LogWriter``.
  /// - Throws: ``HostError`` if the thread that writes cannot be started.
  package init(
    level: Logger.Level, limiter: LogRateLimiter = LogRateLimiter(),
    auditLimiter: LogRateLimiter = LogPipeline.auditLimiter, capacity: Int = 16_384,
    clock: HostClock, write: @escaping @Sendable ([LogRecord]) -> Void
  ) throws(HostError) {
    state = Mutex(State(level: level, limiter: limiter, auditLimiter: auditLimiter))
    self.clock = clock
    writer = LogWriter(
      capacity: capacity,
      makeDropReport: { count in
        Self.report("\(count) log messages dropped: the log's destination is too slow", count: count, at: clock.wall)
      }, write: write)
    try writer.start()
  }

  /// The pipeline that `configuration` asks for.
  ///
  /// - Parameters:
  ///   - configuration: Level, destination and format.
  ///   - identifier: `SYSLOG_IDENTIFIER` in the journal.
  ///   - environment: Read for `JOURNAL_STREAM`.
  ///   - clock: Read once for each message.
  /// - Throws: ``HostError`` if the thread that writes cannot be started.
  package convenience init(
    configuration: Configuration, identifier: String = "certregd", environment: [String: String], clock: HostClock
  ) throws(HostError) {
    let destination = configuration.destination.resolved(
      journalStream: environment["JOURNAL_STREAM"], standardErrorStream: LogDestination.standardErrorStream())
    let format = configuration.format
    try self.init(level: configuration.level, clock: clock) { records in
      LogOutput.write(records, isForJournal: destination == .journal, identifier: identifier, format: format)
    }
  }

  /// The least level that loggers without a level of their own write.
  package var level: Logger.Level {
    get { state.withLock { $0.level } }
    set { state.withLock { $0.level = newValue } }
  }

  /// A handler for `LoggingSystem.bootstrap`.
  package func makeHandler(label: String, metadataProvider: Logger.MetadataProvider? = nil) -> PipelineLogHandler {
    PipelineLogHandler(label: label, pipeline: self, metadataProvider: metadataProvider)
  }

  /// Waits until all messages are written, at most for `limit`; reports suppressed messages first. For the end of the
  /// process. Returns whether all is written.
  @discardableResult
  package func flush(within limit: Duration = .seconds(2)) -> Bool {
    let held = state.withLock { state in
      state.limiter.takeSuppressed() + state.auditLimiter.takeSuppressed() + state.conditionLimiter.takeSuppressed()
    }
    let now = clock.wall
    for (kind, count) in held {
      writer.enqueue { Self.report("\(count) messages suppressed (\(kind))", count: count, at: now) }
    }
    return writer.flush(within: limit)
  }

  /// One message of a handler.
  func submit(_ event: LogEvent, label: String, metadata: Logger.Metadata) {
    let now = clock.now
    var suppressed = 0
    if event.level >= .info, event.level < .critical {
      let kind: String
      switch metadata[LogField.event] {
      case .string(let name)?: kind = name
      default: kind = "\(event.file):\(event.line)"
      }
      let limit = EventID.named(kind)?.limit ?? .usual
      guard let before = state.withLock({ $0.admit(kind, limit, at: now.monotonic) }) else { return }
      suppressed = before
    }
    let (level, message, file, line) = (event.level, event.message, event.file, event.line)
    writer.enqueue { [suppressed] in
      LogRecord(
        time: now.wall, level: level, label: label, message: message.description, metadata: metadata, file: file,
        line: line, suppressed: suppressed)
    }
  }

  /// Takes an entry of the audit trail. `make` is called on the log's thread, so that no request waits for the text.
  package func audit(
    _ event: EventID, level: Logger.Level = .info, label: String = "audit", file: String = #fileID, line: UInt = #line,
    _ make: @escaping @Sendable () -> (message: String, fields: Logger.Metadata)
  ) {
    let now = clock.now
    let admitted = state.withLock { state in
      state.level <= level ? state.admit(event.name, event.limit, at: now.monotonic) : nil
    }
    guard let suppressed = admitted else { return }
    writer.enqueue {
      var (message, fields) = make()
      fields[LogField.event] = .string(event.name)
      return LogRecord(
        time: now.wall, level: level, label: label, message: message, metadata: fields, file: file, line: line,
        suppressed: suppressed)
    }
  }

  /// The messages missing from the log: suppressed because there were too many of a kind, or dropped because the
  /// destination was too slow.
  package var missing: (suppressed: Int, dropped: Int) {
    (state.withLock { $0.suppressed }, writer.droppedCount)
  }

  private static func report(_ message: String, count: Int, at time: WallTime) -> LogRecord {
    LogRecord(
      time: time, level: .warning, label: "log", message: message,
      metadata: [LogField.event: .string(EventID.messagesSuppressed.name), LogField.suppressed: "\(count)"],
      file: #fileID, line: #line)
  }
}
