import CertRegCore

extension RegistrarSimulation {
  /// A broken invariant.
  enum Violation: Hashable {
    // Queue and disk.
    case queuedBeforeDisk
    case successBeforeDisk
    case remembersWhatIsNotOnDisk
    case rowLeftBehind
    case neverEnds
    /// A registration older than `queue.maxAge` stays although no call and no commit of it is under way.
    case tooOld
    case expiredTooEarly

    // Calls.
    case twoCallsAtOnce
    case tooManyCallsAtOnce
    case callThatDiskDoesNotKnow
    case callsUnconfiguredTarget
    case callWithAnotherStatus
    case beginsUnawaitedWhileDraining
    /// A call belongs to a user with more turns than another one who waits.
    case unfairTurn

    // Truth.
    case successWithoutCertificate
    case existingAlthoughOurs
    case createdAlthoughNotOurs
    case createdAlthoughItExisted
    /// The certificate never had the status that is told, as far as could be known.
    case falseStatus
    /// A status on disk gave way to none.
    case knownStatusLost
    /// DescribeCertificate told the status, and the result has another.
    case describedStatusDiscarded

    // Answers.
    case lostAnswer
    case secondAnswer
    case deadlineMissed
    case answerToAnother
    case queuedForAnotherStatus
    case quietSuccessForAnotherStatus
    case quietSuccessAlthoughItExists
    case conflictWithoutDifference
    case refusalNobodyAskedFor
    case wrongRefusal(expected: Reason?, was: Reason?)

    // Counts and memory.
    /// A target looks unwell, and only others gave reason for that.
    case healthyTargetBlamed
    case wrongPendingCount
    case wrongQuiet
    /// What stands in the queues is not what waits for a turn: an entry is stale, or lost.
    case wrongQueued(TargetName, expected: Int, was: Int)
    case wrongUnderWay(TargetName, expected: Int, was: Int)
    case arrivalsGrow
    case tooManyTimers
  }
}
