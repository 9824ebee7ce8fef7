import CertRegCore
import CertRegHost
import CertRegProtocol
import CertRegSettings
import CertRegSocket
import Glibc
import Synchronization

/// Decides by the `access` section of the configuration what a peer may do: the first rule that matches it counts, and a
/// peer that none matches may do nothing.
final class AccessControl: Sendable {
  private let rules: [AccessRule]
  private let maxPending: Int
  /// Tokens of each rule with a rate.
  private let buckets: Mutex<[TokenBucket]>

  init(_ settings: AccessSettings, maxPending: Int) {
    rules = settings.rules
    self.maxPending = maxPending
    buckets = Mutex(settings.rules.map { TokenBucket(perSecond: $0.requestsPerSecond ?? 0) })
  }

  /// Whether a peer's unit has to be known, which costs a look into /proc.
  var asksForUnits: Bool { rules.contains { $0.unit != nil } }

  /// Throws where the peer may not do this, or not now.
  func check(
    _ operation: CertRegProtocol.Operation, targets: [TargetName], by peer: Peer, now: MonotonicTime
  ) throws(ServiceError) {
    guard let index = ruleIndex(for: peer) else { throw .peerNotAllowed("anything to user \(peer.uid)") }
    let rule = rules[index]
    if let operations = rule.operations, !operations.contains(where: { $0.rawValue == operation.rawValue }) {
      throw .peerNotAllowed("\(operation.rawValue) to user \(peer.uid)")
    }
    if let allowed = rule.targets, let other = targets.first(where: { !allowed.contains($0.rawValue) }) {
      throw .peerNotAllowed("target \(other.rawValue.quoted) to user \(peer.uid)")
    }
    if let perSecond = rule.requestsPerSecond, let wait = buckets.withLock({ $0[index].take(now: now) }) {
      throw .callerRateExceeded(perSecond: perSecond, retryAfterMilliseconds: wait)
    }
  }

  /// Whether everything that is known may be answered to the peer without asking further.
  func isUnlimited(_ peer: Peer) -> Bool {
    guard let index = ruleIndex(for: peer) else { return false }
    let rule = rules[index]
    return rule.targets == nil && rule.requestsPerSecond == nil && rule.operations?.contains(.register) ?? true
  }

  /// The part of the queue that the peer may fill together with all whom its rule matches.
  func queueShare(of peer: Peer) -> Registrar.QueueShare? {
    guard let index = ruleIndex(for: peer), let share = rules[index].queueShare else { return nil }
    // By what the rule says, so that a reload that puts another before it does not give its share to that one's callers.
    let rule = rules[index]
    let name = "\(String(describing: rule.user)) \(String(describing: rule.group)) \(rule.unit ?? "")"
    return Registrar.QueueShare(name: name, limit: max(1, Int(Double(maxPending) * share)))
  }

  private func ruleIndex(for peer: Peer) -> Int? {
    rules.firstIndex { rule in
      (rule.user.map { Self.matches(user: $0, peer.uid) } ?? true)
        && (rule.group.map { Self.matches(group: $0, [peer.gid] + peer.supplementaryGroups) } ?? true)
        && (rule.unit.map { $0 == peer.findUnit() } ?? true)
    }
  }

  private static func matches(user: AccessRule.Account, _ uid: UInt32) -> Bool {
    switch user {
    case .any: true
    case .number(let number): number == uid
    case .name(let name): AccountDatabase.user(named: name) == uid
    }
  }

  private static func matches(group: AccessRule.Account, _ groups: [UInt32]) -> Bool {
    switch group {
    case .any: true
    case .number(let number): groups.contains(number)
    case .name(let name): AccountDatabase.group(named: name).map(groups.contains) ?? false
    }
  }
}

/// A bucket that holds the requests of one second.
struct TokenBucket: Sendable {
  private let perSecond: Double
  private var tokens: Double
  private var filledAt: MonotonicTime?

  init(perSecond: Double) {
    self.perSecond = perSecond
    tokens = max(1, perSecond)
  }

  /// Takes a token; returns `nil`, or after how many milliseconds there is one.
  mutating func take(now: MonotonicTime) -> Int64? {
    if let filledAt, now > filledAt {
      tokens = min(max(1, perSecond), tokens + perSecond * Double((now - filledAt).nanoseconds) / 1e9)
    }
    filledAt = now
    guard tokens >= 1 else { return Int64((1 - tokens) / perSecond * 1000) + 1 }
    tokens -= 1
    return nil
  }
}
