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
    let pace = pace(key.target)
    let now = clock.monotonic
    let begin: MonotonicTime
    switch gate.withLock({ $0.admit(key.target, pace: pace, now: now, deadline: deadline) }) {
    case .begin(let time): begin = time
    case .tooMany: return completion(.failure(.tooManyDescribes), nil)
    case .tooLate: return completion(.failure(.describeDeadlineExceeded), nil)
    }
    let answer = FirstAnswer(completion)
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
