import CSpawn
import CertRegCore
import CertRegTesting
import Glibc
import Logging
import Synchronization
import Testing

@testable import CertRegHost

@Suite struct LogPipelineTests {
  /// A destination that records entries, and that the test can block.
  private final class Destination: Sendable {
    let written = Mutex<[LogRecord]>([])
    let gate: ThreadSemaphore?

    init(gated: Bool = false) { gate = gated ? ThreadSemaphore() : nil }

    var messages: [String] { written.withLock { $0.map(\.message) } }

    @Sendable func write(_ record: LogRecord) {
      gate?.wait()
      written.withLock { $0.append(record) }
    }
  }

  private func pipeline(
    _ destination: Destination, level: Logger.Level = .info, burst: Double = 1000, capacity: Int = 4096
  ) throws -> LogPipeline {
    try LogPipeline(
      level: level, limiter: LogRateLimiter(burst: burst, perSecond: 0), capacity: capacity,
      clock: ManualClock().clock,
      write: { $0.forEach(destination.write) })
  }

  private func logger(_ pipeline: LogPipeline, provider: Logger.MetadataProvider? = nil) -> Logger {
    Logger(label: "test") { pipeline.makeHandler(label: $0, metadataProvider: provider) }
  }

  private let longEnough = Duration.seconds(60)

