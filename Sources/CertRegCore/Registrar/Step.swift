/// One kind of call that a job needs, with the reading of its replies. Each kind is a file of its own.
///
/// A step can be repeated safely: it is made again after a restart, and after a call whose answer was lost.
package protocol Step: Sendable {
  /// Whose pace the call keeps to.
  var operation: UpstreamOperation { get }

  /// Whether the disk has to know that a call begins before it is made. It has to where a later reply cannot be read
  /// without knowing of this call.
  var isMarked: Bool { get }

  /// Whether the call changes the status of a certificate that is registered.
  var changesStatus: Bool { get }

  /// Whether there is anything to do, as far as earlier steps have established it. Asked when the step's turn comes.
  func isNeeded(for pending: PendingRegistration) -> Bool

  /// The call for a job.
  ///
  /// - Parameter pending: What was asked for, and in its `facts` what earlier steps established.
  func call(for pending: PendingRegistration) -> UpstreamCall

  /// Reads a reply to the call.
  ///
  /// - Parameters:
  ///   - reply: How the call ended.
  ///   - pending: The registration as it was when the call began.
  ///   - mayHaveTakenEffect: Whether an earlier call of this step may have taken effect although its answer was lost.
  func read(_ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool) -> StepResult
}

extension Step {
  /// Every step is needed, unless it says otherwise.
  package func isNeeded(for pending: PendingRegistration) -> Bool { true }

  /// No step changes the status of a registered certificate, unless it says otherwise.
  package var changesStatus: Bool { false }
}

/// How a step's call ended.
package enum StepResult: Hashable, Sendable {
  /// The step ended well, and this is known since.
  case done(JobFacts)
  /// It brought no result; the failure says whether trying again can help.
  indirect case failed(UpstreamFailure)
}

/// The steps that turn a request into a result, in their order.
package struct Plan: Sendable {
  /// The steps, the first one first.
  package var steps: [any Step]

  package init(_ steps: [any Step]) {
    self.steps = steps
  }

  private static let registration = Plan([RegisterStep()])
  private static let registrationAndStatus = Plan([RegisterStep(), UpdateStep()])
  private static let status = Plan([UpdateStep()])

  /// The plan of a job, made only from its queue row, so that a restart makes the same plan.
  package static func plan(for pending: PendingRegistration) -> Plan {
    let middle = pending.provisioning?.steps ?? []
    return switch pending.purpose {
    case .register: middle.isEmpty ? registration : Plan([RegisterStep()] + middle)
    case .registerAndSet: middle.isEmpty ? registrationAndStatus : Plan([RegisterStep()] + middle + [UpdateStep()])
    case .registerNew:
      Plan([RegisterStep()] + middle + (pending.provisioning?.activatesLast == true ? [UpdateStep()] : []))
    case .update: status
    }
  }

  /// The position of the step that comes next or is under way; `nil` if nothing is left to do.
  func nextStep(of pending: PendingRegistration) -> Int? {
    let first = pending.facts.completedSteps
    return first < steps.count ? steps[first...].firstIndex { $0.isNeeded(for: pending) } : nil
  }

  /// Makes the plan of a job only from its queue row.
  package typealias Maker = @Sendable (PendingRegistration) -> Plan
}
