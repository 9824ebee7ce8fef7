import CertRegCore
import CertRegHost
import CertRegProtocol
import CertRegSettings
import CertRegTesting
import Synchronization
import Testing

@testable import CertRegDaemon
@testable import CertRegSocket

@Suite struct WatchHubTests {
  /// Holds the hub's work for workers until the test runs it.
  private final class Workers: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])

    func submit(_ job: @escaping @Sendable () -> Void) { jobs.withLock { $0.append(job) } }

    func run() {
      while true {
        let jobs = jobs.withLock { jobs in
          defer { jobs = [] }
          return jobs
        }
        if jobs.isEmpty { return }
        for job in jobs { job() }
      }
    }
  }

  /// A client that watches.
  private final class Client: Sendable {
    let lines = Mutex<[[UInt8]]>([])
    let answer = Mutex<String?>(nil)
    let flow = WatchFlow(id: nil)
    let life = ConnectionLife(id: 1)

    var reply: Reply {
      Reply(connection: life, watch: flow) { bytes, isLast in
        if isLast {
          self.answer.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
        } else {
          self.flow.leave()
          self.lines.withLock { $0.append(bytes) }
        }
      }
    }

    /// The targets of the lines that came since the last call.
    func targets() -> [String] {
      lines.withLock { lines in
        defer { lines = [] }
        return lines.map { line in
          let text = String(decoding: line, as: UTF8.self)
          return text.contains("\"target\":\"eu\"") ? "eu" : text.contains("\"target\":\"us\"") ? "us" : text
        }
      }
    }

    var refusal: String? { answer.withLock { $0 } }
  }

  private let workers = Workers()

  private func access(_ rules: AccessRule..., database: AccountDatabase = .system) -> AccessControl {
    var settings = AccessSettings()
    settings.rules = rules
    return AccessControl(settings, maxPending: 10, database: database, clock: ManualClock().clock)
  }

  private func rule(_ uid: UInt32, targets: [String]? = nil, _ operations: [RequestOperation]? = nil) -> AccessRule {
    var rule = AccessRule()
    rule.user = .number(uid)
    rule.targets = targets
    rule.operations = operations
    return rule
  }

  private func hub(_ access: AccessControl? = nil) -> WatchHub {
    WatchHub(
      access: access, clock: ManualClock().clock, onWorker: { [workers] in workers.submit($0) },
      refused: { _, _ in })
  }

  private func peer(_ uid: UInt32) -> Peer { Peer(uid: uid, gid: uid, pid: 1, unit: KnownUnit(.none)) }

  private func ending(_ target: String, _ outcome: RegistrationOutcome = .created) -> Ending {
    .registered(
      Registration(
        key: RegistrationKey(certificateID: CertificateID(), target: TargetName(target)), certificateARN: "arn",
        outcome: outcome, status: nil, requestID: nil, finishedAt: WallTime(secondsSinceEpoch: 0),
        basis: VerdictBasis(
          notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 1), policyFingerprint: 0)))
  }

  private func publish(_ hub: WatchHub, _ endings: Ending...) {
    for ending in endings { hub.publish(ending) }
    workers.run()
  }

  @Test func `each watch gets its events as one shared line`() {
    let hub = hub()
    let (all, existing, eu) = (Client(), Client(), Client())
    hub.add(id: nil, .init(), from: peer(1), reply: all.reply)
    hub.add(id: nil, .init(outcome: .existing), from: peer(1), reply: existing.reply)
    hub.add(id: nil, .init(targets: [TargetName("eu")]), from: peer(1), reply: eu.reply)
    hub.publish(ending("eu"))
    workers.run()
    let shared = [all, eu].map { client in
      client.lines.withLock { lines in lines[0].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }
    }
    #expect(shared[0] == shared[1])
    publish(hub, ending("us", .existing))
    #expect(all.targets() == ["eu", "us"] && existing.targets() == ["us"] && eu.targets() == ["eu"])
  }

  @Test func `nothing is sent on the thread of the registration`() {
    let hub = hub()
    let client = Client()
    hub.add(id: nil, .init(), from: peer(1), reply: client.reply)
    hub.publish(ending("eu"))
    #expect(client.targets() == [])
    workers.run()
    #expect(client.targets() == ["eu"])
  }

  @Test func `a worker that does not come makes watches miss lines instead of keeping them`() {
    let hub = hub()
    let client = Client()
    hub.add(id: nil, .init(), from: peer(1), reply: client.reply)
    for _ in 0..<5000 { hub.publish(ending("eu")) }
    workers.run()
    let sent = client.targets().count
    #expect(sent < 5000)
    #expect(client.flow.takeMissed() == 5000 - sent)
  }

  @Test func `a watch that is not allowed any more ends with an error`() {
    let hub = hub()
    let (stays, ends, other) = (Client(), Client(), Client())
    hub.add(id: nil, .init(), from: peer(1), reply: stays.reply)
    hub.add(id: nil, .init(), from: peer(2), reply: ends.reply)
    hub.add(id: nil, .init(targets: [TargetName("us")]), from: peer(3), reply: other.reply)
    hub.setAccess(access(rule(1), rule(2, [.register]), rule(3, targets: ["eu"])))
    publish(hub, ending("us"))
    #expect(stays.targets() == ["us"] && stays.refusal == nil)
    for client in [ends, other] {
      #expect(client.targets() == [])
      #expect(client.refusal?.contains("\"peer_not_allowed\"") == true)
    }
    hub.setAccess(nil)
    publish(hub, ending("us"))
    #expect(ends.targets() == [])
  }

  @Test func `a watch without names shows the targets that are allowed now`() {
    let hub = hub(access(rule(1, targets: ["eu"])))
    let client = Client()
    hub.add(id: nil, .init(), from: peer(1), reply: client.reply)
    publish(hub, ending("eu"), ending("us"))
    #expect(client.targets() == ["eu"])
    hub.setAccess(access(rule(1, targets: ["us"])))
    publish(hub, ending("eu"), ending("us"))
    #expect(client.targets() == ["us"])
    hub.setAccess(access(rule(1)))
    publish(hub, ending("eu"), ending("us"))
    #expect(client.targets() == ["eu", "us"] && client.refusal == nil)
  }

  /// New rules are in force from the call on: lines that they forbid are not sent.
  @Test func `between new rules and the decision about a watch it misses lines`() {
    let hub = hub()
    let client = Client()
    hub.add(id: nil, .init(), from: peer(1), reply: client.reply)
    hub.publish(ending("eu"))
    hub.setAccess(access(rule(1)))
    workers.run()
    #expect(client.targets() == [])
    #expect(client.flow.takeMissed() == 1)
    publish(hub, ending("eu"))
    #expect(client.targets() == ["eu"])
  }

  @Test func `a watch whose connection has ended gets nothing`() {
    let hub = hub()
    let client = Client()
    hub.add(id: nil, .init(), from: peer(1), reply: client.reply)
    client.life.end()
    publish(hub, ending("eu"))
    publish(hub, ending("eu"))
    #expect(client.targets().count <= 1)
  }
}
