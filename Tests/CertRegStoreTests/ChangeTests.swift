import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegStore

@Suite struct ChangeTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `keeps every field of a queued registration`() async throws {
    var started = Sample.pending(2, size: 40_000)
    started.callStarted = true
    started.attempts = 7
    started.lastError = Sample.error
    started.status = nil
    var empty = Sample.pending(3, target: "other")
    empty.der = []
    let entries = [Sample.pending(1), started, empty]
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit(entries.map { .enqueue($0) })
    #expect(try store.pendingRegistrations() == entries)
    store.close()
    #expect(try SQLiteRegistrationStore(directory).pendingRegistrations() == entries)
  }

  /// How the status of a result changes, or how a registration alone ends.
  enum LaterEnd: CaseIterable {
    case set, inDoubt, registeredAlone
  }

  @Test(
    arguments: [
      ("AttachPolicy", "policy_not_found", true), ("RegisterThing", "queue_expired", true),
      ("UpdateCertificate", "state_conflict", false), ("AttachPolicy", Reason.certificateRevoked, false),
      (nil, "status_differs", false),
    ] as [(String?, Reason, Bool)], LaterEnd.allCases)
  func `a changed status or a plain result leaves the failure of a device, and no failure of a status`(
    failed: (step: String?, reason: Reason, isLeft: Bool), end: LaterEnd
  ) async throws {
    var result = Sample.registration(1)
    var failure = Sample.failure(1)
    failure.error = ServiceError(.resourceNotFound, reason: failed.reason, message: "m", origin: .upstream)
    failure.error.failedStep = failed.step.map {
      FailedStep(operation: $0, certificateID: result.key.certificateID.hex, certificateARN: "arn")
    }
    result.failure = failure
    var update = Sample.failure(1)
    update.statusIsInDoubt = true
    var alone = Sample.registration(1)
    alone.leavesFailure = true
    let status: CertificateStatus? =
      switch end {
      case .set: .inactive
      case .inDoubt: nil
      case .registeredAlone: alone.status
      }
    let change: StoreChange =
      switch end {
      case .inDoubt: .fail(Sample.id(1), update)
      case .registeredAlone: .complete(alone)
      case .set:
        .setStatus(
          Sample.id(1),
          StatusUpdate(
            key: result.key, status: .inactive, certificateARN: nil, requestID: nil, finishedAt: Sample.time(9),
            requester: Requester(uid: 1)))
      }
    let store = try SQLiteRegistrationStore(directory)
    var model = StoreModel()
    for changes in [[.complete(result)], [change]] as [[StoreChange]] {
      try await store.commit(changes)
      for change in changes { model.apply(change) }
    }
    let record = try store.record(for: result.key)
    #expect(record == model.record(for: result.key))
    switch record {
    case .failed(let found): #expect(failed.isLeft && found.error == failure.error)
    case .registered(let found): #expect(!failed.isLeft && found.status == status)
    case nil: Issue.record("the result was lost")
    }
  }

  @Test func `hands pending registrations out in order of arrival, not of insertion`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    for number in [5, 1, 9, 3] { try await store.commit([.enqueue(Sample.pending(number))]) }
    #expect(try store.pendingRegistrations().map(\.sequence) == [1, 3, 5, 9])
  }

  @Test func `notes calls and attempts without forgetting either`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(Sample.pending(1)), .enqueue(Sample.pending(2)), .enqueue(Sample.pending(3))])
    try await store.commit([.noteAttempt(Sample.id(1), attempts: 1, lastError: Sample.error)])
    try await store.commit([.markCallStarted(Sample.id(1)), .markCallStarted(Sample.id(2))])
    try await store.commit([.noteAttempt(Sample.id(2), attempts: 2, lastError: Sample.error)])
    let found = try store.pendingRegistrations()
    #expect(found.map(\.callStarted) == [true, true, false])
    #expect(found.map(\.attempts) == [1, 2, 0])
    #expect(found.map(\.lastError) == [Sample.error, Sample.error, nil])
  }

  @Test(arguments: [RegistrationOutcome.created, .existing], CertificateStatus.allCases.map(Optional.some) + [nil])
  func `keeps every field of a result`(outcome: RegistrationOutcome, status: CertificateStatus?) async throws {
    var registration = Sample.registration(1, outcome: outcome)
    registration.status = status
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(registration)])
    #expect(try store.record(for: registration.key) == .registered(registration))
    #expect(try store.record(for: Sample.key(2)) == nil)
    #expect(try store.record(for: Sample.key(1, target: "other")) == nil)
  }

  @Test(
    arguments: [nil, "0c5c1a3b-5e63-4a3b-9a80-0d0f6e2f1234", "0C5C1A3B-not-a-uuid", ""] as [String?],
    [
      nil, Requester(uid: 0), Requester(uid: 1000, pid: 127, unit: "a.scope"),
      Requester(uid: .max, pid: .max, unit: String(repeating: "ü", count: 127)),
    ] as [Requester?])
  func `keeps who asked beside the upstream's request ID`(requestID: String?, requester: Requester?) async throws {
    var registration = Sample.registration(1)
    registration.requestID = requestID
    registration.requester = requester
    var failure = Sample.failure(2)
    failure.requester = requester
    var pending = Sample.pending(3)
    pending.requester = requester ?? Requester(uid: 7)
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(registration), .fail(failure), .enqueue(pending)])
    store.close()
    let reopened = try SQLiteRegistrationStore(directory)
    // An empty request ID beside a requester is none.
    if requester != nil, requestID == "" { registration.requestID = nil }
    #expect(try reopened.record(for: registration.key) == .registered(registration))
    #expect(try reopened.record(for: failure.key) == .failed(failure))
    #expect(try reopened.pendingRegistrations() == [pending])
  }

  @Test func `reads facts with members and values that it does not know`() {
    let later = """
      {"completedSteps":2,"earlier":{"outcome":"existing","status":"FROZEN","since":7},"thing":{"name":"t"},\
      "registered":{"arn":"a","outcome":"adopted"}}
      """
    #expect(
      RequestRecord.read(later.utf8)?.facts
        == JobFacts(earlier: EarlierResult(outcome: .existing, status: nil), completedSteps: 2))
    #expect(RequestRecord.read([])?.facts == JobFacts())
    #expect(RequestRecord.read([0xff, 0x00]) == nil)
  }

  @Test func `the usual request takes no byte, and one elsewhere keeps where its target points`() {
    var entry = Sample.pending(1)
    #expect(RequestRecord.bytes(entry).isEmpty)
    entry.facts = JobFacts(place: JobHome(location: .aws(region: "eu-west-1"), account: nil))
    #expect(RequestRecord.read(RequestRecord.bytes(entry))?.facts == entry.facts)
  }

  @Test(arguments: [false, true])
  func `a change of the status that failed leaves nothing of a certificate that is not known`(isGone: Bool) async throws
  {
    var failure = FailedRegistration(
      key: Sample.key(1), purpose: .update, error: Sample.error, attempts: 1, finishedAt: Sample.time(1))
    failure.wasGone = isGone
    let (id, other) = (JobID(key: failure.key, sequence: 1), JobID(key: failure.key, sequence: 2))
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.fail(id, failure)])
    #expect(try store.record(for: failure.key) == nil)
    // It takes nothing from a registration that failed, nor from a device that did.
    var earlier = Sample.failure(1)
    try await store.commit([.fail(id, earlier), .fail(other, failure)])
    #expect(try store.record(for: failure.key) == .failed(earlier))
    var registration = Sample.registration(1)
    registration.failure = earlier
    try await store.commit([.complete(id, registration), .fail(other, failure)])
    registration.failure = nil
    earlier.registered = registration
    earlier.deviceID = registration.deviceID
    #expect(try store.record(for: failure.key) == (isGone ? nil : .failed(earlier)))
  }

  @Test func `progress replaces facts, keeps attempts and lets the next call begin, in one change`() async throws {
    var generator = SplitMix64(seed: 5)
    let (first, second) = (Sample.facts(&generator), Sample.facts(&generator))
    var entry = Sample.pending(1)
    entry.facts = first
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(entry), .noteAttempt(entry.id, attempts: 3, lastError: Sample.error)])
    try await store.commit([.markCallStarted(entry.id)])
    #expect(try store.pendingRegistrations().map(\.facts) == [first])
    try await store.commit([.noteProgress(entry.id, second)])
    entry.facts = second
    entry.attempts = 3
    entry.lastError = Sample.error
    #expect(try store.pendingRegistrations() == [entry])
    try await store.commit([.markCallStarted(entry.id)])
    entry.callStarted = true
    #expect(try store.pendingRegistrations() == [entry])
  }

  @Test(arguments: [
    "arn:aws:iot:eu-central-1:123456789012:cert/7d2f", "", "arn:aws-cn:iot:cn-north-1:1:cert/\u{0}ü",
    String(repeating: "0", count: 64),
  ]) func `keeps an ARN of another form as it is`(arn: String) async throws {
    var registration = Sample.registration(1)
    registration.certificateARN = arn
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(registration)])
    #expect(try store.record(for: registration.key) == .registered(registration))
  }

  @Test(arguments: [
    nil, "", "0C5C1A3B-5E63-4A3B-9A80-0D0F6E2F1000", "0c5c1a3b-5e63-4a3b-9a80-0d0f6e2f1000",
    "0c5c1a3b-5e63-4a3b-9a80-0d0f6e2f100", "0c5c1a3b+5e63-4a3b-9a80-0d0f6e2f1000", "not a uuid",
  ]) func `keeps a request ID as it was written`(requestID: String?) async throws {
    var registration = Sample.registration(1)
    registration.requestID = requestID
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(registration)])
    #expect(try store.record(for: registration.key) == .registered(registration))
  }

  @Test func `a result takes its entry from the queue and replaces an earlier result`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(Sample.pending(1)), .markCallStarted(Sample.id(1))])
    try await store.commit([.complete(Sample.registration(1))])
    #expect(try store.pendingRegistrations() == [])
    let later = Sample.registration(1, at: 99, outcome: .existing)
    try await store.commit([.complete(later)])
    #expect(try store.record(for: Sample.key(1)) == .registered(later))
    #expect(store.registeredCount == 1)
  }

  @Test func `a failure is kept until there is a result, and never hides one`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(Sample.pending(1)), .fail(Sample.failure(1))])
    #expect(try store.pendingRegistrations() == [])
    #expect(try store.record(for: Sample.key(1)) == .failed(Sample.failure(1)))
    #expect(store.registeredCount == 0)
    try await store.commit([.complete(Sample.registration(1))])
    try await store.commit([.fail(Sample.failure(1))])
    #expect(try store.record(for: Sample.key(1)) == .registered(Sample.registration(1)))
  }

  @Test func `forgetting removes results and failures of the one target and leaves the queue`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([
      .complete(Sample.registration(1)), .complete(Sample.registration(1, target: "other")), .fail(Sample.failure(2)),
      .enqueue(Sample.pending(1)),
    ])
    try await store.commit([.forget(Sample.key(1)), .forget(Sample.key(2)), .forget(Sample.key(3, target: "unheard"))])
    #expect(try store.record(for: Sample.key(1)) == nil)
    #expect(try store.record(for: Sample.key(2)) == nil)
    #expect(try store.record(for: Sample.key(1, target: "other")) != nil)
    #expect(try store.pendingRegistrations().count == 1)
    #expect(store.registeredCount == 1)
  }

  @Test func `several jobs of a key are queued, and each ends for itself`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    var again = Sample.pending(1)
    again.sequence = 7
    try await store.commit([.enqueue(Sample.pending(1)), .markCallStarted(Sample.id(1))])
    try await store.commit([.enqueue(again)])
    #expect(try store.pendingRegistrations().map(\.sequence) == [1, 7])
    try await store.commit([.complete(Sample.registration(1))])
    #expect(try store.pendingRegistrations() == [again])
  }

  @Test func `a batch that cannot be stored leaves no trace, and its neighbours do not suffer`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(Sample.pending(1))])
    var intruder = Sample.pending(2, target: "never named before")
    intruder.sequence = 1
    let refused: [StoreChange] = [
      .complete(Sample.registration(4)), .complete(Sample.registration(3, target: "also new")), .enqueue(intruder),
    ]
    await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = await #expect(throws: StoreError.self) { try await store.commit(refused) } }
      for number in 10..<30 {
        group.addTask {
          do { try await store.commit([.complete(Sample.registration(number))]) } catch { Issue.record(error) }
        }
      }
    }
    #expect(try store.pendingRegistrations() == [Sample.pending(1)])
    #expect(try store.record(for: Sample.key(4)) == nil)
    #expect(try store.record(for: Sample.key(3, target: "also new")) == nil)
    #expect(store.registeredCount == 20)
    try await store.commit([.complete(Sample.registration(3, target: "also new"))])
    store.close()
    let reopened = try SQLiteRegistrationStore(directory)
    #expect(try reopened.record(for: Sample.key(3, target: "also new")) != nil)
    #expect(reopened.registeredCount == 21)
  }
}
