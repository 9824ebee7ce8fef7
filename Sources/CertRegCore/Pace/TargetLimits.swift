/// The pace of one target to start from.
package struct TargetLimits: Hashable, Sendable {
  /// An operation that is left out is not paced until the upstream throttles it.
  package var operations: [UpstreamOperation: OperationLimits]
  /// The most calls under way at once.
  package var maxConcurrent: Int

  package init(operations: [UpstreamOperation: OperationLimits], maxConcurrent: Int) {
    self.operations = operations
    self.maxConcurrent = maxConcurrent
  }

  func limits(of operation: UpstreamOperation) -> OperationLimits {
    operations[operation] ?? OperationLimits(ratePerSecond: nil, burst: 10)
  }
}

/// The pace of one operation to start from.
package struct OperationLimits: Hashable, Sendable {
  /// Calls a second; `nil`: no pace until the upstream throttles.
  package var ratePerSecond: Double?
  /// Calls a second that no learning passes; `nil`: as many as the upstream takes.
  package var maxRatePerSecond: Double?
  /// Calls that may begin at once after a pause.
  package var burst: Double
  /// Whether more than the rate is tried seldom: several calls of the operation belong to a device, and a throttle of
  /// one holds up the whole device.
  package var probesSeldom: Bool

  package init(
    ratePerSecond: Double?, maxRatePerSecond: Double? = nil, burst: Double, probesSeldom: Bool = false
  ) {
    self.ratePerSecond = ratePerSecond
    self.maxRatePerSecond = maxRatePerSecond
    self.burst = burst
    self.probesSeldom = probesSeldom
  }
}
