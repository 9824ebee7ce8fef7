import CertRegCore

/// Calls that the registrar decided on and that have not begun. They begin at once, or in small groups while the daemon
/// has more pressing work.
struct HeldCalls {
  private var held: [(id: JobID, call: UpstreamCall)] = []
  private var groups: CallGroups
  /// When the next group may begin; `nil`: no call is held.
  private(set) var nextTurn: MonotonicTime?

  init(now: MonotonicTime) {
    groups = CallGroups(now: now)
  }

  var isEmpty: Bool { held.isEmpty }

  mutating func append(_ id: JobID, _ call: UpstreamCall) {
    held.append((id, call))
  }

  /// Takes out the calls that begin now, in the order of the registrar.
  mutating func take(now: MonotonicTime, givesWay: Bool) -> [(id: JobID, call: UpstreamCall)] {
    let count = groups.begin(held.count, now: now, givesWay: givesWay)
    defer {
      held.removeFirst(count)
      nextTurn = held.isEmpty ? nil : groups.nextGroup
    }
    return Array(held.prefix(count))
  }
}
