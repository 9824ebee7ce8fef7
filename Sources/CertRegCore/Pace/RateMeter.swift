/// Counts events over the last second in ten slots.
struct RateMeter: Sendable {
  private static let slots = 10
  private static let slotNanoseconds: Int64 = 100_000_000
  private var counts = [Int](repeating: 0, count: slots)
  private var newest: Int64 = .min

  mutating func count(at now: MonotonicTime) {
    let current = now.nanoseconds / Self.slotNanoseconds
    if current > newest {
      if newest == .min || current - newest >= Int64(Self.slots) {
        counts = [Int](repeating: 0, count: Self.slots)
      } else {
        for passed in (newest + 1)...current { counts[slot(passed)] = 0 }
      }
      newest = current
    }
    counts[slot(newest)] += 1
  }

  /// Events in the last second.
  func perSecond(at now: MonotonicTime) -> Double {
    var sum = 0
    forEachSlot(at: now) { count, _ in sum += count }
    return Double(sum)
  }

  /// The highest rate of events, without the first `burst`, over any part of the last second that ends at `now`.
  ///
  /// - Parameters:
  ///   - burst: The events that say nothing.
  ///   - least: A stretch with fewer events beyond them says nothing either.
  ///   - now: The end of the stretch.
  func highestRate(beyond burst: Double, least: Double = 0, at now: MonotonicTime) -> Double {
    var sum = 0
    var highest = 0.0
    forEachSlot(at: now) { count, begin in
      sum += count
      let seconds = Double(now.nanoseconds - begin) / 1e9
      if seconds >= 0.15, Double(sum) - burst >= least { highest = max(highest, (Double(sum) - burst) / seconds) }
    }
    return highest
  }

  /// The slots of the last second from the newest to the oldest, each with the time at which it began.
  private func forEachSlot(at now: MonotonicTime, _ body: (_ count: Int, _ begin: Int64) -> Void) {
    guard newest != .min else { return }
    let current = now.nanoseconds / Self.slotNanoseconds
    for age in 0..<Int64(Self.slots) {
      let number = current - age
      let isKept = number <= newest && newest - number < Int64(Self.slots)
      body(isKept ? counts[slot(number)] : 0, number * Self.slotNanoseconds)
    }
  }

  private func slot(_ number: Int64) -> Int {
    Int(((number % Int64(Self.slots)) + Int64(Self.slots)) % Int64(Self.slots))
  }
}
