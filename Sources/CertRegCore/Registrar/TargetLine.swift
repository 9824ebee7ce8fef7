/// The registrar's part of one target: the jobs that wait for their turn to call, and the gate that permits calls. A
/// class, so that events change it in place.
final class TargetLine {
  /// The next event of the line.
  enum Next {
    case call(JobID, CallPermit)
    /// Nothing before that time.
    case notBefore(MonotonicTime)
  }

  /// What became of a job's last turn to call.
  enum LastTurn {
    /// It has had none for its present step.
    case none
    /// The call failed. The job is the next of its connection.
    case failed
    /// The pace did not allow the call after all. The job is the next of its user.
    case unused
  }

  var gate: TargetGate
  var retries = RetryBudget()
  /// Whether calls may begin. Jobs of a target that a new configuration leaves out wait until a configuration has it
  /// again.
  var isConfigured = true
  /// Where the target's upstream is; `nil`: not known.
  var location: UpstreamLocation?
  /// The time at which the registrar checks the line again without an event.
  var wakeAt: MonotonicTime?
  @Boxed var lastError: ServiceError?
  var lastSuccessAt: WallTime?
  private var queues = OperationTable<CallQueue<JobID>>()
  /// The place of the operation whose jobs come first in the next turn.
  private var firstPlace = 0

  init(limits: TargetLimits, now: MonotonicTime) {
    gate = TargetGate(limits: limits, now: now)
  }

  /// Jobs that wait for their turn.
  var queued: Int { queues.places.reduce(0) { $0 + queues[$1].count } }

  /// Jobs that wait for their turn to make a call.
  func queued(of operation: UpstreamOperation) -> Int { queues[operation]?.count ?? 0 }

  /// The operations that were called, or that jobs wait for.
  var operations: [UpstreamOperation] {
    UpstreamOperation.allCases.filter { gate.operations.contains($0) || queues[$0] != nil }
  }

  /// Whether a call could begin now.
  func callsAtOnce(_ operation: UpstreamOperation, now: MonotonicTime) -> Bool {
    isConfigured && queued(of: operation) == 0 && gate.nextPermit(for: operation, now: now) <= now
  }

  private func place(of operation: UpstreamOperation) -> Int { queues.place(of: operation) { CallQueue() } }

  /// Puts a job into the queue of its next call.
  func enqueue(_ id: JobID, _ operation: UpstreamOperation, caller: Caller, isAwaited: Bool, after turn: LastTurn) {
    let place = place(of: operation)
    if turn == .none {
      queues[place].append(id, caller: caller, isAwaited: isAwaited)
    } else {
      queues[place].putBack(id, caller: caller, isAwaited: isAwaited, isNext: turn == .unused)
    }
  }

  /// A caller begins to wait for a job.
  func promote(_ id: JobID, _ operation: UpstreamOperation) {
    queues[place(of: operation)].promote(id)
  }

  /// A drain is under way, and no caller waits for a job.
  func demote(_ id: JobID, _ operation: UpstreamOperation) {
    queues[place(of: operation)].demote(id)
  }

  /// Removes a job that ends without its turn.
  func remove(_ id: JobID, _ operation: UpstreamOperation) {
    queues[place(of: operation)].remove(id)
  }

  /// A permit for a request that has just come, if no job waits before it and the pace allows a call.
  func admitAtOnce(
    _ operation: UpstreamOperation, caller: Caller, isAwaited: Bool, now: MonotonicTime
  ) -> CallPermit? {
    let place = place(of: operation)
    guard isConfigured, queues[place].isEmpty,
      case .now(let permit) = gate.admit(operation, now: now, isAwaited: isAwaited)
    else { return nil }
    queues[place].tookTurn(caller, isAwaited: isAwaited, now: now)
    return permit
  }

  /// The next job that may call; `nil` if none may before another event.
  ///
  /// - Parameter isDraining: Whether only jobs with a waiting caller may begin.
  func next(now: MonotonicTime, isDraining: Bool) -> Next? {
    guard isConfigured else { return nil }
    var earliest: MonotonicTime?
    // The operations take turns, so that one that fails again and again keeps no other from the few calls of a hold.
    let count = queues.places.count
    for offset in queues.places {
      let place = (firstPlace + offset) % count
      if queues[place].isEmpty { continue }
      let operation = queues.operations[place]
      for isSecond in [false, true] {
        let isAwaited = queues[place].nextIsAwaited(isDraining: isDraining, isSecond: isSecond)
        guard let isAwaited else { continue }
        switch gate.admit(operation, now: now, isAwaited: isAwaited) {
        case .now(let permit):
          if let id = queues[place].popFirst(isAwaited: isAwaited, now: now) {
            firstPlace = (place + 1) % count
            return .call(id, permit)
          }
          gate.cancel(permit)
        case .notBefore(let time): earliest = min(earliest ?? time, time)
        case .whenCallEnds: break
        }
      }
    }
    return earliest.map { .notBefore($0) }
  }

  /// - Parameter paused: How many jobs pause before they try an operation again.
  func view(now: MonotonicTime, paused: OperationTable<Int>) -> Registrar.TargetView {
    let operation = UpstreamOperation.registerCertificateWithoutCA
    return Registrar.TargetView(
      health: gate.shownHealth, queued: queued + paused.places.reduce(0) { $0 + paused[$1] },
      underWay: gate.callsUnderWay,
      ratePerSecond: gate.rate(of: operation, now: now), tokens: gate.tokens(of: operation, now: now),
      throttles: gate.throttles, calls: calls(now: now, paused), lastError: lastError, lastSuccessAt: lastSuccessAt)
  }

  /// The operations in use, in the order of the steps.
  private func calls(now: MonotonicTime, _ paused: OperationTable<Int>) -> [Registrar.CallView] {
    operations.map { operation in
      Registrar.CallView(
        operation: operation, ratePerSecond: gate.rate(of: operation, now: now),
        queued: queued(of: operation) + (paused[operation] ?? 0), underWay: gate.callsUnderWay(of: operation),
        throttles: gate.throttles(of: operation))
    }
  }
}
