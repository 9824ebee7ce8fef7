import CertRegClock
import CertRegCore
import CertRegForwarder
import CertRegHost
import CertRegProtocol
import CertRegTesting
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import CertRegDaemon
@testable import CertRegSocket

/// The request service with all its parts. The store is in memory, the test chooses the upstream's replies, and the log
/// is kept.
final class ServiceUnderTest: Sendable {
  /// The way of requests to the service.
  enum Route: CaseIterable, Sendable {
    /// By a function call.
    case direct
    /// Through a Unix socket and its connections.
    case socket
  }

  /// An upstream with prepared replies. After the last reply every certificate is new.
  private final class Upstream: UpstreamClient {
    let location = UpstreamLocation.embedded(region: "r")
    private let certificates: Mutex<[Result<UpstreamCertificate, UpstreamFailure>]>
    private let replies: Mutex<[UpstreamReply]>
    private let calls = Mutex<[UpstreamCall]>([])
    /// What happens between a `describe` and its answer.
    let meanwhile = Mutex<(@Sendable () async -> Void)?>(nil)

    init(_ replies: [UpstreamReply], _ certificates: [Result<UpstreamCertificate, UpstreamFailure>]) {
      self.replies = Mutex(replies.reversed())
      self.certificates = Mutex(certificates.reversed())
    }

    var all: [UpstreamCall] { calls.withLock { $0 } }

    func perform(_ call: UpstreamCall) async -> UpstreamReply {
      calls.withLock { $0.append(call) }
      switch call {
      case .updateCertificate:
        let next = replies.withLock { $0.popLast() }
        return if case .failed? = next, let next { next } else { .updated(requestID: "u") }
      case .provision:
        let next = replies.withLock { $0.popLast() }
        return if case .failed? = next, let next { next } else { .provisioned(DeviceResources(), requestID: "p") }
      case .registerCertificateWithoutCA(let call):
        let next = replies.withLock { $0.popLast() }
        return switch next {
        case .registered(_, let requestID)?:
          .registered(certificateARN: "arn:x:" + call.certificateID.hex, requestID: requestID)
        case .alreadyExists(_, let status, let requestID, let undescribed)?:
          .alreadyExists(
            certificateARN: "arn:x:" + call.certificateID.hex, status: status, requestID: requestID,
            undescribed: undescribed)
        case .failed(let failure)?: .failed(failure)
        case .updated?, .provisioned?, nil:
          .registered(certificateARN: "arn:x:" + call.certificateID.hex, requestID: nil)
        }
      }
    }

    /// Without a prepared answer it waits until it is cancelled.
    func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate {
      await meanwhile.withLock { $0 }?()
      if let next = certificates.withLock({ $0.popLast() }) { return try next.get() }
      try? await Task.sleep(for: .seconds(600))
      throw .foreignReply
    }

    func shutdown() async {}
  }

  private let service: RequestService
  private let server: SocketServer
  private let upstream: Upstream
  private let calls: UpstreamCalls
  let descriptions: Descriptions
  let describeTurns = DescribeTurns(perSecond: nil)
  private let running: Task<Void, Never>
  private let workers: NIOThreadPool
  private let path: String?
  let store = MemoryStore()
  private let log: LogPipeline
  private let records: Records

  /// Entries of the log.
  private final class Records: Sendable {
    let all = Mutex<[LogRecord]>([])
  }

