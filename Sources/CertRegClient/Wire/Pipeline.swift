import CertRegCore

/// Runs many requests over one connection, up to a window of them under way at once.
package struct Pipeline {
  /// Requests under way at once: the daemon's default window. More would only wait in the socket.
  package static let defaultWindow = 64

  private let connection: Connection
  private let window: Int
  private let timeout: Duration?
  private let tickInterval: Duration

  /// - Parameters:
  ///   - connection: one on which nothing else is under way.
  ///   - window: most requests that wait for their answers at once.
  ///   - timeout: how long one answer is waited for, counted from when its request was handed to the connection; `nil`: for ever.
  ///   - tickInterval: how often `tick` of ``run(next:answered:tick:)`` is called while nothing arrives.
  package init(
    _ connection: Connection, window: Int = defaultWindow, timeout: Duration?,
    tickInterval: Duration = .milliseconds(250)
  ) {
    self.connection = connection
    self.window = max(1, window)
    self.timeout = timeout
    self.tickInterval = tickInterval
  }

  /// How a run ended.
  package struct End<Item> {
    /// Items whose request was sent, or was about to be, and whose answer did not come; in order of sending.
    package var unanswered: [Item]
    /// Why, where there are such items for a reason other than `tick` having said stop.
    package var failure: ClientError?
  }

  /// What there is to send next.
  package enum Pull<Item> {
    case request(Item, Request)
    /// Nothing now: ask again after the next answer or tick.
    case later
    /// Nothing any more.
    case end
  }

  private struct UnderWay<Item> {
    var item: Item
    var deadline: MonotonicTime?
  }

  /// Asks `next` for requests until it returns `nil`, sends them, and hands each answer to `answered` as it comes. `tick` is
  /// called every now and then with how many are under way; `false` stops after what is under way has been answered: no new
  /// request is begun.
  package func run<Item>(
    next: () -> (Item, Request)?,
    answered: (Item, Answer) -> Void,
    tick: (_ underWay: Int) -> Bool = { _ in true }
  ) -> End<Item> {
    run(pulling: { next().map { .request($0.0, $0.1) } ?? .end }, answered: answered, tick: tick)
  }

  /// As ``run(next:answered:tick:)``, where there may be nothing to send now and something later.
  package func run<Item>(
    pulling pull: () -> Pull<Item>,
    answered: (Item, Answer) -> Void,
    tick: (_ underWay: Int) -> Bool
  ) -> End<Item> {
    var underWay: [Int: UnderWay<Item>] = [:]
    var exhausted = false
    do throws(ClientError) {
      while true {
        if !tick(underWay.count) { exhausted = true }
        filling: while !exhausted, underWay.count < window {
          switch pull() {
          case .request(let item, let request):
            let id = connection.enqueue(request)
            underWay[id] = UnderWay(item: item, deadline: timeout.map { Clock.now + $0 })
          case .later: break filling
          case .end: exhausted = true
          }
        }
        if exhausted, underWay.isEmpty { return End(unanswered: [], failure: nil) }
        let wake = Clock.now + tickInterval
        if let answer = try connection.receive(until: wake) {
          try deliver(answer, to: &underWay, answered)
        }
        try checkDeadlines(underWay)
      }
    } catch {
      let left = underWay.sorted { $0.key < $1.key }.map(\.value.item)
      return End(unanswered: left, failure: error)
    }
  }

  private func deliver<Item>(
    _ answer: Answer, to underWay: inout [Int: UnderWay<Item>], _ answered: (Item, Answer) -> Void
  ) throws(ClientError) {
    if let id = answer.id, let entry = underWay.removeValue(forKey: id) {
      answered(entry.item, answer)
    } else if answer.id == nil, let error = answer.error {
      throw Connection.refusal(error)
    }
    // An answer to a number that nobody waits for is passed over: it changes nothing.
  }

  private func checkDeadlines<Item>(_ underWay: [Int: UnderWay<Item>]) throws(ClientError) {
    guard timeout != nil else { return }
    let now = Clock.now
    if underWay.values.contains(where: { $0.deadline.map { $0 < now } ?? false }) {
      throw ClientError(
        .timedOut, "certregd at \(connection.path) did not answer in time",
        advice: "wait longer with --timeout; what it had accepted goes on: certregctl lookup FILE tells how it ended")
    }
  }
}
