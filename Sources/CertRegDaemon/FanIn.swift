import Synchronization

/// Gathers the answers of several targets and hands them on once all are there.
final class FanIn: Sendable {
  private struct State {
    var answers: [RequestService.TargetAnswer?]
    var missing: Int
  }

  private let state: Mutex<State>
  private let completion: @Sendable ([RequestService.TargetAnswer]) -> Void

  init(count: Int, completion: @escaping @Sendable ([RequestService.TargetAnswer]) -> Void) {
    state = Mutex(State(answers: Array(repeating: nil, count: count), missing: count))
    self.completion = completion
  }

  func set(_ index: Int, _ answer: RequestService.TargetAnswer) {
    let complete: [RequestService.TargetAnswer]? = state.withLock { state in
      state.answers[index] = answer
      state.missing -= 1
      return state.missing == 0 ? state.answers.compactMap { $0 } : nil
    }
    if let complete { completion(complete) }
  }
}
