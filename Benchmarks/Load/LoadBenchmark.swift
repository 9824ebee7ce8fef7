import ArgumentParser
import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegStore
import Dispatch
import Foundation
import Glibc
import Histogram

/// Measures a release build of certregd as its clients see it.
@main
struct LoadBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load-benchmark",
    abstract: "Measures certregd: start, memory, cached and cold registrations.",
    discussion: "Every figure is of this machine with all that it did meanwhile: compare only what ran side by side.")

  @Argument(help: "The certregd to measure.")
  var daemon: String

  @Option(help: "Certificates that are registered and then asked for again.")
  var certificates = 1000

  @Option(help: "Cached requests for each point.")
  var requests = 300_000

  @Option(help: "New certificates to register for the cold figure.")
  var cold = 20_000

  @Option(help: "Registrations that are in the store before the daemon starts.")
  var known = 0

  func run() throws {
    print(Machine.description)
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-benchmark-\(getpid())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    if known > 0 { try fillStore(in: directory) }
    try measureStart(in: directory)
    let daemon = try DaemonUnderTest(program: daemon, directory: directory, arguments: ["--sandbox"])
    defer { daemon.stop() }
    try measureMemory(daemon)
    if known > 0 { try measureKnown(daemon) }
    try measureCached(daemon)
    try measureCold(daemon)
    try measureCachedBesideCold(daemon)
  }

  // MARK: Parts

  private func measureStart(in directory: URL) throws {
    var times: [Double] = []
    for _ in 0..<11 {
      let daemon = try DaemonUnderTest(program: daemon, directory: directory, arguments: ["--sandbox"])
      times.append(daemon.startMilliseconds)
      daemon.stop()
    }
    times.sort()
    print("start to first answer    median \(times[5].text(1)) ms, best \(times[0].text(1)) ms of 11")
  }

  private func measureMemory(_ daemon: DaemonUnderTest) throws {
    // A second after it is ready the daemon gives up what only its start needed.
    usleep(2_000_000)
    let idle = daemon.residentKiB
    // The first connection brings back code that the daemon had given up. That is no cost of the others.
    var connections = [try connectTo(daemon.socketPath)]
    usleep(500_000)
    let first = daemon.residentKiB
    connections += try (0..<1000).map { _ in try connectTo(daemon.socketPath) }
    usleep(500_000)
    let each = Double(daemon.residentKiB - first) / 1000
    for connection in connections { close(connection) }
    print(
      "memory                   idle \(idle) KiB, with one connection \(first) KiB; "
        + "\(each.text(2)) KiB for each of 1000 more"
    )
  }

  private func measureCached(_ daemon: DaemonUnderTest) throws {
    _ = try cached(daemon, connections: 8, depth: 8, requests: certificates).run()
    for (connections, depth) in [(1, 1), (16, 1), (16, 32), (256, 1)] {
      let requests = connections * depth == 1 ? requests / 10 : requests
      try report(
        "cached \(connections)x\(depth)", daemon,
        cached(daemon, connections: connections, depth: depth, requests: requests))
    }
  }

  private func cached(_ daemon: DaemonUnderTest, connections: Int, depth: Int, requests: Int) -> Load {
    let texts = (0..<certificates).map { Certificates.jsonText(UInt64($0)) }
    return Load(socketPath: daemon.socketPath, connections: connections, depth: depth, requests: requests) {
      texts[$0 % texts.count]
    }
  }

  private func measureCold(_ daemon: DaemonUnderTest) throws {
    try report("cold 16x8", daemon, Self.cold(daemon.socketPath, requests: cold, from: UInt64(certificates)))
  }

  private static func cold(_ path: String, requests: Int, from first: UInt64) -> Load {
    Load(socketPath: path, connections: 16, depth: 8, requests: requests) {
      Certificates.jsonText(first + UInt64($0))
    }
  }

  /// How long those who ask for what is known wait while others register what is new.
  private func measureCachedBesideCold(_ daemon: DaemonUnderTest) throws {
    let path = daemon.socketPath
    let first = UInt64(certificates + cold)
    let others = RepeatedLoad { number in
      Self.cold(path, requests: 512, from: first + UInt64(512 * number))
    }
    let result = try cached(daemon, connections: 16, depth: 1, requests: requests).run()
    let registered = try others.stop()
    let rate = Double(registered) / result.seconds
    describe("cached 16x1, cold 16x8", result, "\(rate.text(0)) new ones/s meanwhile")
  }

  private func report(_ name: String, _ daemon: DaemonUnderTest, _ load: Load) throws {
    let before = daemon.cpuMicroseconds
    let result = try load.run()
    let cpu = (daemon.cpuMicroseconds - before) / Double(result.requests)
    describe(name, result, "CPU \(cpu.text(2)) us each")
  }

  private func describe(_ name: String, _ result: Load.Result, _ remark: String) {
    let latencies = [50.0, 99, 99.9].map { (Double(result.latency.valueAtPercentile($0)) / 1000).text(0) }
    print(
      "\(name.padding(toLength: 24, withPad: " ", startingAt: 0)) \(result.perSecond.text(0)) requests/s, \(remark), "
        + "p50 \(latencies[0]) us, p99 \(latencies[1]) us, p99.9 \(latencies[2]) us"
        + (result.errors > 0 ? ", \(result.errors) ERRORS" : ""))
  }

  // MARK: A large store

  private static let knownFrom: UInt64 = 1 << 40

  private func fillStore(in directory: URL) throws {
    let state = directory.appendingPathComponent("state")
    try FileManager.default.createDirectory(
      at: state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let store = try SQLiteRegistrationStore(directory: state.path, clock: .system) { _ in }
    defer { store.close() }
    // In the order of their IDs: SQLite then only appends to its tree.
    let ids = (0..<known).map { SHA256.digest(of: Array(Certificates.der(Self.knownFrom + UInt64($0)))) }
    let now = WallTime(secondsSinceEpoch: Int64(Date().timeIntervalSince1970))
    let basis = VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: 1_577_836_800), notAfter: WallTime(secondsSinceEpoch: 4_953_744_511),
      policyFingerprint: ValidationPolicies().fingerprint)
    let keys = ids.sorted { $0.words < $1.words }
    for start in stride(from: 0, to: keys.count, by: 4096) {
      let changes = keys[start..<min(keys.count, start + 4096)].map { id in
        StoreChange.keep(
          Registration(
            key: RegistrationKey(certificateID: id, target: TargetName("default")),
            certificateARN: "arn:aws:iot:us-east-1:123456789012:cert/\(id.hex)", outcome: .created, status: .active,
            requestID: nil, finishedAt: now, basis: basis), nil)
      }
      let done = DispatchSemaphore(value: 0)
      store.commit(changes) { _ in done.signal() }
      done.wait()
    }
    print("filled the store with \(keys.count) registrations")
  }

  private func measureKnown(_ daemon: DaemonUnderTest) throws {
    let count = min(known, 50_000)
    let step = known / count
    try report(
      "known on disk alone 16x1", daemon,
      Load(socketPath: daemon.socketPath, connections: 16, depth: 1, requests: count) {
        Certificates.jsonText(Self.knownFrom + UInt64($0 * step))
      })
  }
}

extension Double {
  /// With so many digits behind the point.
  func text(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
}
