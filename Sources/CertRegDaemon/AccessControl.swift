import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegSocket
import Synchronization

/// Decides by the `access` section of the configuration what a peer may do: the first rule that matches the peer
/// counts. A peer without a matching rule may do nothing, and neither may a peer for which the rules cannot be decided.
final class AccessControl: Sendable {
  /// The rule that counts for a peer.
  struct Grant: Sendable {
    fileprivate var index: Int
    fileprivate var rule: AccessRule
    /// The targets that the rule allows; `nil`: all.
    let targets: Set<TargetName>?
  }

  /// What the rules say of a peer.
  typealias Decision = Result<Grant, ServiceError>

  private let rules: [AccessRule]
  /// Whether a rule names a unit.
  let dependsOnUnits: Bool
  /// The targets that each rule allows: a request can name 256 of them, and a rule thousands.
  private let targets: [Set<TargetName>?]
  private let maxPending: Int
  private let accounts: AccountDirectory
  /// The tokens of each rule with a rate.
  private let rates: [Rate?]

  /// The tokens of a rule. A reload hands them on, so that nobody gets more requests by it.
  private final class Rate: Sendable {
    let perSecond: Double
    private let bucket: Mutex<TokenBucket>

    init(perSecond: Double, continuing earlier: Rate?) {
      self.perSecond = perSecond
      // A bucket holds the requests of one second, at least one.
      let burst = max(1, perSecond)
      let before = earlier?.bucket.withLock { $0 }
      bucket = Mutex(
        before.map { TokenBucket(perSecond: perSecond, burst: burst, continuing: $0) }
          ?? TokenBucket(perSecond: perSecond, burst: burst))
    }

    /// - Returns: `nil`, or the seconds until there is a token.
    func take(now: MonotonicTime) -> Double? { bucket.withLock { $0.take(now: now) } }
  }

  /// - Parameters:
  ///   - maxPending: The size of the queue that rules grant shares of.
  ///   - database: Where names of accounts are looked up.
  ///   - clock: Tells how old a look-up is.
  ///   - earlier: The rules until now. Callers that both limit keep the tokens that they have left.
  init(
    _ settings: AccessSettings, maxPending: Int, database: AccountDatabase, clock: HostClock,
    continuing earlier: AccessControl? = nil
  ) {
    rules = settings.rules
    dependsOnUnits = settings.rules.contains { $0.unit != nil }
    targets = settings.rules.map { $0.targets.map { Set($0.map { TargetName($0) }) } }
    self.maxPending = maxPending
    accounts = AccountDirectory(
      Set(settings.rules.flatMap(\.accountNames)), database: database, clock: clock)
    var known: [AccessRule.Callers: Rate] = [:]
    // Of several rules for the same callers the first one counts.
    if let earlier {
      for case (let rule, let rate?) in zip(earlier.rules, earlier.rates) where known[rule.callers] == nil {
        known[rule.callers] = rate
      }
    }
    rates = settings.rules.map { rule in
      rule.requestsPerSecond.map { perSecond in
        let before = known[rule.callers]
        // Requests under way still take from the rates that were.
        if let before, before.perSecond == perSecond { return before }
        return Rate(perSecond: perSecond, continuing: before)
      }
    }
    // Ahead of the first request. Where there are no names, no look-up is ever made.
    if accounts.current(at: clock.monotonic) == nil { accounts.lookUp { _ in } }
  }

  /// Decides without waiting for anything; `nil` where an account or the peer's unit has to be looked up first.
  func decisionAtOnce(for peer: Peer, now: MonotonicTime) -> Decision? {
    decision(for: peer, unit: peer.knownUnit, accounts: accounts.current(at: now))
  }

  /// Decides where no account has to be looked up first; `nil` where one has to. May read files.
  func decision(for peer: Peer, now: MonotonicTime) -> Decision? {
    decision(for: peer, unit: peer.unit, accounts: accounts.current(at: now))
  }

