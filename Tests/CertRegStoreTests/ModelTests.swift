import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegStore

@Suite struct ModelTests {
  @Test(arguments: [UInt64.random(in: 1...UInt64.max), 1, 2])
  func `any changes, with restarts and kills in between, leave what the model says`(seed: UInt64) async throws {
    print("store model seed \(seed)")
    var generator = SplitMix64(seed: seed)
    var directory = try TemporaryDirectory()
    let recorder = NoticeRecorder()
    var store = try SQLiteRegistrationStore(directory, recorder)
    var model = StoreModel()
    var sequence = 0
    var queued: [JobID] = []
    for step in 0..<80 {
      var changes: [StoreChange] = []
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        sequence += 1
        changes.append(change(sequence, &queued, &generator))
      }
      try await store.commit(changes)
      for change in changes { model.apply(change) }
      switch Int.random(in: 0..<20, using: &generator) {
      case 0:
        store.close()
        store = try SQLiteRegistrationStore(directory, recorder)
      case 1:
        let left = try directory.copyAsLeftByKill()
        store.close()
        directory = left
        store = try SQLiteRegistrationStore(directory, recorder)
      default: break
      }
      let probe = key(&generator)
      let known = model.record(for: probe)
      #expect(try store.record(for: probe) == known, "seed \(seed), step \(step)")
      #expect(try store.registration(for: probe) == known?.registration, "seed \(seed), step \(step)")
    }
    #expect(try store.pendingRegistrations() == model.pendingRegistrations, "seed \(seed)")
    let left = try directory.copyAsLeftByKill()
    #expect(
      try SQLiteRegistrationStore(left, recorder).pendingRegistrations() == store.pendingRegistrations(),
      "seed \(seed): after a kill")
    for number in 0..<12 {
      for target in ["a", "b"] {
        let key = Sample.key(number, target: target)
        #expect(try store.record(for: key) == model.record(for: key), "seed \(seed)")
        #expect(try store.fleetNote(of: key) == model.notes[key], "seed \(seed)")
      }
    }
    let notes = try store.fleetNotes(after: nil, limit: 100).map { ($0.key, $0.note) }
    #expect(Dictionary(uniqueKeysWithValues: notes) == model.notes, "seed \(seed)")
    #expect(try store.highestFleetNote().stamp == model.notes.values.map(\.stamp).max() ?? 0, "seed \(seed)")
    #expect(try store.highestFleetNote().number == model.notes.values.map(\.number).max() ?? 0, "seed \(seed)")
    let unshared = Set(model.results.keys).subtracting(model.notes.keys)
    #expect(Set(try store.unsharedKeys(after: nil, limit: 100)) == unshared, "seed \(seed)")
    #expect(store.registeredCount == model.results.count, "seed \(seed)")
    #expect(recorder.notices == [], "seed \(seed)")
  }

  private func key(_ generator: inout SplitMix64) -> RegistrationKey {
    Sample.key(Int.random(in: 0..<12, using: &generator), target: Bool.random(using: &generator) ? "a" : "b")
  }

  private func name(_ generator: inout SplitMix64) -> DeviceID? {
    DeviceID("pump \(Int.random(in: 0..<4, using: &generator))").flatMap { Bool.random(using: &generator) ? $0 : nil }
  }

  private func change(_ sequence: Int, _ queued: inout [JobID], _ generator: inout SplitMix64) -> StoreChange {
    let key = key(&generator)
    // A job that was queued and may have ended.
    let id = queued.suffix(12).randomElement(using: &generator) ?? JobID(key: key, sequence: 1_000_000)
    switch Int.random(in: 0..<19, using: &generator) {
    case 0...2:
      var entry = Sample.pending(sequence, size: Int.random(in: 0...6000, using: &generator))
      entry.key = key
      entry.purpose = [.register, .registerAndSet, .update].randomElement(using: &generator) ?? .register
      if Bool.random(using: &generator) { entry.facts = Sample.facts(&generator) }
      if Bool.random(using: &generator) { entry.provisioning = Sample.provisioning(sequence) }
      entry.deviceID = name(&generator)
      queued.append(entry.id)
      return .enqueue(entry)
    case 3, 4: return .markCallStarted(id)
    case 5: return .noteAttempt(id, attempts: Int.random(in: 0...9, using: &generator), lastError: Sample.error)
    case 6, 7, 11:
      var registration = Sample.registration(sequence)
      registration.key = Bool.random(using: &generator) ? id.key : key
      registration.deviceID = name(&generator)
      registration.deviceTag = registration.deviceID?.tag ?? .none
      if Bool.random(using: &generator) { registration.provisioned = Sample.provisioned(sequence) }
      if oneInFour(&generator) {
        let policies = Array(["a", "b"].prefix(sequence % 3))
        registration.asked = AskedFor(status: .active, thingName: "d", policies: policies)
      }
      if Bool.random(using: &generator) { registration.requester = Requester(uid: UInt32(sequence)) }
      if Bool.random(using: &generator) { registration.failure = Sample.failure(sequence) }
      return oneInFour(&generator) ? .keep(registration, nil) : .complete(id, registration)
    case 8:
      var failure = Sample.failure(sequence)
      if Bool.random(using: &generator) { failure.purpose = .update }
      failure.key = Bool.random(using: &generator) ? id.key : key
      failure.deviceID = name(&generator)
      if Bool.random(using: &generator) { failure.error.kind = .resourceNotFound }
      failure.statusIsInDoubt = Bool.random(using: &generator)
      return .fail(id, failure)
    case 9, 10: return .noteProgress(id, Sample.facts(&generator))
    case 12, 13: return (name(&generator) ?? Sample.deviceID).map { .nameDevice(key, $0) } ?? .forget(key)
    case 14:
      return .setStatus(
        id,
        StatusUpdate(
          key: Bool.random(using: &generator) ? id.key : key,
          status: [.active, .inactive, .revoked].randomElement(using: &generator) ?? .active, certificateARN: nil,
          requestID: nil, finishedAt: Sample.time(sequence), requester: Requester(uid: 5)))
    case 15: return .doubtStatus(key, nil, at: Sample.time(sequence))
    case 16, 18:
      let note = FleetNote(
        stamp: Int64.random(in: 0..<9, using: &generator), isForgotten: Bool.random(using: &generator),
        number: Int64.random(in: -1..<3, using: &generator))
      return .share(key, note)
    default: return .forget(key)
    }
  }

  private func oneInFour(_ generator: inout SplitMix64) -> Bool { Int.random(in: 0..<4, using: &generator) == 0 }
}
