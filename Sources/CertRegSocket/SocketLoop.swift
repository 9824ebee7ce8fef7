import CEpoll
import CertRegCore
import CertRegProtocol
import Glibc

/// One thread's loop over connections, and what they share. Everything in it is touched on that thread alone; others post jobs
/// to its `mailbox`.
///
/// A loop of our own for this one socket: a cached answer costs little more than the kernel's work, and an event loop made for
/// every kind of channel costs a fifth to a half on top of it.
final class SocketLoop {
  /// What all loops of a server have in common.
  struct Shared: Sendable {
    var handling: any RequestHandling
    var cache: ResultCache
    var demand: AnswerDemand
    var clock: HostClock
    var budget: ByteBudget
    var textHash: TextHash
    var open: ConnectionCount
    var users: UserConnections
    var configuration: SocketConfiguration
  }

  /// Most bytes of one read. With more, one connection's requests would hold up the others'.
  static let longestRead = 64 * 1024
  /// Output that is gathered before it is written although the read is not done with.
  static let writeThreshold = 64 * 1024
  private static let memoSizeLog2 = 14
  /// How often connections that wait for the common budget are looked at.
  private static let budgetInterval: UInt64 = 50_000_000
  /// How often connections that hold some of it are.
  private static let holdInterval: UInt64 = 1_000_000_000
  /// A connection that holds bytes others wait for, and on which nothing has moved for that long, is closed.
  private static let holdLimit: UInt64 = 10_000_000_000

  let mailbox: Mailbox
  let handling: any RequestHandling
  let cache: ResultCache
  let budget: ByteBudget
  let textHash: TextHash
  let poller: Poller
  private let demand: AnswerDemand
  private let clock: HostClock
  private let open: ConnectionCount
  private let users: UserConnections
  /// Where all reads go; what is left of a line moves to memory of its connection. Not an array, which would be filled with zeros
  /// or copied: the kernel writes here and lines are parsed here.
  let received = UnsafeMutableRawBufferPointer.allocate(byteCount: SocketLoop.longestRead, alignment: 64)
  /// Room for output that the connection at work borrows.
  var spareOutput = RawBuffer()
  var configuration: SocketConfiguration
  var counters = LoopCounters()
  /// The monotonic clock at the loop's last wake-up, in nanoseconds.
  private(set) var now: UInt64 = 0
  /// The wall clock at the loop's last wake-up, in seconds since 1970.
  private(set) var wallSeconds: UInt32 = 0
  private(set) var isDraining = false
  private let memo = AnswerMemo(sizeLog2: SocketLoop.memoSizeLog2)
  private var arnPrefixes: [[UInt8]] = []
  /// By descriptor.
  private var connections: [Connection?] = []
  /// Connections whose answers came since the loop woke up.
  private var answered: [Connection] = []
  private var acceptor: Acceptor?
  private var nextSweep: UInt64?
  private var drained: (@Sendable () -> Void)?
  private var isAcceptingPaused = false
  private var demandMeter = DemandMeter()
  private var isStopped = false

  init(_ shared: Shared, mailbox: Mailbox) throws(SystemCallError) {
    self.mailbox = mailbox
    handling = shared.handling
    cache = shared.cache
    budget = shared.budget
    textHash = shared.textHash
    demand = shared.demand
    clock = shared.clock
    open = shared.open
    users = shared.users
    configuration = shared.configuration
    poller = try Poller()
    try poller.add(mailbox.descriptor, .readable)
  }

  deinit {
    received.deallocate()
  }

  // MARK: Turning

  /// Turns until `stop`.
  func run() {
    while !isStopped { turn() }
    for case let connection? in connections { connection.close() }
    mailbox.close()
  }

  private func turn() {
    let count = poller.wait(milliseconds: untilSweep)
    readClock()
    var hasMail = false
    for index in 0..<count {
      let (descriptor, readiness) = poller.event(at: index)
      if descriptor == mailbox.descriptor {
        hasMail = true
      } else if descriptor == acceptor?.descriptor {
        acceptor?.accept(on: self)
      } else {
        connection(descriptor)?.isReady(readiness)
      }
    }
    if hasMail { for job in mailbox.take() { job(self) } }
    resumeAnswered()
    if demandMeter.isPressing(answers: counters.memoryAnswers, at: now) {
      demand.note(at: MonotonicTime(nanoseconds: Int64(now)))
    }
    if let nextSweep, now >= nextSweep { sweep() }
  }

  func stop() {
    isStopped = true
  }

  /// Reads the clock once a turn: all events of a turn have the same time.
  private func readClock() {
    let moment = clock.now
    now = UInt64(clamping: moment.monotonic.nanoseconds)
    wallSeconds = UInt32(clamping: moment.wall.secondsSinceEpoch)
  }

  private var untilSweep: CInt {
    guard let nextSweep else { return -1 }
    return nextSweep <= now ? 0 : CInt(clamping: (nextSweep - now) / 1_000_000 + 1)
  }

  // MARK: Connections

  /// Has the loop accept connections on `acceptor`.
  func accept(with acceptor: Acceptor) throws(SystemCallError) {
    try poller.add(acceptor.descriptor, .readable)
    self.acceptor = acceptor
  }

  /// Accepts no more; `takingWhatWaits`: what has connected already is still taken.
  func endAccepting(takingWhatWaits: Bool) {
    guard let acceptor else { return }
    if takingWhatWaits { acceptor.acceptAll(on: self) }
    poller.remove(acceptor.descriptor)
    acceptor.close()
    self.acceptor = nil
  }

