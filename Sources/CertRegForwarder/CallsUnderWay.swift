import Synchronization

/// Counts the calls of a client, so that the client can be closed after its last call.
final class CallsUnderWay: Sendable {
  private struct State {
    var count = 0
    var isClosed = false
    /// Resumed when the last call ends.
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  /// Protects the count and the waiters.
  private let state = Mutex(State())

  /// Whether `close()` was called.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Begins a call, which has to be followed by `end()`.
  ///
  /// - Returns: `false` after `close()`; the call must not be made then.
  func begin() -> Bool {
    state.withLock { state in
      if !state.isClosed { state.count += 1 }
      return !state.isClosed
    }
  }

  /// Ends a call.
  func end() {
    let waiters = state.withLock { state in
      state.count -= 1
      guard state.count == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Lets no further call begin, and waits for the end of those under way.
  func close() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        state.isClosed = true
        if state.count > 0 { state.waiters.append(continuation) }
        return state.count == 0
      }
      if isIdle { continuation.resume() }
    }
  }
}
