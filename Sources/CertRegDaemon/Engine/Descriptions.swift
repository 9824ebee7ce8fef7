import CertRegCore
import CertRegForwarder
import Synchronization

/// Asks upstreams what they say of certificates, within a bound for the whole daemon and the pace of each target.
/// Nothing is queued on disk or tried again: the caller can ask once more.
final class Descriptions: Sendable {
  /// Takes the answer, and where the upstream was that gave it; `nil`: none was asked.
  typealias Completion = @Sendable (Result<UpstreamCertificate, ServiceError>, UpstreamLocation?) -> Void

  private let calls: UpstreamCalls
  private let clock: HostClock
  /// The most at once.
  static let maxUnderWay = AWSUpstreamClient.mostDescriptions
  /// The pause after a throttle that names none.
  private static let pause = Duration.seconds(1)

  private let turns: @Sendable (TargetName) -> DescribeTurns?
  private let underWay = Mutex(0)
  private let open = Mutex(OpenAnswers())

  /// - Parameters:
  ///   - calls: Runs the calls.
  ///   - clock: Tells when they may begin.
  ///   - turns: The turns of a target; `nil`: its calls begin at once.
  init(calls: UpstreamCalls, clock: HostClock, turns: @escaping @Sendable (TargetName) -> DescribeTurns?) {
    self.calls = calls
    self.clock = clock
    self.turns = turns
  }

  /// Asks about a certificate; `completion` gets the end, once, on an arbitrary thread, about `deadline` at the latest.
  func ask(_ key: RegistrationKey, until deadline: MonotonicTime, completion: @escaping Completion) {
    guard let answer = firstAnswer(completion) else { return completion(.failure(.draining), nil) }
    guard enter() else { return answer.give(.failure(.tooManyDescribes(limit: Self.maxUnderWay)), nil) }
    let turns = turns(key.target)
    let now = clock.monotonic
    guard let begin = turns == nil ? now : turns?.take(now: now, deadline: deadline) else {
      leave()
      return answer.give(.failure(.describeDeadlineExceeded), nil)
    }
    calls.ask(key.target) { error in
      self.leave()
      answer.give(.failure(error), nil)
    } _: { client in
      await withTaskGroup { group in
        group.addTask { await self.ask(client, key, at: begin, turns, answer) }
        group.addTask {
          guard (try? await Task.sleep(for: max(.zero, deadline - self.clock.monotonic))) != nil else { return }
          answer.give(.failure(.describeDeadlineExceeded), nil)
        }
        await group.next()
        group.cancelAll()
      }
      self.leave()
      // The daemon stops: nobody else has answered.
      answer.give(.failure(.draining), nil)
    }
  }

  private func enter() -> Bool {
    underWay.withLock { underWay in
      guard underWay < Self.maxUnderWay else { return false }
      underWay += 1
      return true
    }
  }

  private func leave() { underWay.withLock { $0 -= 1 } }

  /// Refuses further requests and waits until every request under way has its answer, at most for `limit`. Then refuses
  /// the requests that still wait.
  func drain(limit: Duration) async {
    open.withLock { $0.isDraining = true }
    await withTaskGroup { group in
      group.addTask { await self.allGiven() }
      group.addTask {
        // A drain that is cancelled ends at once.
        try? await Task.sleep(for: limit)
        for answer in self.open.withLock({ $0.answers }).values { answer.give(.failure(.draining), nil) }
      }
      await group.next()
      group.cancelAll()
    }
  }

  private func allGiven() async {
    await withCheckedContinuation { continuation in
      let isEmpty = open.withLock { open in
        if open.answers.isEmpty { return true }
        open.drained = continuation
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }

  /// An answer that is open until it is given; `nil`: the daemon drains.
  private func firstAnswer(_ completion: @escaping Completion) -> FirstAnswer? {
    open.withLock { open in
      guard !open.isDraining else { return nil }
      open.lastNumber += 1
      let number = open.lastNumber
      let answer = FirstAnswer { result, location in
        completion(result, location)
        self.given(number)
      }
      open.answers[number] = answer
      return answer
    }
  }

  private func given(_ number: Int) {
    let drained = open.withLock { open in
      open.answers[number] = nil
      guard open.answers.isEmpty else { return nil as CheckedContinuation<Void, Never>? }
      defer { open.drained = nil }
      return open.drained
    }
    drained?.resume()
  }

  private func ask(
    _ client: any UpstreamClient, _ key: RegistrationKey, at begin: MonotonicTime, _ turns: DescribeTurns?,
    _ answer: FirstAnswer
  ) async {
    guard (try? await Task.sleep(for: max(.zero, begin - clock.monotonic))) != nil else { return }
    do throws(UpstreamFailure) {
      let certificate = try await client.describe(key.certificateID)
      answer.give(.success(certificate), client.location)
    } catch {
      var told = error.error
      if case .throttled(let retryAfter) = error.disposition {
        turns?.hold(until: clock.monotonic + (retryAfter ?? Self.pause))
        told.retryAfterMilliseconds = told.retryAfterMilliseconds ?? 1000
      }
      answer.give(.failure(told), client.location)
    }
  }
}

/// The answers that are not given yet, and the drain that waits for them.
private struct OpenAnswers {
  var answers: [Int: FirstAnswer] = [:]
  var lastNumber = 0
  var isDraining = false
  var drained: CheckedContinuation<Void, Never>?
}

/// Passes on the first of several answers.
private final class FirstAnswer: Sendable {
  private let completion: Mutex<Descriptions.Completion?>

  init(_ completion: @escaping Descriptions.Completion) { self.completion = Mutex(completion) }

  func give(_ result: Result<UpstreamCertificate, ServiceError>, _ location: UpstreamLocation?) {
    let first = completion.withLock { completion in
      defer { completion = nil }
      return completion
    }
    first?(result, location)
  }
}
