import CEpoll
import CertRegCore
import CertRegProtocol
import Glibc

/// The event loop of one thread and the state that its connections share. Only that thread uses it; other threads post
/// jobs to its `mailbox`.
///
/// It is written for this one socket: a cached answer costs little more than the kernel's work, and a general event
/// loop would add a fifth to a half to that.
final class SocketLoop {
  /// The parts that all loops of a server share.
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

  /// Most bytes of one read. With more, the requests of one connection would hold up the others.
  static let longestRead = 64 * 1024
  /// Bytes of output that are written before all lines of a read are taken.
  static let writeThreshold = 64 * 1024
  /// Memory for output beyond this counts towards the common budget.
  static let mostFreeOutput = 2 * writeThreshold
  private static let memoSizeLog2 = 14

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
  /// The buffer of all reads, in which lines are parsed; an unfinished line moves to its connection's memory. Not an
  /// array, which would be filled with zeros or copied.
  let received = UnsafeMutableRawBufferPointer.allocate(byteCount: SocketLoop.longestRead, alignment: 64)
  /// The buffer for output that the connection at work borrows.
  var spareOutput = RawBuffer()
  var configuration: SocketConfiguration
  var counters = LoopCounters()
  /// The monotonic clock at the loop's last wake-up, in nanoseconds.
  private(set) var now: UInt64 = 0
  /// The wall clock at the loop's last wake-up, in seconds since 1970.
  private(set) var wallSeconds: UInt32 = 0
  private(set) var isDraining = false
  let memo = AnswerMemo(sizeLog2: SocketLoop.memoSizeLog2)
  /// Beginnings of ARNs by the numbers that they have in the cache; empty: not needed yet. Unchecked for the reason
  /// that ``Connection/state`` has.
  @exclusivity(unchecked) var arnPrefixes: [[UInt8]] = []
  /// By descriptor.
  var connections: [Connection?] = []
  /// Connections with answers from other threads in this turn.
  private var answered: [Connection] = []
  var acceptor: Acceptor?
  var nextSweep: UInt64?
  private var drained: (@Sendable () -> Void)?
  var isAcceptingPaused = false
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
      } else if let connection = connection(descriptor) {
        connection.isReady(readiness)
      } else if let acceptor, acceptor.descriptors.contains(descriptor) {
        acceptor.accept(from: descriptor, on: self)
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

  /// Accepts connections on `acceptor` from now on.
  ///
  /// - Throws: `SystemCallError` where there is no memory for it.
  func accept(with acceptor: Acceptor) throws(SystemCallError) {
    for descriptor in acceptor.descriptors { try poller.add(descriptor, .readable) }
    self.acceptor = acceptor
  }

  /// Accepts no more connections.
  ///
  /// - Parameter takingWhatWaits: Whether connections that wait in the kernel are still accepted.
  func endAccepting(takingWhatWaits: Bool) {
    guard let acceptor else { return }
    if takingWhatWaits { acceptor.acceptAll(on: self) }
    for descriptor in acceptor.descriptors { poller.remove(descriptor) }
    acceptor.close()
    self.acceptor = nil
  }

  /// Accepts no connections for a while: the system has no descriptor or memory for one now.
  func pauseAccepting() {
    guard let acceptor else { return }
    for descriptor in acceptor.descriptors { poller.modify(descriptor, []) }
    isAcceptingPaused = true
    schedule(in: Self.budgetInterval)
  }

  /// Serves an accepted connection; the loop owns its descriptor from here on.
  func serve(_ descriptor: CInt, number: UInt64) {
    guard let peer = handling.peer(ofDescriptor: descriptor) else {
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

  /// The connection with this descriptor and number; `nil` where it has ended. The kernel uses descriptors again.
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

  /// Goes on with a connection at the end of the turn, so that answers that arrive together leave in one write.
  func resumeSoon(_ connection: Connection) {
    answered.append(connection)
  }

  private func resumeAnswered() {
    guard !answered.isEmpty else { return }
    let connections = answered
    answered.removeAll(keepingCapacity: true)
    for connection in connections { connection.resume() }
  }

  /// Takes new limits, and asks again for each connection whether it may be answered from memory.
  func reconfigure(_ configuration: SocketConfiguration) {
    self.configuration = configuration
    for case let connection? in connections { connection.reconfigure() }
    if let interval = idleInterval { schedule(in: interval) }
  }

  /// Takes no further requests; calls `whenEmpty` once every connection is closed.
  func drain(whenEmpty: @escaping @Sendable () -> Void) {
    isDraining = true
    drained = whenEmpty
    for case let connection? in connections { connection.drain() }
    finishDrainingIfEmpty()
  }

  /// Closes all connections.
  func closeAll() {
    for case let connection? in connections { connection.close() }
  }

  private func finishDrainingIfEmpty() {
    guard isDraining, counters.connectionsOpen == 0 else { return }
    drained?()
    drained = nil
  }
}