  /// Looks up all accounts and then decides. Calls `body` on another thread.
  func lookUpAndDecide(for peer: Peer, _ body: @escaping @Sendable (Decision) -> Void) {
    accounts.lookUp { accounts in
      body(
        self.decision(for: peer, unit: peer.unit, accounts: accounts)
          ?? .undecidable(peer, ErrorCause("no look-up of the accounts has ended")))
    }
  }

  /// Checks whether a rule allows a request, whatever its rate.
  ///
  /// - Throws: `peer_not_allowed`.
  func check(
    _ operation: RequestOperation, targets: [TargetName], of peer: Peer, under grant: Grant
  ) throws(ServiceError) {
    let rule = grant.rule
    if let operations = rule.operations, !operations.contains(operation) {
      throw .peerNotAllowed("\(operation.rawValue) to user \(peer.uid)")
    }
    if let allowed = grant.targets, let other = targets.first(where: { !allowed.contains($0) }) {
      throw .peerNotAllowed("target \(other.rawValue.shown) to user \(peer.uid)")
    }
  }

  /// The provisioning profiles that a rule grants; `nil`: all.
  func profiles(under grant: Grant) -> Set<String>? { grant.rule.profiles.map { Set($0) } }

  /// Takes a request from the rate of a rule.
  ///
  /// - Throws: `caller_rate_exceeded`.
  func takeToken(under grant: Grant, now: MonotonicTime) throws(ServiceError) {
    guard let perSecond = grant.rule.requestsPerSecond else { return }
    if let wait = rates[grant.index]?.take(now: now) {
      throw .callerRateExceeded(perSecond: perSecond, retryAfterMilliseconds: Int64(wait * 1000) + 1)
    }
  }

  /// Whether every known result may be answered to the peer without looking at the rules again. Waits for nothing.
  func isUnlimited(_ peer: Peer, now: MonotonicTime) -> Bool {
    guard case .success(let grant)? = decisionAtOnce(for: peer, now: now) else { return false }
    let rule = grant.rule
    return rule.targets == nil && rule.profiles == nil && rule.requestsPerSecond == nil
      && rule.operations?.contains(.register) ?? true
  }

  /// The part of the queue that all peers of a rule may fill together; `nil`: all of it.
  func queueShare(under grant: Grant) -> Registrar.QueueShare? {
    guard let share = grant.rule.queueShare else { return nil }
    // Named by what the rule says: a reload that puts another rule before it must not give its share to that rule's
    // callers.
    let callers = grant.rule.callers
    let name = "\(String(describing: callers.user)) \(String(describing: callers.group)) \(callers.unit ?? "")"
    return Registrar.QueueShare(name: name, limit: max(1, Int(Double(maxPending) * share)))
  }

  /// `nil` where `unit` or `accounts` are `nil` and the decision depends on them.
  private func decision(for peer: Peer, unit: Peer.Unit?, accounts: AccountDirectory.Accounts?) -> Decision? {
    for (index, rule) in rules.enumerated() {
      switch rule.match(peer, unit: unit, accounts: accounts) {
      case .no: continue
      case .yes: return .success(Grant(index: index, rule: rule, targets: targets[index]))
      case .undecidable: return .undecidable(peer, rule.failures(of: peer, unit: unit, accounts: accounts))
      case .unknownYet: return nil
      }
    }
    return .failure(.peerNotAllowed("anything to user \(peer.uid)"))
  }
}

extension AccessRule {
  /// Whom a rule is for. It stays while what the rule grants changes.
  fileprivate struct Callers: Hashable {
    var user: Account?
    var group: Account?
    var unit: String?
  }

  fileprivate var callers: Callers { Callers(user: user, group: group, unit: unit) }
}

extension AccessControl.Decision {
  /// A rule that might match cannot be decided: whether it grants or restricts, guessing would be wrong.
  fileprivate static func undecidable(_ peer: Peer, _ cause: ErrorCause) -> Self {
    .failure(.accessUndecided(user: peer.uid, cause: cause))
  }
}
