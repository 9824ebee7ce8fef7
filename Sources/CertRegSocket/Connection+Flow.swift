import CertRegCore

// When to read, and when a connection is finished.
extension Connection {
  var mayTakeLine: Bool { state.mayTakeLine && !isBlocked }

  var mayRead: Bool {
    if state.inputClosed { return false }
    return state.isEnding || mayTakeLine && reserve()
  }

  /// Whether nothing is left to do: every request is answered, or the client is gone and all its lines were taken.
  var isFinished: Bool {
    if isGone { return state.inputClosed && input.isEmpty }
    return output.isEmpty && state.isFinished(hasBufferedLines: !input.isEmpty)
  }

  func updateInterest() {
    var wanted: Readiness = isBlocked ? .writable : []
    // It waits for its client first.
    if isBlocked { awaitsBudget = false }
    if mayRead {
      wanted.insert(.readable)
    } else if interest.contains(.readable), !state.inputClosed {
      loop.counters.pauses += 1
    }
    guard wanted != interest else { return }
    if interest.isEmpty {
      // The client could not go on with its line. One that does not read its answers could.
      lastInput = loop.now
      lineBegan = loop.now
    }
    interest = wanted
    loop.poller.modify(descriptor, wanted)
  }

  /// The bytes of the common budget that the connection needs for its requests, its unfinished line, and the answers that
  /// its client does not read. What the answers to one read, or the lines of a `watch`, take of those is free.
  private var budgetNeeded: Int {
    let unread = isBlocked ? max(0, output.capacity - SocketLoop.mostFreeOutput) : 0
    let held = state.bytesUnderWay + input.capacity + unread
    return held <= loop.configuration.freeBytes ? 0 : held
  }

  /// Takes from the common budget the bytes that this connection holds beyond its own allowance, and room for the next
  /// read.
  private func reserve() -> Bool {
    let needed = budgetNeeded == 0 ? 0 : budgetNeeded + SocketLoop.longestRead
    if needed > budgetHeld, !loop.budget.take(needed - budgetHeld) {
      overdraws = overdraws || loop.budget.overdraw()
      awaitsBudget = !overdraws
      if awaitsBudget { loop.awaitsBudget() } else { loop.holdsBudget() }
      return overdraws
    }
    awaitsBudget = false
    if needed < budgetHeld { loop.budget.give(back: budgetHeld - needed) }
    if needed > 0 { loop.holdsBudget() }
    budgetHeld = needed
    return true
  }

  /// Gives back unused bytes: other connections may wait for them while this one waits for its client. Answers may be
  /// longer than their requests, and the bytes for what they have more are taken here.
  func settleBudget() {
    let needed = budgetNeeded
    if isBlocked, needed > budgetHeld {
      loop.budget.takeAnyway(needed - budgetHeld)
      budgetHeld = needed
      loop.holdsBudget()
    }
    if overdraws, needed <= budgetHeld {
      overdraws = false
      loop.budget.endOverdraft()
    }
    guard needed + SocketLoop.longestRead < budgetHeld || needed == 0 && budgetHeld > 0 else { return }
    loop.budget.give(back: budgetHeld - needed)
    budgetHeld = needed
  }
}
