import CertRegCore
import CertRegProtocol
import CertRegSettings
import CertRegSocket
import Testing

@testable import CertRegDaemon

@Suite struct AccessControlTests {
  private let start = MonotonicTime(nanoseconds: 0)

  private func rule(_ change: (inout AccessRule) -> Void) -> AccessRule {
    var rule = AccessRule()
    change(&rule)
    return rule
  }

  private func control(_ rules: AccessRule..., maxPending: Int = 100) -> AccessControl {
    var settings = AccessSettings()
    settings.rules = rules
    return AccessControl(settings, maxPending: maxPending)
  }

  private func peer(_ uid: UInt32, gid: UInt32 = 50, groups: [UInt32] = [], unit: String? = nil) -> Peer {
    Peer(uid: uid, gid: gid, pid: 1, supplementaryGroups: groups, findUnit: { unit })
  }

  /// The reason of the refusal; `nil`: allowed.
  private func refusal(
    _ control: AccessControl, _ operation: CertRegProtocol.Operation = .register, _ targets: [String] = ["eu"],
    by peer: Peer, at time: Duration = .zero
  ) -> String? {
    do throws(ServiceError) {
      try control.check(operation, targets: targets.map { TargetName($0) }, by: peer, now: start + time)
      return nil
    } catch {
      return error.reason.rawValue
    }
  }

  @Test func `matches by user, by either kind of group, and by unit`() {
    let byUser = control(rule { $0.user = .number(1000) })
    #expect(refusal(byUser, by: peer(1000)) == nil)
    #expect(refusal(byUser, by: peer(1001)) == "peer_not_allowed")
    let byName = control(rule { $0.user = .name("root") }, rule { $0.group = .name("no-such-group") })
    #expect(refusal(byName, by: peer(0)) == nil)
    #expect(refusal(byName, by: peer(1)) == "peer_not_allowed")
    let byGroup = control(rule { $0.group = .number(70) })
    #expect(refusal(byGroup, by: peer(1, gid: 70)) == nil)
    #expect(refusal(byGroup, by: peer(1, groups: [69, 70])) == nil)
    #expect(refusal(byGroup, by: peer(1, groups: [69])) == "peer_not_allowed")
    let byUnit = control(rule { $0.unit = "line.service" })
    #expect(byUnit.asksForUnits && !byGroup.asksForUnits)
    #expect(refusal(byUnit, by: peer(1, unit: "line.service")) == nil)
    #expect(refusal(byUnit, by: peer(1, unit: "other.service")) == "peer_not_allowed")
    #expect(refusal(byUnit, by: peer(1)) == "peer_not_allowed")
  }

  @Test func `all that a rule names has to match, and the first rule that does counts`() {
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
    #expect(refusal(control, by: peer(1000, unit: "line.service")) == nil)
    #expect(refusal(control, .register, ["eu", "us"], by: peer(1000, unit: "line.service")) == "peer_not_allowed")
    #expect(refusal(control, by: peer(1000, unit: "other.service")) == "peer_not_allowed")
    #expect(refusal(control, .status, [], by: peer(1000, unit: "other.service")) == nil)
    #expect(!control.isUnlimited(peer(1000, unit: "line.service")))
  }

  @Test func `the callers of a rule share its rate, those of another do not`() {
    let control = control(
      rule {
        $0.group = .number(70)
        $0.requestsPerSecond = 2
      }, rule { $0.user = .any })
    let (one, other) = (peer(1, gid: 70), peer(2, gid: 70))
    #expect(refusal(control, by: one) == nil && refusal(control, by: other) == nil)
    #expect(refusal(control, by: one) == "caller_rate_exceeded")
    #expect(refusal(control, by: peer(3)) == nil)
    #expect(refusal(control, by: other, at: .milliseconds(500)) == nil)
    #expect(refusal(control, by: other, at: .milliseconds(501)) == "caller_rate_exceeded")
    #expect(!control.isUnlimited(one) && control.isUnlimited(peer(3)))
  }

  @Test func `a share of the queue is at least one place`() {
    let control = control(
      rule {
        $0.user = .number(1)
        $0.queueShare = 0.25
      },
      rule {
        $0.user = .number(2)
        $0.queueShare = 0.001
      }, rule { $0.user = .any })
    #expect(control.queueShare(of: peer(1))?.limit == 25)
    #expect(control.queueShare(of: peer(2))?.limit == 1)
    #expect(control.queueShare(of: peer(3)) == nil)
    #expect(control.queueShare(of: peer(1))?.name != control.queueShare(of: peer(2))?.name)
  }
}
