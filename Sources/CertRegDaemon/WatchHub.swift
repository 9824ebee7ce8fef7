import CertRegCore
import CertRegProtocol
import CertRegSocket
import Synchronization

/// Sends a line to every `watch` for every registration that ends.
///
/// A line is made once, on a worker, whatever the number of watches. What a watch may see is decided again when the
/// rules of `access` change: until then it gets nothing and is told how many lines it missed.
final class WatchHub: Sendable {
  /// What a `watch` asks for.
  struct Filter: Hashable, Sendable {
    /// `nil`: all that the peer may see.
    var targets: Set<TargetName>?
    /// `nil`: every outcome.
    var outcome: WatchOutcome?
  }

  private struct Watch: Sendable {
    var id: [UInt8]?
    var filter: Filter
    var peer: Peer
    var reply: Reply
    /// The targets that the peer may see; `nil`: all.
    var allowed: Set<TargetName>?
    /// The rules that `allowed` comes from; `nil`: not decided yet.
    var decidedUnder: Int?
  }

  private struct State: Sendable {
    var watches: [Int: Watch] = [:]
    var nextKey = 0
    /// Watches whose connections ended are looked for when there are so many.
    var pruneAt = 64
    var access: AccessControl?
    /// Counts the changes of `access`.
    var rules = 0
    var endings: [Ending] = []
    var missed = 0
    var isDelivering = false
  }

  /// Ends of registrations that wait for a worker. Past it, all watches miss lines.
  private static let mostWaiting = 1024

  private let state = Mutex(State())
  private let clock: HostClock
  private let onWorker: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let refused: @Sendable (ServiceError, Peer) -> Void

  /// - Parameters:
  ///   - access: The rules to begin with; `nil`: everything is allowed.
  ///   - onWorker: Runs something on a worker thread.
  ///   - refused: Told of each watch that ends because the rules do not allow it any more.
  init(
    access: AccessControl?, clock: HostClock, onWorker: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
    refused: @escaping @Sendable (ServiceError, Peer) -> Void
  ) {
    self.clock = clock
    self.onWorker = onWorker
    self.refused = refused
    state.withLock { $0.access = access }
  }

  /// Adds a watch that the rules have allowed.
  func add(id: [UInt8]?, _ filter: Filter, from peer: Peer, reply: Reply) {
    let key = state.withLock { state in
      if state.watches.count >= state.pruneAt {
        state.watches = state.watches.filter { $0.value.reply.isWanted }
        state.pruneAt = max(64, 2 * state.watches.count)
      }
      state.nextKey += 1
      state.watches[state.nextKey] = Watch(id: id, filter: filter, peer: peer, reply: reply)
      return state.nextKey
    }
    decide([key])
  }

  /// Takes new rules. Watches that they do not allow end with an error.
  func setAccess(_ access: AccessControl?) {
    let keys = state.withLock { state in
      state.access = access
      state.rules += 1
      return Array(state.watches.keys)
    }
    if !keys.isEmpty { onWorker { self.decide(keys) } }
  }

  /// A registration has ended. Costs little: the lines are made on a worker.
  func publish(_ ending: Ending) {
    let begins = state.withLock { state in
      guard !state.watches.isEmpty else { return false }
      guard state.endings.count < Self.mostWaiting else {
        state.missed += 1
        return false
      }
      state.endings.append(ending)
      defer { state.isDelivering = true }
      return !state.isDelivering
    }
    if begins { onWorker { self.deliver() } }
  }

  // MARK: Rights

  private func decide(_ keys: [Int]) {
    let (access, rules) = state.withLock { ($0.access, $0.rules) }
    for key in keys {
      guard let watch = state.withLock({ $0.watches[key] }) else { continue }
      guard let access else {
        settle(key, under: rules, .success(nil))
        continue
      }
      if let decision = access.decision(for: watch.peer, now: clock.monotonic) {
        settle(key, under: rules, Self.allowed(watch, by: access, decision))
      } else {
        access.lookUpAndDecide(for: watch.peer) { decision in
          self.settle(key, under: rules, Self.allowed(watch, by: access, decision))
        }
      }
    }
  }

  /// The targets that a watch may show.
  private static func allowed(
    _ watch: Watch, by access: AccessControl, _ decision: AccessControl.Decision
  ) -> Result<Set<TargetName>?, ServiceError> {
    do throws(ServiceError) {
      let grant = try decision.get()
      try access.check(.watch, targets: Array(watch.filter.targets ?? []), of: watch.peer, under: grant)
      return .success(grant.targets)
    } catch {
      return .failure(error)
    }
  }

  private func settle(_ key: Int, under rules: Int, _ allowed: Result<Set<TargetName>?, ServiceError>) {
    switch allowed {
    case .success(let targets):
      state.withLock { state in
        guard state.rules == rules else { return }
        state.watches[key]?.allowed = targets
        state.watches[key]?.decidedUnder = rules
      }
    case .failure(let error):
      let watch = state.withLock { state in state.rules == rules ? state.watches.removeValue(forKey: key) : nil }
      guard let watch else { return }
      refused(error, watch.peer)
      watch.reply.send(AnswerEncoder.error(id: watch.id, error))
    }
  }

  // MARK: Lines

  /// Sends what waits, then makes way for other work.
  private func deliver() {
    let (endings, missed, watches, rules) = state.withLock { state in
      defer {
        state.endings = []
        state.missed = 0
      }
      return (state.endings, state.missed, Array(state.watches), state.rules)
    }
    var gone: [Int] = []
    for (key, watch) in watches {
      if !watch.reply.isWanted { gone.append(key) } else if missed > 0 { watch.reply.miss(missed) }
    }
    for ending in endings { send(ending, to: watches, rules: rules) }
    let goesOn = state.withLock { state in
      for key in gone { state.watches[key] = nil }
      state.isDelivering = !state.endings.isEmpty
      return state.isDelivering
    }
    if goesOn { onWorker { self.deliver() } }
  }

  private func send(_ ending: Ending, to watches: [(key: Int, value: Watch)], rules: Int) {
    var line: [UInt8]?
    for (_, watch) in watches where watch.filter.takes(ending) {
      guard watch.decidedUnder == rules else {
        watch.reply.miss(1)
        continue
      }
      guard watch.allowed?.contains(ending.key.target) ?? true else { continue }
      let text = line ?? ending.watchLine
      line = text
      watch.reply.sendPart(text)
    }
  }
}

extension WatchHub.Filter {
  fileprivate func takes(_ ending: Ending) -> Bool {
    (targets?.contains(ending.key.target) ?? true) && (outcome.map { $0.rawValue == ending.outcomeName } ?? true)
  }
}

extension Ending {
  fileprivate var outcomeName: String {
    switch self {
    case .registered(let registration): registration.outcome.rawValue
    case .updated: WatchOutcome.updated.rawValue
    case .failed: WatchOutcome.failed.rawValue
    }
  }

  /// The line of a `watch` without an `id`.
  fileprivate var watchLine: [UInt8] {
    switch self {
    case .registered(let registration): AnswerEncoder.watched(id: nil, registration)
    case .updated(let update): AnswerEncoder.watched(id: nil, update)
    case .failed(let failure): AnswerEncoder.watched(id: nil, failure)
    }
  }
}