  /// Looks at the acceptor again in a while: the system has no descriptor or memory for another connection now.
  func pauseAccepting() {
    guard let acceptor else { return }
    poller.modify(acceptor.descriptor, [])
    isAcceptingPaused = true
    schedule(in: Self.budgetInterval)
  }

  /// Serves an accepted connection, which is the loop's from here on.
  func serve(_ descriptor: CInt, number: UInt64) {
    guard let peer = try? handling.peer(ofDescriptor: descriptor) else {
      // The kernel does not know the peer of a connection whose client is gone.
      Glibc.close(descriptor)
      open.leave()
      return
    }
    guard users.enter(peer.uid) else {
      Acceptor.refuse(descriptor, .tooManyConnections(ofUser: peer.uid, limit: users.limit))
      open.leave()
      return
    }
    do throws(SystemCallError) {
      try poller.add(descriptor, .readable)
    } catch {
      // No memory: the client sees the connection closed.
      Glibc.close(descriptor)
      users.leave(peer.uid)
      open.leave()
      return
    }
    let connection = Connection(descriptor, number: number, peer: peer, loop: self)
    while connections.count <= Int(descriptor) { connections.append(nil) }
    connections[Int(descriptor)] = connection
    counters.connectionsOpened += 1
    counters.connectionsOpen += 1
    if let interval = idleInterval { schedule(in: interval) }
    if isDraining { connection.drain() }
  }

  private func connection(_ descriptor: CInt) -> Connection? {
    Int(descriptor) < connections.count ? connections[Int(descriptor)] : nil
  }

  /// The connection that has had this descriptor and number from the start; descriptors come again.
  func connection(_ descriptor: CInt, number: UInt64) -> Connection? {
    guard let connection = connection(descriptor), connection.life.id == number else { return nil }
    return connection
  }

  /// A connection has closed its descriptor.
  func closed(_ connection: Connection) {
    connections[Int(connection.descriptor)] = nil
    counters.connectionsOpen -= 1
    users.leave(connection.peer.uid)
    open.leave()
    finishDrainingIfEmpty()
  }

  /// Goes on with a connection once all answers that arrive together are there, so that they leave in one write.
  func resumeSoon(_ connection: Connection) {
    answered.append(connection)
  }

  private func resumeAnswered() {
    guard !answered.isEmpty else { return }
    let connections = answered
    answered.removeAll(keepingCapacity: true)
    for connection in connections { connection.resume() }
  }

  /// Takes new limits; what may be answered from memory is asked anew for each connection.
  func reconfigure(_ configuration: SocketConfiguration) {
    self.configuration = configuration
    for case let connection? in connections { connection.reconfigure() }
    if let interval = idleInterval { schedule(in: interval) }
  }

  /// Takes no more lines; `whenEmpty` is called once every connection is closed.
  func drain(whenEmpty: @escaping @Sendable () -> Void) {
    isDraining = true
    drained = whenEmpty
    for case let connection? in connections { connection.drain() }
    finishDrainingIfEmpty()
  }

  /// Closes what is left.
  func closeAll() {
    for case let connection? in connections { connection.close() }
  }

  private func finishDrainingIfEmpty() {
    guard isDraining, counters.connectionsOpen == 0 else { return }
    drained?()
    drained = nil
  }

  // MARK: From time to time

  /// A connection waits for bytes of the common budget: look again soon whether there are any.
  func awaitsBudget() {
    budget.noteAwaited(at: now)
    schedule(in: Self.budgetInterval)
  }

  /// A connection holds bytes of the common budget: look from time to time whether it holds up others, of whatever loop.
  func holdsBudget() {
    schedule(in: Self.holdInterval)
  }

  /// How often idle connections are looked for.
  private var idleInterval: UInt64? {
    guard let timeout = configuration.idleTimeout else { return nil }
    return min(1_000_000_000, max(Self.budgetInterval, UInt64(timeout.nanoseconds) / 8))
  }

  private func schedule(in interval: UInt64) {
    nextSweep = min(nextSweep ?? .max, now + interval)
  }

  private func sweep() {
    nextSweep = nil
    if isAcceptingPaused, let acceptor {
      isAcceptingPaused = false
      poller.modify(acceptor.descriptor, .readable)
    }
    for case let connection? in connections {
      if let timeout = configuration.idleTimeout, connection.isIdle(for: UInt64(timeout.nanoseconds)) {
        connection.close()
      } else if connection.awaitsBudget {
        connection.resume()
      }
    }
    let isAwaited = budget.isAwaited(at: now)
    for case let connection? in connections where connection.holdsUnfinishedLine {
      if isAwaited, connection.isIdle(for: Self.holdLimit) {
        connection.giveUpUnfinishedLine()
      } else {
        holdsBudget()
      }
    }
    if counters.connectionsOpen > 0, let interval = idleInterval { schedule(in: interval) }
  }

  // MARK: The hot path's view of the cache

  /// The remembered answer to a text, if it still holds.
  func remembered(_ hash: TextHash.Value, target: UInt16) -> AnswerMemo.Entry? {
    guard let entry = memo.find(hash, target: target), entry.epoch == cache.epochs.current(entry.certificateID),
      wallSeconds >= entry.notBefore && wallSeconds < entry.expiresAt
    else { return nil }
    return entry
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
}
