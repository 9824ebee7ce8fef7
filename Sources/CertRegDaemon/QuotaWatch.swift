import CertRegCore
import CertRegForwarder

/// Asks Service Quotas for the account's own rate of the targets that are configured so (`ratePerSecond: account`), at
/// the start, when there are other targets, and daily.
struct QuotaWatch: Sendable {
  /// How often a known rate is asked for again.
  private static let interval = Duration.seconds(86_400)
  /// How soon after a failure.
  private static let retry = Duration.seconds(600)

  /// What came of asking about each target.
  typealias Answers = [TargetName: Result<Double, ServiceError>]

  /// Noted at the start and when there are other targets.
  let changes: Activity
  /// The clients of targets that ask for their rate.
  let clients: @Sendable () -> [TargetName: AWSUpstreamClient]
  /// Takes what was told so far.
  let apply: @Sendable (Answers) async -> Void

  /// Runs until the task is cancelled.
  func run() async {
    var asking: Task<Void, Never>?
    await changes.forEach {
      // A new configuration need not wait for the answers, or the day, of the one before, and those answers must not
      // come after its own.
      asking?.cancel()
      await asking?.value
      asking = Task { await ask() }
    }
    asking?.cancel()
    await asking?.value
  }

  private func ask() async {
    var answers: Answers = [:]
    while !Task.isCancelled {
      await AskedTargets.each(clients()) { client in
        do throws(UpstreamFailure) {
          return Result<Double, ServiceError>.success(try await client.accountRate())
        } catch {
          return .failure(error.error)
        }
      } take: { name, answer in
        answers[name] = answer
        await apply(answers)
      }
      guard !answers.isEmpty, !Task.isCancelled else { return }
      let hasFailed = answers.values.contains { if case .failure = $0 { true } else { false } }
      do { try await Task.sleep(for: hasFailed ? Self.retry : Self.interval) } catch { return }
    }
  }
}
