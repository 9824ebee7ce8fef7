import CertRegCore
import Synchronization

/// Asks upstreams what they say of certificates, within the bound and the pace of ``DescribeGate``. Nothing is queued on
/// disk or tried again: the caller can ask once more.
final class Descriptions: Sendable {
  /// Takes the answer, and where the upstream was that gave it; `nil`: none was asked.
  typealias Completion = @Sendable (Result<UpstreamCertificate, ServiceError>, UpstreamLocation?) -> Void

  private let calls: UpstreamCalls
  private let clock: HostClock
  private let pace: @Sendable (TargetName) -> DescribeGate.Pace?
  private let gate = Mutex(DescribeGate())
  private let open = Mutex(OpenAnswers())

  /// - Parameters:
  ///   - calls: Runs the calls.
  ///   - clock: Tells when they may begin.
  ///   - pace: The pace of a target; `nil`: none.
  init(calls: UpstreamCalls, clock: HostClock, pace: @escaping @Sendable (TargetName) -> DescribeGate.Pace?) {
    self.calls = calls
    self.clock = clock
    self.pace = pace
  }

  /// Asks about a certificate; `completion` gets the end, once, on an arbitrary thread, about `deadline` at the latest.
  func ask(_ key: RegistrationKey, until deadline: MonotonicTime, completion: @escaping Completion) {
    guard let answer = firstAnswer(completion) else { return completion(.failure(.draining), nil) }
    let pace = pace(key.target)
    let now = clock.monotonic
    let begin: MonotonicTime
    switch gate.withLock({ $0.admit(key.target, pace: pace, now: now, deadline: deadline) }) {
    case .begin(let time): begin = time
    case .tooMany: return answer.give(.failure(.tooManyDescribes), nil)
    case .tooLate: return answer.give(.failure(.describeDeadlineExceeded), nil)
    }
    calls.ask(key.target) { error in
      self.gate.withLock { $0.ended() }
      answer.give(.failure(error), nil)
    } _: { client in
      await withTaskGroup { group in
        group.addTask { await self.ask(client, key, at: begin, answer) }
        group.addTask {
          guard (try? await Task.sleep(for: max(.zero, deadline - self.clock.monotonic))) != nil else { return }
          answer.give(.failure(.describeDeadlineExceeded), nil)
        }
        await group.next()
        group.cancelAll()
      }
      self.gate.withLock { $0.ended() }
      // The daemon stops: nobody else has answered.
      answer.give(.failure(.draining), nil)
    }
  }

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
    _ client: any UpstreamClient, _ key: RegistrationKey, at begin: MonotonicTime, _ answer: FirstAnswer
  ) async {
    guard (try? await Task.sleep(for: max(.zero, begin - clock.monotonic))) != nil else { return }
    do throws(UpstreamFailure) {
      let certificate = try await client.describe(key.certificateID)
      answer.give(.success(certificate), client.location)
    } catch {
      var told = error.error
      if case .throttled(let retryAfter) = error.disposition {
        let now = clock.monotonic
        gate.withLock { $0.throttled(key.target, retryAfter: retryAfter, now: now) }
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
