import CertRegClock
import CertRegCore
import Foundation
import Testing

@testable import CertRegStore

/// What makes devices, and what was made of them, on disk.
@Suite struct ProvisioningTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func connection() throws -> Connection { try Connection(path: directory.file("certregd.db")) }

  @Test func `keeps what makes the device of a queued registration, and what its steps brought about`() async throws {
    var entries = (1...12).map { Sample.pendingDevice($0) }
    var store = try SQLiteRegistrationStore(directory)
    try await store.commit(entries.map { .enqueue($0) })
    #expect(try store.pendingRegistrations() == entries)
    for index in entries.indices {
      entries[index].facts = JobFacts(
        completedSteps: index,
        registered: RegisteredCertificate(
          certificateARN: Sample.prefix, outcome: .created, status: .inactive, requestID: nil,
          provisioned: Sample.provisioned(index)))
      try await store.commit([.noteProgress(entries[index].id, entries[index].facts)])
    }
    store.close()
    store = try SQLiteRegistrationStore(directory)
    #expect(try store.pendingRegistrations() == entries)
  }

  @Test(
    arguments: [nil, "0c5c1a3b-5e63-4a3b-9a80-0d0f6e2f1234", "no UUID", "\u{0}", "a\u{0}{}\u{0}b"] as [String?],
    [nil, Requester(uid: 0), Requester(uid: .max, pid: 127, unit: "ü.scope")] as [Requester?])
  func `keeps the profile that was applied, or a part of it, beside every request`(
    requestID: String?, requester: Requester?
  ) async throws {
    var registrations = (1...30).map { Sample.device($0) } + [Sample.registration(31)]
    for index in registrations.indices {
      registrations[index].requestID = requestID
      registrations[index].requester = requester
    }
    var store = try SQLiteRegistrationStore(directory)
    try await store.commit(registrations.map { .complete($0) })
    for registration in registrations { #expect(try store.record(for: registration.key) == .registered(registration)) }
    store.close()
    store = try SQLiteRegistrationStore(directory)
    for registration in registrations { #expect(try store.registration(for: registration.key) == registration) }
  }

  @Test func `what was asked for stays until a job settles it`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    func asked() throws -> AskedFor? { try store.registration(for: Sample.key(1))?.asked }
    var corrected = Sample.registration(1)
    corrected.noteAsked(found: .inactive, hasDevice: true)
    corrected.status = .inactive
    #expect(corrected.asked == AskedFor(status: .active))
    for (profile, requester) in [(nil, nil), (Sample.provisioned(1), nil), (nil, Requester(uid: 5))] {
      var kept = corrected
      (kept.provisioned, kept.requester) = (profile, requester)
      try await store.commit([.keep(kept, nil)])
      #expect(try store.record(for: kept.key) == .registered(kept))
    }
    corrected.asked?.policies = ["a"]
    var again = corrected
    again.asked = nil
    var device = again
    device.provisioned = Sample.provisioned(1)
    device.provisioned?.completedSteps = nil
    var failed = device
    failed.failure = Sample.failure(1)
    var set = again
    set.status = .revoked
    let update = StatusUpdate(
      key: again.key, status: .inactive, certificateARN: nil, requestID: nil, finishedAt: Sample.time(9),
      requester: Requester(uid: 5))
    for (change, left) in [
      (.complete(again), AskedFor(status: .active, policies: ["a"])),
      (.complete(failed), AskedFor(status: .active, policies: ["a"])),
      (.complete(device), AskedFor(status: .active)), (.complete(set), AskedFor(policies: ["a"])),
      (.setStatus(Sample.id(1), update), AskedFor(policies: ["a"])), (.keep(again, nil), nil),
    ] as [(StoreChange, AskedFor?)] {
      try await store.commit([.keep(corrected, nil), change])
      #expect(try asked() == left)
    }
    let reopened = DeviceRecord(text: try #require(DeviceRecord(corrected)).text)
    #expect(reopened == DeviceRecord(corrected) && DeviceRecord(again) == nil)
  }

  @Test func `a new result replaces the profile or takes it away, and a change of the status leaves it`() async throws {
    let device = Sample.device(1)
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(device)])
    let update = StatusUpdate(
      key: device.key, status: .revoked, certificateARN: nil, requestID: nil, finishedAt: Sample.time(9),
      requester: Requester(uid: 5))
    try await store.commit([.setStatus(Sample.id(1), update)])
    #expect(try store.registration(for: device.key) == update.applied(to: device))
    var doubtful = Sample.failure(1)
    doubtful.statusIsInDoubt = true
    try await store.commit([.fail(doubtful)])
    #expect(try store.registration(for: device.key)?.provisioned == device.provisioned)
    var other = device
    other.provisioned = Sample.provisioned(30)
    for registration in [other, Sample.registration(1), device, Sample.registration(1), other] {
      try await store.commit([.keep(registration, nil)])
      #expect(try store.record(for: device.key) == .registered(registration))
      try await store.commit([.complete(device), .complete(registration)])
      #expect(try store.record(for: device.key) == .registered(registration))
    }
    try await store.commit([.forget(device.key)])
    #expect(try store.record(for: device.key) == nil)
    var gone = Sample.failure(1)
    gone.error.reason = .certificateNotFound
    try #require(gone.isGone)
    try await store.commit([.complete(device), .fail(gone)])
    #expect(try store.record(for: device.key) == .failed(gone))
    try await store.commit([.complete(Sample.registration(1))])
    #expect(try store.record(for: device.key) == .registered(Sample.registration(1)))
  }

  @Test func `the failure of a later step is kept beside the result, and goes with it`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    var device = Sample.device(1)
    device.failure = Sample.failure(2)
    var beside = Sample.failure(1)
    (beside.finishedAt, beside.registered) = (Sample.time(2), Sample.device(1))
    try await store.commit([.complete(Sample.id(1), device)])
    #expect(try store.record(for: device.key) == .failed(beside))
    #expect(try store.registration(for: device.key) == Sample.device(1))
    // An update that fails says nothing about the device.
    try await store.commit([.fail(Sample.failure(1))])
    #expect(try store.record(for: device.key) == .registered(Sample.device(1)))
    try await store.commit([.complete(Sample.id(1), device), .complete(Sample.device(1))])
    #expect(try store.record(for: device.key) == .registered(Sample.device(1)))
    try await store.commit([.complete(Sample.id(1), device), .forget(device.key)])
    #expect(try store.record(for: device.key) == nil)
  }

  @Test func `a record for other hosts says what the caller has named`() throws {
    for number in 0..<6 {
      let entry = Sample.pendingDevice(number)
      let read = try #require(PendingRegistration(record: entry.record, key: entry.key, sequence: 1))
      #expect(read.namedStatus == entry.namedStatus && read.overridesStatus == entry.overridesStatus)
      #expect(read.provisioning == entry.provisioning)
    }
  }

  @Test func `progress does not write a template again`() async throws {
    let entry = Sample.pendingDevice(2)
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(entry)])
    let facts = JobFacts(
      completedSteps: 2,
      registered: RegisteredCertificate(
        certificateARN: Sample.prefix, outcome: .created, status: .active, requestID: "r",
        provisioned: Sample.provisioned(1)))
    try await store.commit([.noteProgress(entry.id, facts)])
    store.close()
    #expect(try connection().integer("SELECT length(requester) FROM queue") ?? 0 > 10_000)
    #expect(try connection().integer("SELECT length(last_error) FROM attempt") ?? .max < 1000)
  }

  // MARK: The price of a registration without a profile

  @Test func `a registration without a profile takes no byte for it`() async throws {
    var registration = Sample.registration(1)
    registration.requester = Requester(uid: 0)
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(registration), .enqueue(Sample.pending(2))])
    store.close()
    // The request ID and three bytes of the requester; seven bytes of a requester with a large number.
    #expect(try connection().integer("SELECT length(request) FROM result") == 19)
    #expect(try connection().integer("SELECT length(requester) FROM queue") == 7)
  }

  /// How many rows a job changes from its beginning to its end.
  private func changedRows(_ entry: PendingRegistration, _ registration: Registration) throws -> Int64? {
    let directory = try TemporaryDirectory()
    defer { withExtendedLifetime(directory) {} }
    let writer = try StoreOpening(
      directory: StateDirectory(path: directory.path), clock: .system, onProgress: { _ in }, onNotice: { _ in }
    ).open().writer
    for change in [StoreChange.enqueue(entry), .markCallStarted(entry.id), .complete(entry.id, registration)] {
      try writer.transaction { () throws(DatabaseFault) in try writer.apply(change) }
    }
    return try writer.connection.integer("SELECT total_changes()")
  }

  @Test func `a profile changes no other rows than a registration without one`() throws {
    let plain = try changedRows(Sample.pending(1), Sample.registration(1))
    #expect(try plain == changedRows(Sample.pendingDevice(1), Sample.device(1)))
  }

  // MARK: What cannot be read

  static let unreadable = [
    "x", "7", #"{"provisioning":null}"#, #"{"provisioning":{"profile":"p","policies":[]}}"#,
    #"{"provisioning":{"profile":"p","tag":"xyz","policies":[]}}"#,
    #"{"provisioning":{"profile":"p","tag":"0","policies":[]}}"#,
    #"{"provisioning":{"profile":"p","tag":"10000000000000000","policies":[]}}"#,
    #"{"provisioning":{"profile":"p","tag":1,"policies":[]}}"#,
    #"{"provisioning":{"profile":"p","tag":"1","policies":["a",1]}}"#,
    #"{"provisioning":{"profile":"p","tag":"1","policies":[],"activatesLast":1}}"#,
    #"{"provisioning":{"profile":"p","tag":"1","policies":[],"thing":{"name":"t","groups":[]}}}"#,
    #"{"provisioning":{"profile":"p","tag":"1","policies":[],"thing":{"attributes":{},"name":"t","groups":[],"type":1}}}"#,
    #"{"provisioning":{"profile":"p","tag":"1","template":"{}","parameters":{"a":1}}}"#,
  ]

  /// Puts a row into the queue whose checksum holds.
  private func enqueue(_ entry: PendingRegistration, record: String) throws {
    let connection = try connection()
    var row = RowWriter(try connection.prepare("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"), .queue)
    row.put(entry.sequence)
    row.put(entry.key.certificateID)
    row.put(entry.key.target.rawValue)
    row.put(entry.status.map { Int64($0.code) })
    row.put(entry.enqueuedAt.millisecondsSinceEpoch)
    var requester: [UInt8] = []
    RequesterBytes.append(entry.requester, to: &requester)
    row.put(copying: requester + record.utf8)
    row.put(entry.basis.notBefore.millisecondsSinceEpoch)
    row.put(entry.basis.notAfter.millisecondsSinceEpoch)
    row.put(entry.basis.policyFingerprint)
    row.put(copying: entry.der)
    try row.run()
    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  @Test(arguments: unreadable)
  func `a queued registration whose device cannot be read is set aside, and not merely registered`(
    record: String
  ) async throws {
    let first = try SQLiteRegistrationStore(directory)
    try await first.commit([.enqueue(Sample.pendingDevice(1))])
    first.close()
    try enqueue(Sample.pending(2), record: record)
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    #expect(recorder.kinds == [.commitsMissing, .setAside])
    #expect(try store.pendingRegistrations() == [Sample.pendingDevice(1)])
    let lines = try String(contentsOfFile: directory.file("certregd.damaged-rows"), encoding: .utf8)
    #expect(lines.hasPrefix("queue: 2"))
  }

  @Test func `a rebuild counts a queued registration whose device cannot be read as damaged`() async throws {
    let first = try SQLiteRegistrationStore(directory)
    try await first.commit([.enqueue(Sample.pendingDevice(2)), .complete(Sample.device(30))])
    first.close()
    try enqueue(Sample.pending(3), record: #"{"provisioning":{}}"#)
    try Damage.zeroed(0..<100).apply(to: directory.file("certregd.db"))
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    let said = recorder.notices.filter { $0.kind == .salvaged }.map(\.message)
    #expect(said.contains { $0.hasSuffix("1 queued registrations; 1 rows were found damaged") }, "\(said)")
    var entry = Sample.pendingDevice(2)
    entry.callStarted = true
    #expect(try store.pendingRegistrations() == [entry])
    #expect(try store.record(for: Sample.key(30)) == .registered(Sample.device(30)))
  }

  @Test(arguments: [
    "", "{", "{}", #"{"profile":"p","tag":"0","policies":[],"groups":[]}"#,
    #"{"profile":"p","tag":"1","groups":[]}"#, #"{"profile":"p","tag":"1","policies":[],"groups":[],"thing":7}"#,
    #"{"profile":"p","tag":"1","policies":[],"groups":[],"completedSteps":"1"}"#,
    #"{"profile":"p","tag":"1","policies":[],"groups":[],"completedSteps":-1}"#,
    #"{"profile":"p","tag":"1","policies":[],"groups":[],"completedSteps":1.5}"#,
  ])
  func `a result stays known when its profile cannot be read, which counts as none`(profile: String) async throws {
    var registration = Sample.registration(1)
    registration.requester = Requester(uid: 7)
    let first = try SQLiteRegistrationStore(directory)
    try await first.commit([.complete(registration)])
    first.close()
    try replace(registration, profile: profile)
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    #expect(try store.record(for: registration.key) == .registered(registration))
    #expect(recorder.notices == [])
  }

  /// Puts a row in the place of the one result whose checksum holds.
  private func replace(_ registration: Registration, profile: String) throws {
    let connection = try connection()
    let target = try #require(try connection.integer("SELECT target FROM result"))
    var row = RowWriter(
      try connection.prepare("INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"), .result)
    row.put(registration.key.certificateID)
    row.put(target)
    row.put(Int64?.none)
    row.put(registration.certificateARN)
    row.put(try #require(try connection.integer("SELECT ending FROM result")))
    var request = try #require(UUIDText.bytes(registration.requestID ?? ""))
    RequesterBytes.append(Requester(uid: 7), to: &request)
    row.put(copying: request + [0] + profile.utf8)
    row.put(registration.finishedAt.millisecondsSinceEpoch)
    row.put(registration.basis.notBefore.millisecondsSinceEpoch)
    row.put(registration.basis.notAfter.millisecondsSinceEpoch)
    row.put(registration.basis.policyFingerprint)
    try row.run()
    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  @Test func `members that a profile did not have are skipped`() {
    let later = #"""
      {"new":1,"provisioning":{"profile":"p","tag":"ffffffffffffffff","policies":["a"],"jobs":[1],\#
      "thing":{"name":"t","attributes":{"a":"b"},"groups":[],"shadow":{}}}}
      """#
    let thing = DeviceParts.Thing(
      name: "t", type: nil, attributes: [NamedText("a", "b")], groups: [], isExclusive: false)
    #expect(
      RequestRecord.read(later.utf8)?.provisioning
        == Provisioning(
          profile: "p", tag: ProvisioningTag(rawValue: .max),
          work: .parts(DeviceParts(thing: thing, policies: ["a"], activatesLast: false))))
  }
}