  @Test func `messages arrive in order with their metadata`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination)
    var log = logger(pipeline, provider: .init { ["a": "provider", "b": "provider"] })
    log[metadataKey: "a"] = "logger"
    log[metadataKey: "c"] = "logger"
    for number in 0..<100 { log.info("message \(number)", metadata: ["b": "call"]) }
    #expect(pipeline.flush(within: longEnough))
    #expect(destination.messages == (0..<100).map { "message \($0)" })
    let fields = destination.written.withLock { $0.first?.fields }
    #expect(
      fields == [
        .init(name: "a", value: "provider"), .init(name: "b", value: "call"), .init(name: "c", value: "logger"),
      ])
  }

  @Test func `a log for a journal that is not there goes to standard error`() throws {
    var ends: [Int32] = [-1, -1]
    let result = pipe2(&ends, O_CLOEXEC)
    try #require(result == 0)
    let record = LogRecord(
      time: WallTime(millisecondsSinceEpoch: 0), level: .error, label: "test", message: "the reason", metadata: [:],
      file: "M/F",
      line: 1)
    LogOutput.write(
      [record], isForJournal: true, identifier: "test", format: .text, journalSocket: "/no/such/socket",
      descriptor: ends[1])
    close(ends[1])
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(ends[0], &buffer, buffer.count)
    close(ends[0])
    #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == LogFormat.text.line(record))
  }

  @Test func `a record has each name once, in their order`() {
    let record = LogRecord(
      time: WallTime(millisecondsSinceEpoch: 0), level: .error, label: "test", message: "m",
      metadata: ["access-key": "a", "access_key": "b", "suppressed": "7", "zone": "z"], file: "M/F", line: 1,
      suppressed: 3)
    #expect(record.fields.map(\.name) == ["access_key", "suppressed", "zone"])
    #expect(record.fields.first { $0.name == "suppressed" }?.value == "3")
  }

  @Test func `level and metadata of a logger are values`() throws {
    let pipeline = try pipeline(Destination())
    var first = logger(pipeline)
    first.logLevel = .debug
    first[metadataKey: "only-on"] = "first"
    var second = first
    second.logLevel = .error
    second[metadataKey: "only-on"] = "second"
    #expect(first.logLevel == .debug && second.logLevel == .error)
    #expect(first[metadataKey: "only-on"] == "first" && second[metadataKey: "only-on"] == "second")
  }

  @Test func `a new level reaches loggers that have none of their own`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination, level: .warning)
    let log = logger(pipeline)
    var own = logger(pipeline)
    own.logLevel = .error
    log.info("before")
    pipeline.level = .debug
    log.debug("after")
    own.debug("never")
    pipeline.flush(within: longEnough)
    #expect(destination.messages == ["after"])
  }

  @Test func `an event carries its kind`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination)
    let log = logger(pipeline)
    log.log(.notice, .ready, "up", [LogField.target: "eu"])
    log.log(.debug, .ready, "not at this level")
    pipeline.flush(within: longEnough)
    #expect(
      destination.written.withLock { $0.map(\.fields) } == [
        [.init(name: "event", value: "ready"), .init(name: "target", value: "eu")]
      ])
  }

  @Test func `one kind cannot flood the log, other kinds and critical entries pass`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination, burst: 2)
    let log = logger(pipeline)
    for _ in 0..<10 { log.warning("flood") }
    for _ in 0..<3 { log.critical("critical") }
    log.warning("other")
    pipeline.flush(within: longEnough)
    let messages = destination.messages
    #expect(messages.filter { $0 == "flood" }.count == 2)
    #expect(messages.filter { $0 == "critical" }.count == 3)
    #expect(messages.contains("other"))
    #expect(messages.last?.hasPrefix("8 messages suppressed") == true)
  }

  @Test func `an event's kind is its name, wherever it is logged`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination, burst: 1)
    let log = logger(pipeline)
    log.log(.info, .upstreamThrottled, "here")
    log.log(.info, .upstreamThrottled, "there")
    pipeline.flush(within: longEnough)
    #expect(destination.messages.prefix(1) == ["here"] && destination.messages.count == 2)
  }

  @Test func `entries of the audit trail are made by the log's thread and have limits of their own`() throws {
    let destination = Destination()
    let pipeline = try LogPipeline(
      level: .info, limiter: LogRateLimiter(burst: 1, perSecond: 0),
      auditLimiter: LogRateLimiter(burst: 3, perSecond: 0),
      clock: ManualClock().clock,
      write: { $0.forEach(destination.write) })
    let caller = pthread_self()
    for _ in 0..<10 {
      pipeline.audit(.registered) { ("each", [LogField.peerUID: "\(pthread_equal(caller, pthread_self()))"]) }
      pipeline.audit(.registrationRefused) { ("few", [:]) }
    }
    pipeline.flush(within: longEnough)
    let each = destination.written.withLock { $0.filter { $0.message == "each" } }
    #expect(each.count == 10)
    #expect(each.first?.fields == [.init(name: "event", value: "registered"), .init(name: "peer_uid", value: "0")])
    #expect(destination.messages.count { $0 == "few" } == 3)
    #expect(destination.messages.last == "7 messages suppressed (registration_refused)")
    #expect(pipeline.missing.suppressed == 7 && pipeline.missing.dropped == 0)
    pipeline.level = .notice
    pipeline.audit(.registered) { ("unwanted", [:]) }
    pipeline.flush(within: longEnough)
    #expect(!destination.messages.contains("unwanted"))
  }

  @Test func `debugging is not held back`() throws {
    let destination = Destination()
    let pipeline = try pipeline(destination, level: .debug, burst: 1)
    let log = logger(pipeline)
    for _ in 0..<10 { log.debug("detail") }
    pipeline.flush(within: longEnough)
    #expect(destination.messages.count == 10)
  }

  @Test func `a lasting condition is logged once a minute, with the number of entries held back`() throws {
    let destination = Destination()
    let clock = ManualClock()
    let pipeline = try LogPipeline(level: .info, clock: clock.clock, write: { $0.forEach(destination.write) })
    let log = logger(pipeline)
    for second in 0..<121 {
      log.log(.warning, .connectionsExhausted, "\(second)")
      pipeline.audit(.queueFull, level: .warning) { ("full", [:]) }
      clock.advance(by: .seconds(1))
    }
    #expect(pipeline.flush(within: longEnough))
    let records = destination.written.withLock { $0 }.filter { $0.message != "full" && $0.label == "test" }
    #expect(records.map(\.message) == ["0", "60", "120"])
    let suppressed = records.map { record in record.fields.first { $0.name == "suppressed" }?.value }
    #expect(suppressed == [nil, "59", "59"])
    #expect(records.allSatisfy { $0.level == .warning })
  }

  @Test func `a stuck destination neither blocks nor grows, and the loss is reported`() throws {
    let destination = Destination(gated: true)
    let pipeline = try pipeline(destination, level: .debug, capacity: 8)
    let log = logger(pipeline)
    // No entry can be written yet. The loop still ends, because no caller waits.
    for number in 0..<1000 { log.debug("\(number)") }
    #expect(pipeline.flush(within: .milliseconds(1)) == false)
    for _ in 0..<2000 { destination.gate?.signal() }
    #expect(pipeline.flush(within: longEnough))
    let messages = destination.messages
    // The writer may have taken one batch before the queue filled up again.
    #expect(messages.count <= 2 * 8 + 2)
    let lost = messages.compactMap { $0.contains("dropped") ? Int($0.prefix { $0.isNumber }) : nil }
    #expect(lost.reduce(0, +) + messages.count - lost.count == 1000)
    #expect(pipeline.missing.dropped == lost.reduce(0, +))
  }

  @Test func `text reaches a slow reader of a non-blocking pipe whole`() async {
    var pair: [Int32] = [-1, -1]
    pipe2(&pair, O_CLOEXEC)
    let (reader, writer) = (pair[0], pair[1])
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "0123456789abcdef", count: 40_000)
    async let received = Self.readAll(reader)
    LogOutput.write(text, to: writer)
    close(writer)
    #expect(await received == text.utf8.count)
    close(reader)
  }

  private static func readAll(_ descriptor: Int32) async -> Int {
    var total = 0
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &bytes, bytes.count)
      guard count > 0 else { return total }
      total += count
    }
  }

  @Test func `a reader that went away ends the writing`() async {
    await #expect(processExitsWith: .success) {
      ProcessLimits.setSignals()
      var pair: [Int32] = [-1, -1]
      pipe(&pair)
      close(pair[0])
      LogOutput.write("lost", to: pair[1])
    }
  }
}
