/// The version of this program: one value for every executable, the `status` operation and the packages.
package enum Version {
  /// Semantic Versioning 2.0.0.
  package static let current = "0.1.0"

  /// 2026-11-01: before that there was no such program, so a clock that reads less is not set yet.
  package static let earliestClock = WallTime(secondsSinceEpoch: 1_793_491_200)
}