  /// - Parameters:
  ///   - certificates: Answers to `describe`, in their order.
  ///   - profile: The profile of requests that name none.
  ///   - defaultStatus: The status of requests that name none.
  init(
    _ route: Route, replies: [UpstreamReply], certificates: [Result<UpstreamCertificate, UpstreamFailure>] = [],
    access: AccessControl? = nil, profile: ProvisioningProfile? = nil,
    defaultStatus: CertificateStatus? = nil
  ) async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let clock = HostClock.system
    let demand = AnswerDemand()
    let givingWay = GivingWay(demand: demand, clock: clock)
    let memory = ResultCache(maxEntries: 100)
    let known = KnownResults(memory: memory, store: store, timeToLive: nil)
    known.point([TargetName("default"): .embedded(region: "r")])
    let records = Records()
    let log = try LogPipeline(level: .info, clock: .system) { new in records.all.withLock { $0 += new } }
    self.log = log
    self.records = records
    let logger = Logger(label: "test") { log.makeHandler(label: $0) }
    let upstream = Upstream(replies, certificates)
    let calls = UpstreamCalls(on: loop, givingWay: givingWay) { _ in upstream }
    let limits = TargetLimits(
      operations: [.registerCertificateWithoutCA: OperationLimits(ratePerSecond: nil, burst: 10)], maxConcurrent: 32)
    let target = TargetName("default")
    let engine = await RegistrationEngine.start(
      on: loop,
      RegistrationEngine.Parts(
        store: store, known: known, calls: calls, clock: clock, audit: AuditTrail(log: log), activity: Activity(),
        givingWay: givingWay, logger: logger),
      configuration: .init(maxPending: 100, maxAge: nil), targets: [target: limits], resuming: [])
    workers = NIOThreadPool(numberOfThreads: 1)
    workers.start()
    let queue = WorkQueue(pool: workers, threads: 1, givingWay: givingWay)
    server = try SocketServer(loops: 1)
    let context = CredentialsContext(
      environment: ProcessEnvironment([:]), hostName: "test", clock: clock,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
      logger: logger)
    let counts = RequestCounts()
    let reports = Reports(
      Reports.Parts(
        engine: engine, server: server,
        clients: TargetClients(context: context, isSandbox: true, signed: { _, _, _ in }), cache: memory, store: store,
        counts: counts, log: log, workers: queue, loop: loop, clock: clock),
      constants: Reports.Constants(
        startedAt: clock.wall, processID: getpid(), isSandbox: true, targets: [:], defaultTarget: target,
        maxConnections: 8, window: 8, maxLineBytes: 1 << 20, maxPending: 100, maxCached: 100))
    descriptions = Descriptions(calls: calls, clock: clock) { [describeTurns] _ in describeTurns }
    service = RequestService(
      RequestService.Parts(
        verdicts: Verdicts(policies: .init(), clock: clock), known: known, engine: engine,
        descriptions: descriptions, workers: queue, reports: reports,
        audit: AuditTrail(log: log), counts: counts, clock: clock, mostHeldPeers: 32),
      configuration: RequestService.Configuration(
        targets: [target], targetSet: [target], defaultTarget: target, defaultStatus: defaultStatus,
        // A busy machine must not end a request whose test is not about time.
        defaultTimeout: .seconds(600), profiles: profile.map { [$0.name: $0] } ?? [:],
        targetProfiles: profile.map { [target: $0.name] } ?? [:], access: access, auditsRepeats: false))
    self.upstream = upstream
    self.calls = calls
    running = Task { await calls.run() }
    switch route {
    case .direct: path = nil
    case .socket:
      var folder = Array("\(FileManager.default.temporaryDirectory.path)/certregd-XXXXXX".utf8CString)
      guard mkdtemp(&folder) != nil else { throw SystemCallError("mkdtemp") }
      let path = String(decoding: folder.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/socket"
      self.path = path
      let listening = try ListeningSocket.open(.init(path: path))
      var configuration = SocketConfiguration()
      configuration.defaultTarget = SocketConfiguration.Target(
        "default", number: memory.number(of: target), profile: profile)
      configuration.targets = [configuration.defaultTarget]
      try await server.serve(
        [listening.descriptor], handling: service, cache: memory, demand: demand, clock: clock,
        configuration: configuration)
    }
  }

  /// Has something happen between each `describe` and its answer.
  func whileDescribing(_ body: @escaping @Sendable () async -> Void) {
    upstream.meanwhile.withLock { $0 = body }
  }

  /// The number of calls that the upstream got.
  var callCount: Int { upstream.all.count }

  /// The calls that the upstream got.
  var upstreamCalls: [UpstreamCall] { upstream.all }

  /// The fields of all entries of the log so far.
  var entries: [[String: String]] {
    #expect(log.flush(within: .seconds(60)))
    return records.all.withLock { records in
      records.map { Dictionary(uniqueKeysWithValues: $0.fields.map { ($0.name, $0.value) }) }
    }
  }

  /// Sends a request and waits for its answer.
  func ask(_ line: String) async throws -> [String: any Sendable] {
    let answer = Data(try await askForText(line).utf8)
    return try #require(try JSONSerialization.jsonObject(with: answer) as? [String: any Sendable])
  }

  /// Sends a request and waits for the text of its answer.
  func askForText(_ line: String) async throws -> String {
    let answer =
      if let path {
        try await exchange(Array((line + "\n").utf8), over: path)
      } else {
        try await direct(Array(line.utf8))
      }
    return String(decoding: answer, as: UTF8.self)
  }

  private func direct(_ line: [UInt8]) async throws -> [UInt8] {
    let request = try line.withUnsafeBytes { bytes in OwnedRequest(try LineParser.parse(bytes), line: bytes) }
    return await withCheckedContinuation { continuation in
      let reply = Reply(connectionID: 1) { answer, _ in continuation.resume(returning: answer) }
      let peer = Peer(uid: getuid(), gid: getgid(), pid: getpid(), unit: KnownUnit(.none))
      service.handle(request, from: peer, on: -1, reply: reply)
    }
  }

  /// Waits on a thread of its own, since the daemon needs the threads of Swift's pool.
  private func exchange(_ line: [UInt8], over path: String) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try Self.exchangeBlocking(line, over: path) })
      }
    }
  }

  private static func exchangeBlocking(_ line: [UInt8], over path: String) throws -> [UInt8] {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard connected == 0, write(descriptor, line, line.count) == line.count else { throw SystemCallError("connect") }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while answer.last != UInt8(ascii: "\n") {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { throw SystemCallError("read") }
      answer += buffer.prefix(count)
    }
    return answer
  }

  func stop() async {
    await server.shutDown()
    calls.finish()
    // As the daemon ends the calls that remain.
    running.cancel()
    await running.value
    try? await workers.shutdownGracefully()
    if let path {
      unlink(path)
      unlink(path + ".lock")
      rmdir(String(path.dropLast("/socket".utf8.count)))
    }
  }

  /// A certificate that is valid now, made by the openssl program.
  static func issueCertificate() throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=device",
      "-keyout",
      "/dev/null",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }
}
