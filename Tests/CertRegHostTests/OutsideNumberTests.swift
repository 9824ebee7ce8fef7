import CertRegCore
import CertRegHost
import CertRegTesting
import Logging
import Synchronization
import Testing

/// Times and durations that the service manager, a clock or the kernel can give.
@Suite struct OutsideNumberTests {
  private static let edges: [Int64] = [.min, .min + 1, -1_000_000_000, -1, 0, 1, 1_000_000_000, .max - 1, .max]

  @Test(arguments: edges)
  func `a watchdog's interval of any length is one to sleep for`(microseconds: Int64) {
    let notifier = ServiceNotifier(watchdogInterval: .microseconds(microseconds)) { _ in }
    #expect(notifier.watchdogInterval.map { $0 <= .seconds(86_400) } == true)
  }

  @Test(arguments: edges)
  func `any extension of a time-out can be told`(seconds: Int64) {
    let sent = Mutex("")
    ServiceNotifier(send: { text in sent.withLock { $0 = text } }).extendTimeout(by: .seconds(seconds))
    let number = sent.withLock(\.self).split(separator: "=").last.flatMap { UInt64($0) }
    #expect(number != nil)
    #expect(seconds > 0 || number == 0)
  }

  @Test func `a clock that goes anywhere neither ends the log nor opens a limit`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    let now = Mutex(Moment(monotonic: MonotonicTime(nanoseconds: 0), wall: WallTime(millisecondsSinceEpoch: 0)))
    let clock = HostClock(monotonic: { now.withLock(\.monotonic) }, wall: { now.withLock(\.wall) })
    let times = Mutex<[String]>([])
    let pipeline = try LogPipeline(
      level: .info, limiter: LogRateLimiter(burst: 5, perSecond: 1), clock: clock,
      write: { records in times.withLock { $0 += records.map { LogFormat.text.line($0) + LogFormat.json.line($0) } } })
    let log = Logger(label: "test") { pipeline.makeHandler(label: $0) }
    var limiter = LogRateLimiter(burst: 5, perSecond: 1)
    for _ in 0..<1000 {
      let number =
        Bool.random(using: &random)
        ? Self.edges.randomElement(using: &random) ?? 0 : Int64.random(in: .min ... .max, using: &random)
      now.withLock {
        $0 = Moment(monotonic: MonotonicTime(nanoseconds: number), wall: WallTime(millisecondsSinceEpoch: number))
      }
      log.info("message")
      _ = limiter.admit("x", at: MonotonicTime(nanoseconds: number))
      var admitted = 0
      while case .emit = limiter.admit("x", at: MonotonicTime(nanoseconds: number)) { admitted += 1 }
      #expect(admitted <= 5, "seed \(seed)")
    }
    #expect(pipeline.flush(within: .seconds(60)))
    #expect(times.withLock { !$0.isEmpty && $0.allSatisfy { !$0.isEmpty } })
  }

  @Test func `a supervisor takes beats at any time`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    var supervisor = WatchdogSupervisor(
      loops: ["a": .seconds(Int64.max), "b": .zero], now: MonotonicTime(nanoseconds: 0))
    for _ in 0..<2000 {
      let time = MonotonicTime(nanoseconds: Self.edges.randomElement(using: &random) ?? 0)
      supervisor.beat(Bool.random(using: &random) ? "a" : "b", at: time)
      _ = supervisor.tick(at: MonotonicTime(nanoseconds: Self.edges.randomElement(using: &random) ?? 0))
    }
    supervisor.beat("b", at: MonotonicTime(nanoseconds: .max))
    #expect(supervisor.tick(at: MonotonicTime(nanoseconds: .max)) == .ping)
  }

  @Test func `the kernel's figures of this process are numbers`() {
    let figures = ProcessFigures.current()
    #expect(figures.residentBytes > 0 && figures.virtualBytes >= figures.residentBytes && figures.threads > 0)
    #expect(figures.cpuSeconds.isFinite && figures.startTime.isFinite)
  }
}
