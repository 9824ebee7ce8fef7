import Glibc

/// Processor time of threads. Other processes do not change it, unlike the time of a clock on the wall.
package enum ProcessorTime {
  /// Nanoseconds of this thread's processor time that `body` takes, the least of `runs`.
  package static func spent(runs: Int = 3, _ body: () -> Void) -> Int {
    (0..<runs).map { _ in
      let start = now
      body()
      return now - start
    }.min() ?? 0
  }

  /// How many times as much `body(large)` costs as `body(small)`. A floor of 20 µs keeps trivial costs from counting.
  package static func growth(from small: Int, to large: Int, runs: Int = 3, _ body: (Int) -> Void) -> Double {
    let first = max(20_000, spent(runs: runs) { body(small) })
    return Double(spent(runs: runs) { body(large) }) / Double(first)
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
