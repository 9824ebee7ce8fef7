import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegSocket
import CertRegTesting
import Glibc
import Synchronization
import Testing

@testable import CertRegDaemon

@Suite struct AccessControlTests {
  private let start = MonotonicTime(nanoseconds: 0)
  private let now = ManualClock().now.monotonic

  private func rule(_ change: (inout AccessRule) -> Void) -> AccessRule {
    var rule = AccessRule()
    change(&rule)
    return rule
  }

  private func control(
    _ rules: AccessRule..., maxPending: Int = 100, database: AccountDatabase = .system, clock: HostClock? = nil,
    continuing earlier: AccessControl? = nil
  ) -> AccessControl {
    var settings = AccessSettings()
    settings.rules = rules
    return AccessControl(
      settings, maxPending: maxPending, database: database, clock: clock ?? ManualClock().clock, continuing: earlier)
  }

  private func peer(_ uid: UInt32, gid: UInt32 = 50, groups: [UInt32] = [], unit: Peer.Unit = .none) -> Peer {
    Peer(uid: uid, gid: gid, pid: 1, supplementaryGroups: groups, unit: KnownUnit(unit))
  }

  /// The reason of the refusal; `nil` if the peer is allowed.
  private func refusal(
    _ control: AccessControl, _ operation: RequestOperation = .register, _ targets: [String] = ["eu"],
    by peer: Peer, at time: Duration = .zero
  ) async -> String? {
    do throws(ServiceError) {
      let grant = try await decision(control, peer).get()
      try control.check(operation, targets: targets.map { TargetName($0) }, of: peer, under: grant)
      try control.takeToken(under: grant, now: start + time)
      return nil
    } catch {
      return error.reason.rawValue
    }
  }

  private func decision(_ control: AccessControl, _ peer: Peer) async -> AccessControl.Decision {
    if let decision = control.decision(for: peer, now: now) { return decision }
    return await withCheckedContinuation { continuation in
      control.lookUpAndDecide(for: peer) { continuation.resume(returning: $0) }
    }
  }

  @Test func `matches by user, by either kind of group, and by unit`() async {
    let byUser = control(rule { $0.user = .number(1000) })
    #expect(await refusal(byUser, by: peer(1000)) == nil)
    #expect(await refusal(byUser, by: peer(1001)) == "peer_not_allowed")
    let byName = control(rule { $0.user = .name("root") }, rule { $0.group = .name("no-such-group") })
    #expect(await refusal(byName, by: peer(0)) == nil)
    #expect(await refusal(byName, by: peer(1)) == "peer_not_allowed")
    let byGroup = control(rule { $0.group = .number(70) })
    #expect(await refusal(byGroup, by: peer(1, gid: 70)) == nil)
    #expect(await refusal(byGroup, by: peer(1, groups: [69, 70])) == nil)
    #expect(await refusal(byGroup, by: peer(1, groups: [69])) == "peer_not_allowed")
    let byUnit = control(rule { $0.unit = "line.service" })
    #expect(await refusal(byUnit, by: peer(1, unit: .named("line.service"))) == nil)
    #expect(await refusal(byUnit, by: peer(1, unit: .named("other.service"))) == "peer_not_allowed")
    #expect(await refusal(byUnit, by: peer(1)) == "peer_not_allowed")
  }

