import CertRegCore

/// What operations work with, besides their input.
struct OperationScope: Sendable {
  /// The account and region that the endpoint serves.
  var account: SandboxAccount
  /// The register and its file.
  var store: RegisterStore
  var judge: any CertificateJudge
  /// The endpoint's time.
  var now: WallTime
  /// The faults of the call.
  var draw: FaultPlan.Draw
  /// The plan in force, which says how often operations may be called.
  var faults: FaultPlan
}
