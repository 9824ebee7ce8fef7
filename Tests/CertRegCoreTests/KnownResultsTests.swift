import CertRegCore
import CertRegTesting
import Testing

/// Results in memory and on disk, and whether they may be answered.
@Suite struct KnownResultsTests {
  private static let second = 1_800_000_000 as Int64
  private let key = RegistrationKey(
    certificateID: CertificateID(words: (1, 2, 3, 4)), target: TargetName("default"))
  private let store = MemoryStore()
  private let rules = AnswerRules(policyFingerprint: 7, rejectsNotYetValid: true, rejectsExpired: true)

  /// A result that ended at `second`, of a certificate that is valid for 1,000 seconds before and after it.
  private func registration(fingerprint: Int64 = 7) -> Registration {
    Registration(
      key: key, certificateARN: "arn:aws:iot:r:1:cert/" + key.certificateID.hex, outcome: .created, status: .active,
      requestID: nil, finishedAt: WallTime(secondsSinceEpoch: Self.second),
      basis: VerdictBasis(
        notBefore: WallTime(secondsSinceEpoch: Self.second - 1000),
        notAfter: WallTime(secondsSinceEpoch: Self.second + 1000), policyFingerprint: fingerprint))
  }

  private func results(timeToLive: Duration? = nil, _ known: Registration? = nil) -> KnownResults {
    if let known { store.commit([.keep(known, nil)]) { _ in } }
    return KnownResults(memory: ResultCache(maxEntries: 10), store: store, timeToLive: timeToLive)
  }

  private func wish(
    _ status: CertificateStatus? = nil, ifExists: IfExists = .return, refresh: Bool = false
  ) -> KnownResults.Wish {
    KnownResults.Wish(namedStatus: status, ifExists: ifExists, refresh: refresh)
  }

  private func later(_ seconds: Int64) -> WallTime { WallTime(secondsSinceEpoch: Self.second + seconds) }

  private static let earlier = EarlierResult(outcome: .created, status: .active)

  @Test func `targets without a number of their own share no answers`() {
    let memory = ResultCache(maxEntries: 10)
    let numbers = (0..<65_535).map { memory.number(of: TargetName("target-\($0)")) }
    #expect(Set(numbers).count == 65_535)
    for name in ["late", "later"] {
      #expect(memory.number(of: TargetName(name)) == memory.number(of: TargetName("late")))
    }
    #expect(!numbers.contains(memory.number(of: TargetName("late"))))
    var registration = registration()
    registration.key.target = TargetName("late")
    memory.keep(registration, replaces: true)
    #expect(memory.count == 0)
    #expect(memory.known(key.certificateID, target: memory.number(of: TargetName("later"))) == nil)
  }

  @Test func `nothing known is nothing known`() throws {
    #expect(try results().decide(wish(), on: key, under: rules, now: later(1)) == .ask(earlier: nil))
  }

  @Test func `a result on disk is answered, and from memory afterwards`() throws {
    let results = results(registration())
    let number = results.memory.number(of: key.target)
    #expect(results.answerable(key.certificateID, target: number, under: rules, now: later(1)) == nil)
    #expect(try results.decide(wish(), on: key, under: rules, now: later(1)) == .answer(registration()))
    let answerable = try #require(
      results.answerable(key.certificateID, target: number, under: rules, now: later(1)))
    #expect(
      answerable.window == AnswerWindow(from: UInt32(Self.second) - 1000, until: UInt32(Self.second) + 1001))
  }

  @Test(arguments: [(-1001, false), (-1000, true), (0, true), (1000, true), (1001, false)] as [(Int64, Bool)])
  func `the validity includes both its ends`(_ seconds: Int64, _ isAnswered: Bool) throws {
    let decision = try results(registration()).decide(wish(), on: key, under: rules, now: later(seconds))
    #expect(decision == (isAnswered ? .answer(registration()) : .ask(earlier: Self.earlier)))
  }

  /// Somebody else may have set another status meanwhile.
  @Test func `a request that sets the status believes none past its time to live`() throws {
    let results = results(timeToLive: .seconds(100), registration())
    let wish = wish(.active, ifExists: .update)
    #expect(try results.decide(wish, on: key, under: rules, now: later(99)) == .answer(registration()))
    #expect(
      try results.decide(wish, on: key, under: rules, now: later(100))
        == .ask(earlier: EarlierResult(outcome: .created, status: nil)))
  }

  @Test func `a result past its time to live is not answered, and its status is still known`() throws {
    let results = results(timeToLive: .seconds(100), registration())
    #expect(try results.decide(wish(), on: key, under: rules, now: later(99)) == .answer(registration()))
    for _ in 0..<2 {
      #expect(
        try results.decide(wish(.inactive), on: key, under: rules, now: later(100)) == .ask(earlier: Self.earlier))
    }
    #expect(
      results.decideAfterVerdict(wish(.inactive), on: key, basis: registration().basis, now: later(100))
        == .ask(earlier: Self.earlier))
  }

  @Test func `a refresh asks the upstream in any case, also if the disk fails`() throws {
    let results = results(registration())
    #expect(
      try results.decide(wish(refresh: true), on: key, under: rules, now: later(1)) == .ask(earlier: Self.earlier))
    store.setFault(StoreError(.failed, message: "I/O error"))
    let other = RegistrationKey(certificateID: CertificateID(words: (9, 9, 9, 9)), target: key.target)
    #expect(try results.decide(wish(refresh: true), on: other, under: rules, now: later(1)) == .ask(earlier: nil))
    #expect(throws: StoreError.self) { try results.decide(wish(), on: other, under: rules, now: later(1)) }
  }

  @Test func `a result that was judged under other policies needs a verdict, and is answered with it`() throws {
    let results = results(registration(fingerprint: 8))
    let number = results.memory.number(of: key.target)
    #expect(try results.decide(wish(), on: key, under: rules, now: later(1)) == .ask(earlier: Self.earlier))
    #expect(results.answerable(key.certificateID, target: number, under: rules, now: later(1)) == nil)
    #expect(
      results.decideAfterVerdict(wish(), on: key, basis: registration().basis, now: later(1))
        == .answer(registration(fingerprint: 8)))
    #expect(results.answerable(key.certificateID, target: number, under: rules, now: later(1)) != nil)
  }

  @Test func `refuses another status than the known one, and an existing certificate with ifExists error`() throws {
    let results = results(registration())
    let differs = ServiceError.statusDiffers(registration(), known: .active, named: .inactive)
    #expect(try results.decide(wish(.inactive), on: key, under: rules, now: later(1)) == .refuse(differs))
    #expect(
      try results.decide(wish(ifExists: .error), on: key, under: rules, now: later(1))
        == .refuse(.alreadyExists(registration())))
  }

  @Test func `a forgotten result is not known`() throws {
    let results = results(registration())
    _ = try results.decide(wish(), on: key, under: rules, now: later(1))
    store.commit([.forget(key)]) { _ in }
    results.memory.forget(key)
    #expect(try results.decide(wish(), on: key, under: rules, now: later(1)) == .ask(earlier: nil))
  }
}