  @Test func `all that a rule names has to match, and the first rule that does counts`() async {
    let control = control(
      rule {
        $0.user = .number(1000)
        $0.unit = "line.service"
        $0.targets = ["eu"]
      },
      rule {
        $0.user = .any
        $0.operations = [.status]
      })
    #expect(await refusal(control, by: peer(1000, unit: .named("line.service"))) == nil)
    #expect(
      await refusal(control, .register, ["eu", "us"], by: peer(1000, unit: .named("line.service")))
        == "peer_not_allowed")
    #expect(await refusal(control, by: peer(1000, unit: .named("other.service"))) == "peer_not_allowed")
    #expect(await refusal(control, .status, [], by: peer(1000, unit: .named("other.service"))) == nil)
    #expect(!control.isUnlimited(peer(1000, unit: .named("line.service")), now: now))
  }

  @Test func `the callers of one rule share its rate, callers of other rules do not`() async {
    let control = control(
      rule {
        $0.group = .number(70)
        $0.requestsPerSecond = 2
      }, rule { $0.user = .any })
    let (one, other) = (peer(1, gid: 70), peer(2, gid: 70))
    #expect(await refusal(control, by: one) == nil)
    #expect(await refusal(control, by: other) == nil)
    #expect(await refusal(control, by: one) == "caller_rate_exceeded")
    #expect(await refusal(control, by: peer(3)) == nil)
    #expect(await refusal(control, by: other, at: .milliseconds(500)) == nil)
    #expect(await refusal(control, by: other, at: .milliseconds(501)) == "caller_rate_exceeded")
    #expect(!control.isUnlimited(one, now: now) && control.isUnlimited(peer(3), now: now))
  }

  private func limited(_ uid: UInt32, to rate: Double?, operations: [RequestOperation]? = nil) -> AccessRule {
    rule {
      $0.user = .number(uid)
      $0.operations = operations
      $0.requestsPerSecond = rate
    }
  }

  @Test func `a reload gives no caller more requests than its rate`() async {
    var rules = control(limited(1, to: 5), limited(2, to: 5))
    /// How many requests of a user are allowed at a time.
    func allowed(_ uid: UInt32, at time: Duration) async -> Int {
      for count in 0... {
        if await refusal(rules, by: peer(uid), at: time) != nil { return count }
      }
      return 0
    }
    #expect(await allowed(1, at: .zero) == 5)
    for _ in 1...10 {
      // Rules of others come and go, and what a rule grants changes.
      rules = control(
        limited(3, to: 1), limited(1, to: 5, operations: [.register, .status]), limited(2, to: 5), continuing: rules)
      #expect(await allowed(1, at: .zero) == 0)
      rules = control(limited(1, to: 5), limited(2, to: 5), continuing: rules)
    }
    #expect(await allowed(1, at: .milliseconds(400)) == 2)
    #expect(await allowed(2, at: .milliseconds(400)) == 5)
    // Another rate fills the same bucket faster, and a smaller one holds less.
    rules = control(limited(1, to: 20), limited(2, to: 5), continuing: rules)
    #expect(await allowed(1, at: .milliseconds(400)) == 0)
    #expect(await allowed(1, at: .milliseconds(500)) == 2)
    #expect(await allowed(1, at: .seconds(60)) == 20)
    rules = control(limited(1, to: 20), limited(2, to: 2), continuing: rules)
    #expect(await allowed(2, at: .seconds(60)) == 2)
    // A caller that had no limit begins with a full bucket.
    rules = control(limited(1, to: nil), continuing: rules)
    #expect(await refusal(rules, by: peer(1), at: .seconds(60)) == nil)
    rules = control(limited(1, to: 3), continuing: rules)
    #expect(await allowed(1, at: .seconds(60)) == 3)
  }

  @Test func `a request under way during a reload counts`() async throws {
    let before = control(limited(1, to: 1))
    let grant = try await decision(before, peer(1)).get()
    let after = control(limited(1, to: 1), continuing: before)
    try before.takeToken(under: grant, now: start)
    #expect(await refusal(after, by: peer(1)) == "caller_rate_exceeded")
  }

  @Test func `a share of the queue is at least one place`() async throws {
    let control = control(
      rule {
        $0.user = .number(1)
        $0.queueShare = 0.25
      },
      rule {
        $0.user = .number(2)
        $0.queueShare = 0.001
      }, rule { $0.user = .any })
    func share(_ uid: UInt32) async throws -> Registrar.QueueShare? {
      control.queueShare(under: try await decision(control, peer(uid)).get())
    }
    #expect(try await share(1)?.limit == 25)
    #expect(try await share(2)?.limit == 1)
    #expect(try await share(3) == nil)
    #expect(try await share(1)?.name != share(2)?.name)
  }

  // MARK: Undecidable rules

  @Test(arguments: [EIO, ENOENT, ECONNREFUSED, ERANGE])
  func `an error of the account database refuses, whatever later rules grant`(number: Int32) async {
    let database = AccountDatabase { _ in .failed(errno: number) }
    for restricted in [rule { $0.user = .name("line") }, rule { $0.group = .name("line") }] {
      var restricted = restricted
      restricted.operations = [.status]
      let control = control(restricted, rule { $0.user = .any }, database: database)
      #expect(await refusal(control, by: peer(1000)) == "peer_not_allowed")
      #expect(await refusal(control, .status, [], by: peer(1000)) == "peer_not_allowed")
      #expect(!control.isUnlimited(peer(1000), now: now))
    }
  }

  @Test func `an error of the account database does not matter if another condition decides`() async {
    let control = control(
      rule { $0.user = .number(7) },
      rule {
        $0.group = .name("line")
        $0.user = .number(8)
      }, rule { $0.user = .any }, database: AccountDatabase { _ in .failed(errno: EIO) })
    #expect(await refusal(control, by: peer(7)) == nil)
    #expect(await refusal(control, by: peer(9)) == nil)
    #expect(await refusal(control, by: peer(8)) == "peer_not_allowed")
  }

  @Test func `a name without an account matches no peer, and later rules count`() async {
    let control = control(
      rule { $0.user = .name("gone") }, rule { $0.user = .any }, database: AccountDatabase { _ in .none })
    #expect(await refusal(control, by: peer(1000)) == nil)
  }

  @Test func `an unknown unit leads to a refusal if a rule depends on it`() async {
    let control = control(
      rule { $0.user = .number(7) },
      rule {
        $0.unit = "line.service"
        $0.operations = [.status]
      }, rule { $0.user = .any })
    #expect(await refusal(control, by: peer(1000, unit: .unknown("gone"))) == "peer_not_allowed")
    #expect(await refusal(control, by: peer(7, unit: .unknown("gone"))) == nil)
    #expect(await refusal(control, by: peer(1000, unit: .none)) == nil)
  }

  @Test func `a refusal that no rule decided names the failed look-ups as its cause`() async {
    let control = control(
      rule {
        $0.user = .name("operator")
        $0.unit = "line.service"
      }, database: AccountDatabase { _ in .failed(errno: EIO) })
    let decision = await decision(control, peer(1000, unit: .unknown("the peer has ended")))
    #expect(throws: (any Error).self) { try decision.get() }
    guard case .failure(let error) = decision else { return }
    #expect(
      error.cause?.description
        == "user \"operator\": Input/output error (errno 5); unit of process 1: the peer has ended")
    #expect(!error.message.contains("errno"))
  }

  /// A directory that answers when the test lets it.
  private final class SlowDirectory: Sendable {
    private let isOpen = Atomic<Bool>(false)
    private let asked = Atomic<Int>(0)

    var lookUps: Int { asked.load(ordering: .acquiring) }

    func open() { isOpen.store(true, ordering: .releasing) }

    var database: AccountDatabase {
      AccountDatabase { _ in
        self.asked.add(1, ordering: .acquiringAndReleasing)
        while !self.isOpen.load(ordering: .acquiring) { usleep(1000) }
        return .number(1000)
      }
    }
  }

  @Test func `a slow directory delays only peers that depend on it, and is asked once for all`() async {
    let directory = SlowDirectory()
    let control = control(
      rule { $0.user = .number(7) }, rule { $0.user = .name("line") }, database: directory.database)
    // Loops and workers ask without waiting.
    #expect(control.isUnlimited(peer(7), now: now))
    #expect(!control.isUnlimited(peer(1000), now: now))
    #expect(control.decision(for: peer(1000), now: now) == nil)
    let (decisions, continuation) = AsyncStream.makeStream(of: Bool.self)
    for uid in [1000, 1001, 1000] as [UInt32] {
      control.lookUpAndDecide(for: peer(uid)) { decision in
        if case .success = decision { continuation.yield(true) } else { continuation.yield(false) }
      }
    }
    directory.open()
    var seen: [Bool] = []
    for await isGranted in decisions.prefix(3) { seen.append(isGranted) }
    #expect(seen == [true, false, true])
    #expect(directory.lookUps == 1)
    #expect(control.isUnlimited(peer(1000), now: now))
  }

  @Test func `a look-up is used for some seconds`() async {
    let clock = ManualClock()
    let directory = SlowDirectory()
    directory.open()
    let control = control(rule { $0.user = .name("line") }, database: directory.database, clock: clock.clock)
    _ = await decision(control, peer(1000))
    let last = clock.now.monotonic + (AccountDirectory.lifetime - .nanoseconds(1))
    #expect(control.isUnlimited(peer(1000), now: last))
    #expect(!control.isUnlimited(peer(1000), now: clock.now.monotonic + AccountDirectory.lifetime))
  }
}
