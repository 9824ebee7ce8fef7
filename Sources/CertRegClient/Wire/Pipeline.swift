package import CertRegCore

/// What there is to send next.
package enum Pull<Item> {
  case request(Item, Request)
  /// Nothing now: ask again after the next answer or tick.
  case later
  /// Nothing before this time, unless an answer or a tick comes first.
  case pause(until: MonotonicTime)
  /// Nothing any more.
  case end
}

/// Runs many requests over one connection, with a limit on how many wait for their answers at once.
package struct Pipeline {
  /// The daemon's default window. More requests would only wait in the socket.
  package static let defaultWindow = 64

  private let connection: Connection
  private let window: Int
  private let timeout: Duration?
  private let tickInterval: Duration
  private let clock: HostClock

  /// - Parameters:
  ///   - connection: A connection without requests under way.
  ///   - window: Most requests that wait for their answers at once.
  ///   - timeout: How long to wait for one answer, counted from when its request was handed to the connection; `nil`:
  ///     for ever. Only time in which this side was ready to read counts: a full pipe or a stopped process cannot make
  ///     a request run out of time whose answer lies in the socket.
  ///   - tickInterval: How often `tick` is called while nothing arrives.
  package init(
    _ connection: Connection, window: Int = defaultWindow, timeout: Duration?,
    tickInterval: Duration = .milliseconds(250), clock: HostClock
  ) {
    self.connection = connection
    self.window = max(1, window)
    self.timeout = timeout
    self.tickInterval = tickInterval
    self.clock = clock
  }

  /// How a run ended.
  package struct End<Item> {
    /// Requests without an answer, in the order of sending.
    package var unanswered: [(item: Item, request: Request)]
    /// Why the connection ended before all answers came.
    package var failure: ClientError?
  }

  private struct UnderWay<Item> {
    var item: Item
    var request: Request
    /// In reading time: the sum of all waits for the socket.
    var deadline: Duration?
  }

  /// Sends the requests that `pull` gives, and hands each answer to `answered` as it comes.
  ///
  /// - Parameters:
  ///   - pull: Gives the next request.
  ///   - answered: Takes a request and its answer.
  ///   - failed: Takes a request whose answer did not come in time, or is none. The others go on.
  ///   - tick: Called every now and then with the number of requests under way. `false` ends the run once they are
  ///     answered.
  package func run<Item>(
    pulling pull: () -> Pull<Item>,
    answered: (Item, Answer) -> Void,
    failed: (Item, ClientError) -> Void,
    tick: (_ underWay: Int) -> Bool = { _ in true }
  ) -> End<Item> {
    var underWay: [Int: UnderWay<Item>] = [:]
    var readingTime = Duration.zero
    /// No request is due before; `nil`: none ever is. Looking at all of them after each answer would cost more than the
    /// answer.
    var firstDeadline: Duration?
    var isExhausted = false
    do throws(ClientError) {
      while true {
        if !tick(underWay.count) { isExhausted = true }
        var wake: MonotonicTime?
        filling: while !isExhausted, underWay.count < window {
          switch pull() {
          case .request(let item, let request):
            let id = connection.enqueue(request)
            let deadline = timeout.map { readingTime + $0 }
            underWay[id] = UnderWay(item: item, request: request, deadline: deadline)
            // Deadlines come in the order of sending.
            firstDeadline = firstDeadline ?? deadline
          case .later: break filling
          case .pause(let time):
            wake = time
            break filling
          case .end: isExhausted = true
          }
        }
        if isExhausted, underWay.isEmpty { return End(unanswered: [], failure: nil) }
        let start = clock.monotonic
        let answer = try connection.receive(until: min(wake ?? start + tickInterval, start + tickInterval))
        // Longer than it was to be: the process was stopped or the machine slept, and could not read.
        readingTime += min(clock.monotonic - start, tickInterval)
        if let answer { try deliver(answer, to: &underWay, answered, failed) }
        guard let first = firstDeadline, first < readingTime else { continue }
        for (id, entry) in underWay where entry.deadline.map({ $0 < readingTime }) ?? false {
          // A later answer to this number is ignored.
          underWay[id] = nil
          failed(entry.item, connection.timedOut)
        }
        firstDeadline = underWay.values.lazy.compactMap(\.deadline).min()
      }
    } catch {
      let left = underWay.sorted { $0.key < $1.key }.map { ($0.value.item, $0.value.request) }
      return End(unanswered: left, failure: error)
    }
  }

  private func deliver<Item>(
    _ answer: Answer, to underWay: inout [Int: UnderWay<Item>], _ answered: (Item, Answer) -> Void,
    _ failed: (Item, ClientError) -> Void
  ) throws(ClientError) {
    if let id = answer.id, let entry = underWay.removeValue(forKey: id) {
      if let violation = answer.violation(of: entry.request) {
        failed(entry.item, violation)
      } else {
        answered(entry.item, answer)
      }
    } else if answer.id == nil, let error = answer.error {
      throw Connection.refusal(error)
    }
    // Answers to numbers that no request waits for are ignored.
  }
}
