/// A change to what is kept. Changes of one batch take effect together or not at all.
package enum StoreChange: Hashable, Sendable {
  /// Adds to the queue.
  case enqueue(PendingRegistration)
  /// Notes that a call is about to be made.
  case markCallStarted(RegistrationKey)
  /// Notes that an attempt ended without a result.
  case noteAttempt(RegistrationKey, attempts: Int, lastError: ServiceError)
  /// Notes that a step of the plan ended well and what is known since. The next step's call has not begun.
  case noteProgress(RegistrationKey, JobFacts)
  /// Removes from the queue and keeps the result, replacing an earlier one.
  case complete(Registration)
  /// Removes from the queue and keeps the failure; a result that was there before stays.
  case fail(FailedRegistration)
  /// Removes the result (registered or failed); a queued entry stays.
  case forget(RegistrationKey)
}

/// What is kept under a key.
package enum StoredRecord: Hashable, Sendable {
  case registered(Registration)
  case failed(FailedRegistration)
}

/// A fault of the place where state is kept.
package struct StoreError: Error, Hashable, Sendable {
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

  package var code: Code
  /// For the log and the operator: names the file and the database's or system's own error.
  package var message: String

  package init(_ code: Code, message: String) {
    self.code = code
    self.message = message
  }
}

/// Where registrations are kept: results for good, pending ones until they end.
///
/// The store is this host's own disk and nothing else. What hosts share goes through a port of its own.
package protocol RegistrationStore: Sendable {
  /// Makes `changes` durable together and then calls `completion`, on a thread of the store's own. Calls that come close
  /// together share one synchronisation with the disk and take effect in the order in which they were made.
  func commit(_ changes: [StoreChange], completion: @escaping @Sendable (Result<Void, StoreError>) -> Void)

  /// What is kept under `key`, not counting pending registrations. Blocks for as long as the disk takes: not for event loops.
  func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord?

  /// As `record`, for those to whom a failure is nothing: half the work where nothing is kept.
  func registration(for key: RegistrationKey) throws(StoreError) -> Registration?

  /// All pending registrations in order of arrival. Called once, at start.
  func pendingRegistrations() throws(StoreError) -> [PendingRegistration]

  /// A number above the sequence of every registration that was ever queued here. New ones are numbered from it at start:
  /// a number that is given twice would let a deleted row on a damaged disk pass for a live one.
  var nextSequence: Int64 { get }

  /// How many results are kept, for `status`. May lag behind.
  func registeredCount() throws(StoreError) -> Int

  /// Waits for what was committed, then releases the files.
  func close()
}
