/// A change of the stored state. Changes of one batch take effect together or not at all.
package enum StoreChange: Hashable, Sendable {
  /// Adds a registration to the queue.
  case enqueue(PendingRegistration)
  /// Records that a call is about to be made.
  case markCallStarted(RegistrationKey)
  /// Records that an attempt ended without a result.
  case noteAttempt(RegistrationKey, attempts: Int, lastError: ServiceError)
  /// Records that a step of the plan succeeded, and the facts it established. The next step's call has not begun.
  case noteProgress(RegistrationKey, JobFacts)
  /// Removes the registration from the queue and stores its result in place of an earlier one.
  case complete(Registration)
  /// Removes the registration from the queue and stores its failure; an earlier result stays.
  case fail(FailedRegistration)
  /// Keeps another name for the device of a registration, queued or finished.
  case nameDevice(RegistrationKey, DeviceID)
  /// Removes the registration from the queue and stores nothing under its key: a change beside this one stores the end under
  /// another key.
  case dequeue(RegistrationKey)
  /// Removes the result (registered or failed); a queued entry stays.
  case forget(RegistrationKey)
}

/// The stored end of a registration.
package enum StoredRecord: Hashable, Sendable {
  case registered(Registration)
  case failed(FailedRegistration)
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

/// Stores results permanently, and pending registrations until they end.
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

  /// The number of stored results, for `status`. May lag behind.
  ///
  /// - Throws: `StoreError` if the disk or the database fails.
  func registeredCount() throws(StoreError) -> Int

  /// Waits for the commits under way, then releases the files.
  func close()
}
