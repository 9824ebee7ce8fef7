// Targets, and what an earlier process left unfinished.
extension Registrar {
  /// Sets the targets of a configuration. No call begins for a target that it leaves out. Jobs of a target that was
  /// left out before, or was missing when an earlier process's queue was resumed, continue.
  ///
  /// - Parameters:
  ///   - limits: The targets with their limits.
  ///   - locations: Where their upstreams are, as far as that is known.
  ///   - now: The time of the event.
  package func setTargets(
    _ limits: [TargetName: TargetLimits], at locations: [TargetName: UpstreamLocation], now: Moment
  ) -> [Action] {
    for (name, line) in targets { line.isConfigured = limits[name] != nil }
    var added: Set<TargetName> = []
    for (name, limits) in limits {
      if targets[name] == nil {
        targets[name] = TargetLine(limits: limits, now: now.monotonic)
        added.insert(name)
      } else {
        targets[name]?.gate.setLimits(limits)
      }
      targets[name]?.location = locations[name]
      setShares(of: name, now: now.monotonic)
    }
    let waiting = jobs.values.filter { added.contains($0.id.target) && $0.isWaiting }
    for job in waiting.sorted(by: { $0.pending.sequence < $1.pending.sequence }) {
      enqueue(job.id, now: now)
    }
    for name in limits.keys { dispatch(name, now: now) }
    return takeActions()
  }

  /// Resumes the jobs that an earlier process left unfinished, in the order of their requests. To be called
  /// once, after the targets are set and before the first request.
  ///
  /// - Parameters:
  ///   - pending: The jobs, in their order.
  ///   - firstSequence: A number above that of every registration that was ever on disk.
  ///   - now: The time of the event.
  package func resume(
    _ pending: [PendingRegistration], firstSequence: Int64 = 1, now: Moment
  ) -> [Action] {
    ledger.reserve(upTo: firstSequence - 1)
    for registration in pending {
      ledger.reserve(upTo: registration.sequence)
      let id = registration.id
      lines.append(id, registers: registration.purpose.registers)
      add(
        RegistrationJob(
          resuming: registration, since: beginning(of: registration, now: now), plan: makePlan(registration),
          leave: askLeave(for: registration, isPromised: true)), now: now)
    }
    for id in pending.map(\.id) { if let job = jobs[id] { noteRevocation(job, now: now) } }
    for id in pending.map(\.id) where lines.isFirst(id) { perform(jobs[id]?.cameFirst(now: now.wall), id, now: now) }
    return takeActions()
  }

  /// The time of a registration's request, on this process's clock.
  func beginning(of registration: PendingRegistration, now: Moment) -> MonotonicTime {
    // A host without a battery-backed clock dates requests in 1970 until the network gives the time. Their age is
    // unknown.
    let began = registration.enqueuedAt < Version.earliestClock ? now.wall : registration.enqueuedAt
    let age = (now.wall - began).milliseconds
    return now.monotonic + .milliseconds(-max(0, age))
  }

  /// This host's part of the account's rate has changed.
  package func shareChanged(of name: TargetName, now: Moment) -> [Action] {
    setShares(of: name, now: now.monotonic)
    dispatch(name, now: now)
    return takeActions()
  }

  private func setShares(of name: TargetName, now: MonotonicTime) {
    for operation in UpstreamOperation.allCases {
      targets[name]?.gate.setShare(coordinator.share(of: operation, target: name), of: operation, now: now)
    }
  }

  /// Takes over what other hosts have learnt of an operation's rate.
  ///
  /// - Parameters:
  ///   - rate: What they have learnt; `nil`: nothing.
  ///   - endsRise: Whether a rise of the rate ends: see ``FleetMember/PaceOrder``.
  ///   - operation: The operation.
  ///   - name: The target.
  ///   - now: The time of the event.
  package func learn(
    _ rate: FleetLane.Rate?, endsRise: Bool, of operation: UpstreamOperation,
    target name: TargetName, now: Moment
  ) -> [Action] {
    if let rate { targets[name]?.gate.learn(rate, of: operation, now: now.monotonic) }
    if endsRise { targets[name]?.gate.endRise(operation, now: now.monotonic) }
    dispatch(name, now: now)
    return takeActions()
  }

  /// What this host needs and knows of the rates of a target: the operations in use that have one.
  package func takePaces(of name: TargetName, now: MonotonicTime) -> [PaceView] {
    guard let line = targets[name], line.isConfigured else { return [] }
    var operations = line.operations
    if !operations.contains(.registerCertificateWithoutCA) { operations.append(.registerCertificateWithoutCA) }
    return operations.map { operation in
      let (rate, isNews) = line.gate.takeRate(of: operation, now: now)
      return PaceView(
        operation: operation, rate: rate, isNews: isNews,
        waiting: line.queued(of: operation) + line.gate.callsUnderWay(of: operation),
        throttles: line.gate.throttles(of: operation))
    }
  }

  /// What ``takePaces(of:now:)`` gave of an operation was not told to the others: it is news again.
  package func paceIsUntold(of operation: UpstreamOperation, target: TargetName) {
    targets[target]?.gate.rateIsUntold(of: operation)
  }

  /// Whether a call of a new registration would begin at once, as far as can be seen without asking for it.
  package func callsAtOnce(_ name: TargetName, now: MonotonicTime) -> Bool {
    targets[name]?.callsAtOnce(.registerCertificateWithoutCA, now: now) ?? false
  }

  /// The state of a target, for `status`; `nil` if there is no such target.
  package func target(_ name: TargetName, now: MonotonicTime) -> TargetView? {
    targets[name]?.view(now: now, paused: pauses[name])
  }

  /// The health of a target; `nil` if there is no such target.
  package func health(of name: TargetName) -> TargetHealth? { targets[name]?.gate.health }
}
