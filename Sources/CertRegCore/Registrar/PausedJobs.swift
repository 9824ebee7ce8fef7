/// How many jobs pause after a failure, by target and by the operation that they try again. A class, which the jobs
/// share: each counts itself.
final class PausedJobs {
  private var counts: [TargetName: OperationTable<Int>] = [:]

  /// A job begins to pause, or ends its pause.
  func add(_ change: Int, _ target: TargetName, _ operation: UpstreamOperation) {
    let place = counts[target, default: OperationTable()].place(of: operation) { 0 }
    counts[target]?[place] += change
  }

  /// The jobs of a target.
  subscript(target: TargetName) -> OperationTable<Int> { counts[target] ?? OperationTable() }
}
