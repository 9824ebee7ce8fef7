import CertRegCore
import CertRegForwarder

/// Asks for each target's credentials before there is a call to make, so that an operator need not wait for one to hear
/// that there are none.
struct CredentialsWatch: Sendable {
  private static let interval = Duration.seconds(30)

  let reports: Reports
  /// Notes what the line of `systemctl status` depends on.
  let activity: Activity
  /// Noted at the start and when there are other targets.
  let changes: Activity
  let clients: @Sendable () -> [TargetName: AWSUpstreamClient]

  /// Runs until the task is cancelled.
  func run() async {
    await changes.forEach {
      var problems: [TargetName: ServiceError] = [:]
      while !Task.isCancelled {
        let clients = clients()
        problems = problems.filter { clients[$0.key] != nil }
        await AskedTargets.each(clients) {
          await $0.prepare()
        } take: { name, problem in
          problems[name] = problem
          reports.setCredentialsProblems(problems)
          activity.note()
        }
        if problems.isEmpty { return }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
