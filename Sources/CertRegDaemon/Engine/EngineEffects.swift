import CertRegCore

/// What the engine's loop has done in the world. Each effect ends as an event of the loop, on the loop's thread.
protocol EngineEffects: AnyObject {
  /// Makes changes durable, then calls ``EngineLoop/committed(_:)``.
  func commit(_ id: Registrar.CommitID, _ changes: [StoreChange], at time: MonotonicTime)

  /// Makes changes durable that the registrar does not know of, then calls `completion`.
  func commit(
    _ changes: [StoreChange], at time: MonotonicTime,
    completion: @escaping (EngineLoop, Result<Void, StoreError>) -> Void)

  /// Makes a call, then calls ``EngineLoop/replied(_:_:from:)``. Where the target points elsewhere than the call has to
  /// go, it calls ``EngineLoop/moved(_:)`` instead.
  func call(_ id: JobID, _ call: UpstreamCall)

  /// Calls ``EngineLoop/timePassed()`` at a time, in place of any time that was asked for before; `nil`: at none.
  func wake(at time: MonotonicTime?)

  /// Whether the daemon has more pressing work, so that calls begin in small groups.
  func isPressed(at time: MonotonicTime) -> Bool

  /// Lets other threads go first where they have more pressing work.
  func giveWay()
}

/// A commit that ended.
struct EndedCommit: Sendable {
  var id: Registrar.CommitID
  var changes: [StoreChange]
  var begin: MonotonicTime
  var result: Result<Void, StoreError>
}
