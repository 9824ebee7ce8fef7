/// A change of the stored state. Changes of one batch take effect together or not at all. Large values are on the heap:
/// changes are passed on several times.
package enum StoreChange: Hashable, Sendable {
  /// Adds a job to the queue.
  indirect case enqueue(PendingRegistration)
  /// Records that a call is about to be made.
  case markCallStarted(JobID)
  /// Records that an attempt ended without a result.
  indirect case noteAttempt(JobID, attempts: Int, lastError: ServiceError)
  /// Records that a step of the plan succeeded, and the facts it established. The next step's call has not begun.
  indirect case noteProgress(JobID, JobFacts)
  /// Removes the job from the queue and stores its result in place of an earlier one, with the failure that the result
  /// names, or the one that it leaves (see ``Registration/leavesFailure``). The result may belong under another key.
  indirect case complete(JobID, Registration)
  /// Removes the job from the queue and changes the status of the result. Where there is no result, it stores the one
  /// that ``StatusUpdate/applied(to:)`` makes of nothing.
  indirect case setStatus(JobID, StatusUpdate)
  /// Removes the job from the queue and stores its failure, which may belong under another key, if it is one to keep
  /// (see ``FailedRegistration/isKept``). An earlier result stays, unless the upstream does not have the certificate
  /// (see ``FailedRegistration/isGone``). If its status is in doubt, the result is kept without one, and the failure is
  /// not.
  indirect case fail(JobID, FailedRegistration)
  /// Stores a result in place of an earlier one; the queue stays as it is. The home is for those who know which key
  /// stands for it; `nil`: the result's own key does.
  indirect case keep(Registration, JobHome?)
  /// Takes the status out of a result, which an unanswered call may have changed. The home is as that of `keep`.
  indirect case doubtStatus(RegistrationKey, JobHome?, at: WallTime)
  /// Keeps another name for the device of a registration, queued or finished.
  indirect case nameDevice(RegistrationKey, DeviceID)
  /// Removes the result (registered or failed); queued jobs stay.
  case forget(RegistrationKey)
  /// Notes what the fleet was told, or has to be told, of a result. A note with an earlier stamp changes nothing.
  indirect case share(RegistrationKey, FleetNote)
}

/// What a host notes of a result that other hosts of its fleet know, or have to know.
package struct FleetNote: Hashable, Sendable {
  /// See ``SharedResult/stamp``.
  package var stamp: Int64
  /// Whether the result was forgotten.
  package var isForgotten: Bool
  /// The number under which the fleet was told; 0: it has not been told yet; -1: another host told it.
  package var number: Int64

  /// The number of a result that another host told.
  package static let ofOthers: Int64 = -1

  package init(stamp: Int64, isForgotten: Bool, number: Int64) {
    self.stamp = stamp
    self.isForgotten = isForgotten
    self.number = number
  }
}

/// The stored end of a registration.
package enum StoredRecord: Hashable, Sendable {
  case registered(Registration)
  /// Has the result, if the job left one: see ``FailedRegistration/registered``.
  case failed(FailedRegistration)

  /// The certificate as it is registered; `nil`: it is not.
  package var registration: Registration? {
    switch self {
    case .registered(let registration): registration
    case .failed(let failure): failure.registered
    }
  }
}

/// A failure of the store.
package struct StoreError: Error, Hashable, Sendable {
  /// The kinds of failure that callers, or the start of the daemon, treat differently.
  package enum Code: Hashable, Sendable {
    /// No space is left.
    case full
    /// Another process holds the state.
    case inUse
    /// The state is damaged.
    case damaged
    /// The state was written by a newer version.
    case newerVersion
    /// Several starts in a row did not come to an end: a person has to look.
    case startsInterrupted
    /// Any other failure of the disk or the database.
    case failed
  }

  /// The kind of failure.
  package var code: Code
  /// For the log and the operator. Names the file and the error of the database or the system.
  package var message: String

  package init(_ code: Code, message: String) {
    self.code = code
    self.message = message
  }
}

/// Stores results permanently, and jobs until they end.
///
/// The store is this host's own disk and nothing else. State that hosts share goes through a port of its own.
package protocol RegistrationStore: Sendable {
  /// Makes `changes` durable together and then calls `completion`, on a thread of the store. Calls close together in
  /// time share one synchronisation with the disk. They take effect in the order of the calls.
  func commit(_ changes: [StoreChange], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void)

  /// The stored end of a registration; `nil` if there is none. Pending registrations do not count. Blocks on the disk,
  /// so that event loops must not call it.
  ///
  /// - Throws: `StoreError` if the disk or the database fails.
  func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord?

  /// As `record`, for callers that treat a failure as no result. Takes half the time of `record` if there is neither.
  ///
  /// - Throws: `StoreError` if the disk or the database fails.
  func registration(for key: RegistrationKey) throws(StoreError) -> Registration?

  /// All pending registrations in order of arrival. Called once, at start.
  ///
  /// - Throws: `StoreError` if the queue cannot be read.
  func pendingRegistrations() throws(StoreError) -> [PendingRegistration]

  /// A number above the sequence of every registration that was ever queued here. The first registration after a start
  /// gets it. If a number were used twice, a deleted row on a damaged disk could pass for a live one.
  var nextSequence: Int64 { get }

  /// What the host has noted of its fleet, in the order of certificates. Blocks on the disk.
  ///
  /// - Parameters:
  ///   - key: The last key of the page before; `nil`: the first page.
  ///   - limit: The most rows of a page.
  /// - Throws: `StoreError` if the disk or the database fails.
  func fleetNotes(after key: RegistrationKey?, limit: Int) throws(StoreError) -> [(
    key: RegistrationKey, note: FleetNote
  )]

  /// The highest number of a result that the fleet was told, and the highest stamp; 0: none. Blocks on the disk.
  ///
  /// - Throws: `StoreError` if the disk or the database fails.
  func highestFleetNote() throws(StoreError) -> (number: Int64, stamp: Int64)

  /// The keys of results that no fleet was ever told, in the order of certificates. Blocks on the disk.
  ///
  /// - Parameters:
  ///   - key: The last key of the page before; `nil`: the first page.
  ///   - limit: The most keys of a page.
  /// - Throws: `StoreError` if the disk or the database fails.
  func unsharedKeys(after key: RegistrationKey?, limit: Int) throws(StoreError) -> [RegistrationKey]

  /// What the host has noted of one result; `nil`: nothing.
  ///
  /// - Throws: `StoreError` if the disk or the database fails.
  func fleetNote(of key: RegistrationKey) throws(StoreError) -> FleetNote?

  /// The number of stored results, for `status`. May lag behind.
  var registeredCount: Int { get }

  /// Waits for the commits under way, then releases the files.
  func close()
}
