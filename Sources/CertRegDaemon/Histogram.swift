import CertRegCore

/// Durations counted in buckets, as Prometheus wants them. A value without locks: each belongs to one event loop.
struct Histogram: Sendable {
  /// Upper bounds in seconds. What is longer falls into one more bucket without a bound.
  static let bounds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
  ]
  private static let boundsInNanoseconds = bounds.map { Int64($0 * 1e9) }

  /// Not cumulative; the last one is that without a bound.
  private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
  private(set) var sumSeconds = 0.0

  var count: Int { counts.reduce(0, +) }

  mutating func record(_ duration: Duration) {
    let nanoseconds = duration.nanoseconds
    let bucket = Self.boundsInNanoseconds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    counts[bucket] += 1
    sumSeconds += Double(nanoseconds) / 1e9
  }
}
