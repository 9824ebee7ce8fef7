import CEpoll
import Dispatch
import Glibc
import Histogram
import Synchronization

/// Drives a daemon over some connections, each with so many requests under way, and measures how long answers take.
struct Load {
  /// What one run measured.
  struct Result {
    var requests = 0
    var errors = 0
    var seconds = 0.0
    /// Nanoseconds from the write of a request to the read of its answer.
    var latency = Histogram<UInt64>(highestTrackableValue: 60_000_000_000)

    var perSecond: Double { Double(requests) / seconds }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ what: String) {
      description = "\(what): \(String(cString: strerror(errno)))"
    }
  }

  var socketPath: String
  var connections: Int
  var depth: Int
  var requests: Int
  /// The text of the certificate of each request, by its number.
  var text: (Int) -> [UInt8]

  /// A connection of ours.
  private struct Client {
    var descriptor: CInt
    var unread: [UInt8] = []
    var unsent: [UInt8] = []
  }

  /// - Throws: `Failure` where the daemon cannot be reached or closes a connection.
  func run() throws -> Result {
    var result = Result()
    var sentAt = [UInt64](repeating: 0, count: requests)
    var next = 0
    let poller = epoll_create1(0)
    defer { close(poller) }
    var clients: [Client] = []
    defer { for client in clients { close(client.descriptor) } }
    for index in 0..<connections {
      let descriptor = try connectTo(socketPath)
      clients.append(Client(descriptor: descriptor))
      var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: UInt64(index)))
      epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)
    }
    let start = now()
    for index in clients.indices {
      for _ in 0..<depth { ask(&clients[index], &next, &sentAt) }
      try send(&clients[index])
    }
    var events = [epoll_event](repeating: epoll_event(), count: 256)
    var piece = [UInt8](repeating: 0, count: 1 << 17)
    while result.requests < requests {
      let ready = Int(epoll_wait(poller, &events, 256, 30_000))
      guard ready > 0 else { throw Failure("no answer for 30 seconds") }
      for event in events.prefix(ready) {
        let index = Int(event.data.u64)
        let count = read(clients[index].descriptor, &piece, piece.count)
        guard count > 0 else { throw Failure("the daemon closed the connection") }
        clients[index].unread += piece.prefix(count)
        for _ in 0..<takeAnswers(&clients[index], sentAt, &result) { ask(&clients[index], &next, &sentAt) }
        try send(&clients[index])
      }
    }
    result.seconds = Double(now() - start) / 1e9
    return result
  }

  private func ask(_ client: inout Client, _ next: inout Int, _ sentAt: inout [UInt64]) {
    guard next < requests else { return }
    client.unsent += Array("{\"id\":\(next),\"certificatePem\":".utf8) + text(next) + Array("}\n".utf8)
    sentAt[next] = now()
    next += 1
  }

  private func send(_ client: inout Client) throws {
    var rest = client.unsent[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(client.descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Failure("write") }
      rest = rest.dropFirst(count)
    }
    client.unsent.removeAll(keepingCapacity: true)
  }

  /// Takes whole answers and returns how many they were.
  private func takeAnswers(_ client: inout Client, _ sentAt: [UInt64], _ result: inout Result) -> Int {
    let time = now()
    var taken = 0
    var start = 0
    while let end = client.unread[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = client.unread[start..<end]
      let digits = line.dropFirst(6).prefix { (0x30...0x39).contains($0) }
      let id = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      result.latency.record(max(1, time - sentAt[id]))
      // An error has `error` behind the id, where a result has `certificateArn`.
      if line.dropFirst(8 + digits.count).first == UInt8(ascii: "e") { result.errors += 1 }
      taken += 1
      start = end + 1
    }
    client.unread.removeFirst(start)
    result.requests += taken
    return taken
  }
}

/// Loads one after the other in a thread of their own, until they are stopped.
final class RepeatedLoad: Sendable {
  private let isOver = Atomic(false)
  private let outcome = Mutex<(registered: Int, failure: (any Error)?)>((0, nil))
  private let hasEnded = DispatchSemaphore(value: 0)

  /// - Parameter load: What to run, by its number.
  init(_ load: @escaping @Sendable (Int) -> Load) {
    DispatchQueue.global().async { [self] in
      defer { hasEnded.signal() }
      var number = 0
      while !isOver.load(ordering: .relaxed) {
        do {
          let requests = try load(number).run().requests
          outcome.withLock { $0.registered += requests }
          number += 1
        } catch {
          outcome.withLock { $0.failure = error }
          return
        }
      }
    }
  }

  /// Waits for the end of the load that is running; returns how many requests there were in all.
  ///
  /// - Throws: What a load failed with.
  func stop() throws -> Int {
    isOver.store(true, ordering: .relaxed)
    hasEnded.wait()
    let outcome = outcome.withLock { $0 }
    if let failure = outcome.failure { throw failure }
    return outcome.registered
  }
}

/// Nanoseconds of the monotonic clock.
func now() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// - Throws: `Load.Failure`.
func connectTo(_ path: String) throws -> CInt {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
  let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
  let result = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  guard result == 0 else {
    close(descriptor)
    throw Load.Failure(path)
  }
  return descriptor
}
