import CertRegCore
import Glibc

/// Gets requests answered, over as many connections as that takes.
///
/// The daemon may close a connection because of one request, or because it restarts. All requests that lose their
/// connection are sent again, but one at a time, each after the daemon has answered `status`. The request that makes
/// the daemon close is found so. It fails alone, and takes no other request with it.
///
/// A request that an access rule's rate refuses is sent again, and all others keep to that rate, too.
package final class Delivery<Item> {
  /// So many connections in a row may end with a request alone on them before it fails.
  private static var maximumLosses: Int { 3 }
  /// So many requests in a row may fail before the daemon is given up.
  private static var maximumFailures: Int { 20 }
  private static var longestPause: Duration { .seconds(5) }

  private struct Sent {
    var item: Item
    var request: Request
  }

  private struct Suspect {
    var item: Item
    var request: Request
    /// Connections that ended while no other request was under way.
    var losses: Int
  }

  /// Why requests were left without an answer.
  package struct Stop {
    /// What happened to the last connection.
    package var failure: ClientError
    /// Requests that were sent and have no answer.
    package var unanswered: [Item]
  }

  private let session: Session
  private let window: Int
  private let timeout: Duration?
  private let patience: Duration
  private let firstPause: Duration
  /// Whether a request is to be sent again after its connection was lost.
  private let isWorthResending: (Item) -> Bool

  private var suspects: [Suspect] = []
  private var alone: Suspect?
  private var underWay = 0
  private var rate = CallerRate()
  /// Requests that the rate of an access rule has refused.
  private var refused: [Sent] = []
  /// Whether there are no further requests but those that are sent again.
  private var isExhausted = false
  /// Requests that have failed since the last answer.
  private var failures = 0
  /// Time that passed since the daemon last answered, in pauses and attempts to connect.
  private var lostTime = Duration.zero
  private var pause: Duration

  /// - Parameters:
  ///   - window: Most requests that wait for their answers at once.
  ///   - timeout: How long one answer may take; `nil`: for ever.
  ///   - patience: How long a daemon may stay away without answering anything.
  ///   - firstPause: The pause after a lost connection. It doubles each time, up to 5 s.
  init(
    _ session: Session, window: Int = Pipeline.defaultWindow, timeout: Duration?, patience: Duration,
    firstPause: Duration,
    isWorthResending: @escaping (Item) -> Bool = { _ in true }
  ) {
    self.session = session
    self.window = window
    self.timeout = timeout
    self.patience = patience
    self.firstPause = firstPause
    self.isWorthResending = isWorthResending
    pause = firstPause
  }

  /// Runs until all requests of `pull` have an answer or have failed, `tick` says stop, or the daemon stays away.
  ///
  /// - Parameters:
  ///   - first: The connection to begin with, which has no requests under way.
  ///   - failed: Takes a request that got no answer, and why.
  /// - Returns: `nil` where nothing was left without an answer.
  func run(
    on first: Connection, pulling pull: () -> Pull<Item>, answered: (Item, Answer) -> Void,
    failed: (Item, ClientError) -> Void, tick: (_ underWay: Int) -> Bool
  ) -> Stop? {
    var connection: Connection? = first
    while true {
      let failure: ClientError
      do throws(ClientError) {
        let current = if let connection { connection } else { try connect() }
        connection = nil
        let end = exchange(over: current, pull, answered, failed, tick)
        guard let reason = end.failure else { return nil }
        settle(end.unanswered, reason, failed)
        failure = reason
      } catch {
        failure = error
      }
      guard failure.canPass, lostTime < patience, failures < Delivery.maximumFailures, wait(tick) else {
        return Stop(failure: failure, unanswered: suspects.map(\.item) + refused.map(\.item))
      }
    }
  }

  /// Connects once more, and sees whether the daemon answers at all.
  private func connect() throws(ClientError) -> Connection {
    let start = session.clock.monotonic
    do throws(ClientError) {
      let connection = try session.connect()
      _ = try session.facts(on: connection)
      lostTime = .zero
      return connection
    } catch {
      lostTime += session.clock.monotonic - start
      throw error
    }
  }

  private func exchange(
    over connection: Connection, _ pull: () -> Pull<Item>, _ answered: (Item, Answer) -> Void,
    _ failed: (Item, ClientError) -> Void, _ tick: (Int) -> Bool
  ) -> Pipeline.End<Item> {
    alone = nil
    underWay = 0
    let end = Pipeline(connection, window: window, timeout: timeout, clock: session.clock).run(
      pulling: { sent(next(pull)) },
      answered: { sent, answer in
        ended()
        failures = 0
        pause = firstPause
        if let wait = answer.error?.callerRateWait { return refuse(sent, wait) }
        rate.requestAllowed()
        answered(sent.item, answer)
      },
      failed: { sent, error in
        ended()
        failed(sent.item, error)
      }, tick: tick)
    return Pipeline.End(unanswered: end.unanswered.map { ($0.item.item, $0.request) }, failure: end.failure)
  }

  private func sent(_ pulled: Pull<Item>) -> Pull<Sent> {
    switch pulled {
    case .request(let item, let request): .request(Sent(item: item, request: request), request)
    case .later: .later
    case .pause(let time): .pause(until: time)
    case .end: .end
    }
  }

  private func next(_ pull: () -> Pull<Item>) -> Pull<Item> {
    if alone != nil { return .later }
    let now = session.clock.monotonic
    if let time = rate.pause(now: now) { return .pause(until: time) }
    let pulled = suspects.isEmpty ? nextOfMany(pull) : nextSuspect()
    guard case .request = pulled else { return pulled }
    underWay += 1
    rate.requestSent(now: now)
    return pulled
  }

  private func nextOfMany(_ pull: () -> Pull<Item>) -> Pull<Item> {
    if !refused.isEmpty {
      let next = refused.removeFirst()
      return .request(next.item, next.request)
    }
    if !isExhausted {
      let pulled = pull()
      guard case .end = pulled else { return pulled }
      isExhausted = true
    }
    // A request under way can be refused, and is sent again then.
    return underWay == 0 ? .end : .later
  }

  private func nextSuspect() -> Pull<Item> {
    guard underWay == 0 else { return .later }
    let suspect = suspects.removeFirst()
    alone = suspect
    return .request(suspect.item, suspect.request)
  }

  private func refuse(_ sent: Sent, _ wait: Duration) {
    if !rate.isLimited {
      session.console.note("certregd's access rules limit the requests of this user; certregctl keeps to their rate")
    }
    rate.requestRefused(wait, now: session.clock.monotonic)
    if isWorthResending(sent.item) { refused.append(sent) }
  }

  private func ended() {
    alone = nil
    underWay -= 1
  }

  /// Decides about the requests of a connection that has ended.
  private func settle(
    _ unanswered: [(item: Item, request: Request)], _ failure: ClientError, _ failed: (Item, ClientError) -> Void
  ) {
    let others = unanswered.filter { isWorthResending($0.item) }
    guard others.count == 1 else {
      suspects = others.map { Suspect(item: $0.item, request: $0.request, losses: 0) } + suspects
      return
    }
    let losses = (alone?.losses ?? 0) + 1
    // A daemon that restarts may end a connection once or twice. A line that it cannot read stays unreadable.
    if failure.isAboutLine || losses >= Delivery.maximumLosses {
      failures += failure.isAboutLine ? 0 : 1
      pause = firstPause
      failed(others[0].item, failure)
    } else {
      suspects.insert(Suspect(item: others[0].item, request: others[0].request, losses: losses), at: 0)
    }
  }

  /// Waits for the daemon; `false` where `tick` says stop.
  private func wait(_ tick: (Int) -> Bool) -> Bool {
    var left = pause
    lostTime += pause
    pause = min(pause * 2, Delivery.longestPause)
    while left > .zero {
      guard tick(0) else { return false }
      session.console.showTransient("waiting for certregd to come back")
      let piece = min(left, .milliseconds(250))
      poll(nil, 0, Int32(clamping: piece.milliseconds))
      left -= max(piece, .milliseconds(1))
    }
    return tick(0)
  }
}
