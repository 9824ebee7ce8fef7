import CertRegCore
import NIOCore
import Synchronization

/// The engine's effects: the store's thread, the upstream's tasks, and timers of the event loop that the engine runs
/// on. It is touched on that loop alone.
final class LoopEffects: EngineEffects {
  private let loop: any EventLoop
  private let store: any RegistrationStore
  private let calls: UpstreamCalls
  private let clock: HostClock
  private let givingWay: GivingWay
  private let endedCommits = EndedCommits()
  private var engine: NIOLoopBound<EngineLoop>?
  private var timer: Scheduled<Void>?
  private var timerDue: MonotonicTime?

  init(loop: any EventLoop, _ parts: RegistrationEngine.Parts) {
    self.loop = loop
    store = parts.store
    calls = parts.calls
    clock = parts.clock
    givingWay = parts.givingWay
  }

  /// Names the engine whose events the effects end in. To be called before the first effect.
  func attach(_ engine: EngineLoop) {
    self.engine = NIOLoopBound(engine, eventLoop: loop)
  }

  func commit(_ id: Registrar.CommitID, _ changes: [StoreChange], at time: MonotonicTime) {
    guard let engine else { return }
    store.commit(changes) { [loop, endedCommits] result in
      if endedCommits.append(EndedCommit(id: id, changes: changes, begin: time, result: result)) {
        // Commits of one transaction end together: the loop is woken once for all of them.
        loop.execute { engine.value.committed(endedCommits.takeAll()) }
      }
    }
  }

  func commit(
    _ changes: [StoreChange], at time: MonotonicTime,
    completion: @escaping (EngineLoop, Result<Void, StoreError>) -> Void
  ) {
    guard let engine else { return }
    let completion = NIOLoopBound(completion, eventLoop: loop)
    store.commit(changes) { [loop] result in
      loop.execute { completion.value(engine.value, result) }
    }
  }

  func call(_ id: JobID, _ call: UpstreamCall) {
    guard let engine else { return }
    calls.make(call, in: id.target) { [loop] reply, origin in
      loop.execute {
        if let reply { engine.value.replied(id, reply, from: origin) } else { engine.value.moved(id) }
      }
    }
  }

  func wake(at time: MonotonicTime?) {
    guard time != timerDue, let engine else { return }
    timer?.cancel()
    timer = nil
    timerDue = time
    guard let time else { return }
    let effects = NIOLoopBound(self, eventLoop: loop)
    // The loop's own clock stands still while the host sleeps, the process's does not: hence the difference.
    timer = loop.scheduleTask(in: TimeAmount(max(.zero, time - clock.monotonic))) {
      effects.value.timer = nil
      effects.value.timerDue = nil
      engine.value.timePassed()
    }
  }

  func isPressed(at time: MonotonicTime) -> Bool { givingWay.isPressed(at: time) }

  func giveWay() { givingWay.giveWay() }
}

/// Commits that have ended, on their way from the store's thread to the loop.
private final class EndedCommits: Sendable {
  private let commits = Mutex<[EndedCommit]>([])

  /// Adds one; returns whether it is the first since `takeAll`.
  func append(_ commit: EndedCommit) -> Bool {
    commits.withLock { commits in
      commits.append(commit)
      return commits.count == 1
    }
  }

  func takeAll() -> [EndedCommit] {
    commits.withLock { commits in
      defer { commits = [] }
      return commits
    }
  }
}
