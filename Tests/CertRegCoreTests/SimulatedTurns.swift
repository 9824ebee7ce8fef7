import CertRegCore

/// The turns of each user in the last second, taken from the core's actions. A new process has none.
struct SimulatedTurns {
  enum Lane {
    /// Registrations with a waiting caller.
    case awaited
    case others
  }

  private struct Turn {
    var target: TargetName
    var operation: UpstreamOperation
    /// `nil`: the actions do not show which.
    var lane: Lane?
    var uid: UInt32
    var slot: Int64
  }

  private var turns: [Turn] = []

  /// The core counts turns in slots of a tenth of a second, of which ten make the last second.
  private static func slot(_ time: MonotonicTime) -> Int64 { time.nanoseconds / 100_000_000 }

  mutating func take(
    _ target: TargetName, _ operation: UpstreamOperation, _ lane: Lane?, uid: UInt32, at time: MonotonicTime
  ) {
    let slot = Self.slot(time)
    turns.removeAll { $0.slot <= slot - 10 }
    turns.append(Turn(target: target, operation: operation, lane: lane, uid: uid, slot: slot))
  }

  /// Turns of a user in the last second; `nil`: not known.
  func count(_ target: TargetName, _ operation: UpstreamOperation, _ lane: Lane, uid: UInt32, at time: MonotonicTime)
    -> Int?
  {
    let first = Self.slot(time) - 9
    var count = 0
    for turn in turns
    where turn.slot >= first && turn.uid == uid && turn.target == target && turn.operation == operation {
      guard let turnLane = turn.lane else { return nil }
      if turnLane == lane { count += 1 }
    }
    return count
  }
}
