import CertRegCore
import Glibc
import NIOCore

/// What the connections of one event loop share. Touched on that loop alone.
final class LoopContext {
  private static let memoSizeLog2 = 14
  private static let sweepInterval = TimeAmount.milliseconds(50)
  /// A connection that holds bytes others wait for, and on which nothing has moved for that long, is closed.
  private static let holdLimit = Duration.seconds(10)

  let eventLoop: any EventLoop
  let handling: any RequestHandling
  let cache: ResultCache
  let budget: ByteBudget
  let textHash: TextHash
  var configuration: SocketConfiguration
  var counters = LoopCounters()
  var memo = AnswerMemo(sizeLog2: LoopContext.memoSizeLog2)
  private var arnPrefixes: [[UInt8]] = []
  private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
  private var sweep: RepeatedTask?
  private(set) var isDraining = false
  private var drained: EventLoopPromise<Void>?

  init(
    eventLoop: any EventLoop, handling: any RequestHandling, cache: ResultCache, budget: ByteBudget,
    textHash: TextHash, configuration: SocketConfiguration
  ) {
    self.eventLoop = eventLoop
    self.handling = handling
    self.cache = cache
    self.budget = budget
    self.textHash = textHash
    self.configuration = configuration
  }

  // MARK: The hot path's view of the cache

  /// The wall clock to the second, from the kernel's coarse clock: a call that costs a few nanoseconds.
  var wallSeconds: UInt32 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME_COARSE, &time)
    return UInt32(clamping: time.tv_sec)
  }

  /// The remembered answer to a text, if it still holds.
  func remembered(_ hash: TextHash.Value, target: UInt16) -> AnswerMemo.Entry? {
    guard let entry = memo.find(hash, target: target), entry.epoch == cache.epochs.current(entry.certificateID)
    else { return nil }
    let now = wallSeconds
    return now >= entry.notBefore && now < entry.expiresAt ? entry : nil
  }

  /// Looks into the result cache and remembers what it finds for the next time.
  func lookUp(_ text: UnsafeRawBufferPointer, hash: TextHash.Value, target: UInt16) -> AnswerMemo.Entry? {
    let now = WallTime(secondsSinceEpoch: Int64(wallSeconds))
    // An epoch is read before what it vouches for: a change in between makes the remembered answer void, not the change.
    guard let found = handling.known(certificatePem: text, target: target, now: now) else { return nil }
    var entry = AnswerMemo.Entry()
    entry.hash = hash
    entry.certificateID = found.entry.certificateID
    entry.epoch = found.epoch
    entry.notBefore = found.answerableFrom
    entry.expiresAt = found.expiresAt
    entry.arnPrefix = UInt32(intern(found.arnPrefix))
    entry.target = target
    entry.outcome = found.entry.outcome
    entry.status = found.entry.status
    memo.remember(entry)
    return entry
  }

  func arnPrefix(_ entry: AnswerMemo.Entry) -> [UInt8] {
    arnPrefixes[Int(entry.arnPrefix)]
  }

  private func intern(_ prefix: String) -> Int {
    let bytes = Array(prefix.utf8)
    if let index = arnPrefixes.firstIndex(of: bytes) { return index }
    arnPrefixes.append(bytes)
    return arnPrefixes.count - 1
  }

  // MARK: Connections

  /// Takes new limits; what may be answered from memory is asked anew for each connection.
  func reconfigure(_ configuration: SocketConfiguration) {
    self.configuration = configuration
    for connection in connections.values { connection.reconfigure() }
  }

  func opened(_ connection: ConnectionHandler) {
    connections[ObjectIdentifier(connection)] = connection
    counters.connectionsOpened += 1
    counters.connectionsOpen += 1
    if configuration.idleTimeout != nil { startSweep() }
    if isDraining { connection.drain() }
  }

  func closed(_ connection: ConnectionHandler) {
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    counters.connectionsOpen -= 1
    finishDrainingIfEmpty()
  }

  /// A connection waits for bytes of the common budget: look from time to time whether there are any.
  func awaitsBudget() {
    startSweep()
  }

  private func startSweep() {
    guard sweep == nil else { return }
    let context = NIOLoopBound(self, eventLoop: eventLoop)
    sweep = eventLoop.scheduleRepeatedTask(initialDelay: Self.sweepInterval, delay: Self.sweepInterval) { _ in
      context.value.sweepConnections()
    }
  }

  private func sweepConnections() {
    let now = NIODeadline.now()
    var isAwaited = false
    for connection in connections.values {
      if let timeout = configuration.idleTimeout, connection.isIdle(for: timeout, now: now) {
        connection.closeIdle()
      } else if connection.awaitsBudget {
        connection.resume()
        isAwaited = isAwaited || connection.awaitsBudget
      }
    }
    if isAwaited {
      for connection in connections.values
      where connection.holdsUnfinishedLine && connection.isIdle(for: Self.holdLimit, now: now) {
        connection.closeUnfinished()
      }
    } else if configuration.idleTimeout == nil {
      sweep?.cancel()
      sweep = nil
    }
  }

  /// Stops taking lines; the promise is kept once every connection is closed.
  func drain(_ promise: EventLoopPromise<Void>) {
    isDraining = true
    drained = promise
    for connection in connections.values { connection.drain() }
    finishDrainingIfEmpty()
  }

  /// Closes what is left.
  func closeAll() {
    for connection in connections.values { connection.close() }
  }

  private func finishDrainingIfEmpty() {
    guard isDraining, connections.isEmpty else { return }
    sweep?.cancel()
    drained?.succeed()
    drained = nil
  }
}
