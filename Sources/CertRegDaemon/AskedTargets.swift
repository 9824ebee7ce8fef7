import CertRegCore

/// Asks several targets at once, so that one that does not answer holds up no other.
enum AskedTargets {
  /// The most that are asked at once: some start a process to answer.
  static let mostAtOnce = 16

  /// Asks each target.
  ///
  /// - Parameters:
  ///   - targets: What is asked.
  ///   - ask: Gets the answer of one target.
  ///   - take: Takes each answer as it comes, one after the other. Not called any more when the task is cancelled.
  static func each<Target: Sendable, Answer: Sendable>(
    _ targets: [TargetName: Target], ask: @escaping @Sendable (Target) async -> Answer,
    take: (TargetName, Answer) async -> Void
  ) async {
    await withTaskGroup(of: (TargetName, Answer).self) { group in
      var left = targets.sorted { $0.key.rawValue < $1.key.rawValue }[...]
      for _ in 0..<mostAtOnce {
        guard let (name, target) = left.popFirst() else { break }
        group.addTask { (name, await ask(target)) }
      }
      for await (name, answer) in group {
        if Task.isCancelled { return }
        await take(name, answer)
        if let (name, target) = left.popFirst() { group.addTask { (name, await ask(target)) } }
      }
    }
  }
}
