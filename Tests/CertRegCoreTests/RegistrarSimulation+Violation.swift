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
    /// A registration older than `queue.maxAge` stays without a call or commit under way.
    case tooOld
    case expiredTooEarly

    // Calls.
    case twoCallsAtOnce
    case tooManyCallsAtOnce
    case callThatDiskDoesNotKnow
    case callsUnconfiguredTarget
    case callWithAnotherStatus
    /// Another job of the certificate was asked for before.
    case callOutOfTurn
    case beginsUnawaitedWhileDraining
    /// A user has a call although another waiting user had fewer turns.
    case unfairTurn

    // Updates.
    /// An acknowledged update has not ended.
    case updateLost
    /// An update ended after one that was asked for later.
    case updateOvertaken
    /// The certificate never had the status that an update is told to have set.
    case updateWithoutEffect
    /// A job whose certificate is registered waits for another try, and a revocation behind it on disk with it.
    case revocationHeldUp
    /// A step failed after the registration, and the certificate is not known as registered.
    case registrationLost

    // Devices.
    /// Another step of the profile comes next, as far as the disk knows.
    case stepOutOfOrder
    /// A step that the disk has as done.
    case stepRepeated
    /// Steps that have succeeded count as not made.
    case progressLost
    /// Steps count as done whose effect is not there.
    case progressInvented
    /// The disk has other parts of a device than were made.
    case falseResources
    /// A certificate is set ACTIVE before the parts of its device are there.
    case activatesTooEarly
    /// A certificate is set ACTIVE that the upstream had said to be revoked, or that somebody deactivated.
    case activatesWhatIsKept
    /// A certificate is set ACTIVE although nobody knows whether it is revoked.
    case activatesUnknownStatus
    /// A template sets another status than the request names.
    case changesNamedStatus
    /// Something is done to a certificate that exists, for a caller that takes that for an error.
    case changesWhatIsLeftAlone
    /// A device is told of which a part is missing.
    case deviceToldTooEarly
    /// A device is told whose profile activates its certificate, with another status.
    case deviceNotActive
    /// The failure of a device's step is gone, although no device was made.
    case stepFailureLost
    case queuedForAnotherDevice

    // Truth.
    /// A caller that asks for what the upstream says now gets what was known before.
    case refreshWithoutCall
    case successWithoutCertificate
    case existingAlthoughOurs
    case createdAlthoughNotOurs
    case createdAlthoughItExisted
    case outcomeChanged
    /// The certificate never had the status that the daemon tells.
    case falseStatus
    /// A result without a status replaced one with a status.
    case knownStatusLost
    /// The result has another status than DescribeCertificate told.
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
    /// A target counts as unwell because of another target's failures.
    case healthyTargetBlamed
    case wrongPendingCount
    case wrongQuiet
    /// The queue has a stale entry, or has lost one.
    case wrongQueued(TargetName, expected: Int, was: Int)
    case wrongUnderWay(TargetName, expected: Int, was: Int)
    case agesGrow
    case deadlinesGrow
    case impossibleEvent(ImpossibleEvent)
    case tooManyTimers
  }
}
