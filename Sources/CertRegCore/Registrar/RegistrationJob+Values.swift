// The values of a job's machine.
extension RegistrationJob {
  /// What has to be done after an event.
  enum Action {
    case nothing
    /// Make the change durable, then tell the job.
    case commit(StoreChange)
    /// Put the job into its target's queue of calls.
    case enqueue
    /// Make the call.
    case call(UpstreamCall)
    /// The event does not belong to the state.
    case impossible(ImpossibleEvent)
  }

  /// Where a job is.
  enum State: Sendable {
    /// The request is on its way to disk. Next: calling with the permit, else following, waiting or asking, or
    /// finishing where another host registered the certificate; gone where the disk refuses the request.
    case storing(CallPermit?)
    /// Another job of the certificate is before it. Next: waiting, asking, or finishing where that job did all.
    case following
    /// Another host may be at work on the certificate. Next: waiting, or finishing with the other host's result.
    case asking
    /// In the queue of its target, once that is configured. Next: marking, calling, backingOff where the call would be
    /// refused, or finishing where it is overdue.
    case waiting
    /// It has its permit, and asks once more whether this host may call. Next: marking, calling, asking or waiting.
    case permitted(CallPermit)
    /// That a call begins is on its way to disk. Next: calling, waiting where the target is gone, backingOff where the
    /// disk fails. `movedTo`: where the call goes, if the target points elsewhere than at the time of the request or of
    /// the last call; the disk has to know that, too.
    case marking(CallPermit, movedTo: UpstreamLocation?)
    /// A call is under way. Next: finishing, advancing or backingOff.
    case calling(CallPermit, since: MonotonicTime)
    /// The success of a step is on its way to disk. Next: waiting.
    indirect case advancing(JobFacts)
    /// A call failed temporarily. Next: waiting, or finishing if the job is overdue.
    case backingOff(until: MonotonicTime)
    /// The end is on its way to disk. Next: gone.
    case finishing(Ending)
  }

  /// Whether this host may work on the job.
  enum Leave: Sendable {
    case asked
    case granted
    /// Another host has the result, which belongs to `home`.
    indirect case known(Registration, home: JobHome?)
  }

  /// A call that ended.
  struct EndedCall {
    var operation: UpstreamOperation
    var permit: CallPermit
    var since: MonotonicTime
    var result: StepResult
  }
}
