import CertRegCore
import CertRegTesting
import Synchronization
import Testing

/// A target whose upstream becomes another one: which results are answered, and which are kept.
@Suite struct TargetHomesTests {
  private static let now = WallTime(secondsSinceEpoch: 1_800_000_000)
  private static let europe = UpstreamLocation.aws(region: "eu-central-1")
  private static let america = UpstreamLocation.aws(region: "us-east-1")
  private static let standIn = UpstreamLocation.endpoint("http://localhost:8080", region: "eu-central-1")
  private static let sandbox = UpstreamLocation.embedded(region: "eu-central-1")
  private let target = TargetName("default")
  private let store = MemoryStore()
  private let rules = AnswerRules(policyFingerprint: 7, rejectsNotYetValid: true, rejectsExpired: true)
  private let wish = KnownResults.Wish(namedStatus: nil, ifExists: .return, refresh: false)

  private final class Notes: Sendable {
    let all = Mutex<[TargetHomes.Note]>([])
  }

  private let notes = Notes()

  private func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: target)
  }

  private func registration(_ number: UInt64, region: String = "eu-central-1", account: String) -> Registration {
    Registration(
      key: key(number), certificateARN: "arn:aws:iot:\(region):\(account):cert/" + key(number).certificateID.hex,
      outcome: .created, status: .active, requestID: nil, finishedAt: Self.now,
      basis: VerdictBasis(
        notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 4_000_000_000),
        policyFingerprint: 7))
  }

  /// A process that starts with what earlier ones left on disk.
  private func start(at location: UpstreamLocation) -> KnownResults {
    let known = KnownResults(
      memory: ResultCache(maxEntries: 100), store: store, timeToLive: nil,
      homes: TargetHomes(notes.all.withLock { $0 })
    ) { [notes] new in notes.all.withLock { $0 += new } }
    known.point([target: location])
    return known
  }

  /// A registration ends: it is learnt from, kept on disk, and kept in memory.
  private func end(
    _ registration: Registration, at location: UpstreamLocation, signedBy signer: String? = nil, in known: KnownResults
  ) {
    let place = known.learn(
      arn: registration.certificateARN ?? "", of: target, at: location, signedBy: signer)
    let home = known.home(of: target, at: place)
    var stored = registration
    stored.key = home.storedKey(registration.key.certificateID)
    store.commit([.keep(stored, nil)]) { _ in }
    known.memory.keep(registration, in: home, replaces: true)
  }

  /// The account whose ARN a repeat is answered with; `nil`: the upstream is asked, as if nothing were known.
  private func account(_ number: UInt64, in known: KnownResults) throws -> Substring? {
    let fast = known.answerable(
      key(number).certificateID, target: known.memory.number(of: target), under: rules, now: Self.now)
    switch try known.decide(wish, on: key(number), under: rules, now: Self.now) {
    case .answer(let registration):
      #expect(fast == nil || registration.certificateARN?.hasPrefix(fast?.known.arnPrefix ?? "") == true)
      #expect(try known.record(for: key(number)) == .registered(registration))
      #expect(registration.key == key(number))
      return registration.certificateARN?.split(separator: ":")[4]
    case .ask(let earlier):
      #expect(earlier == nil && fast == nil)
      #expect(try known.record(for: key(number)) == nil)
      return nil
    case .refuse, .goOn, .answerAfterNaming: return "refused"
    }
  }

  @Test(arguments: [america, standIn, sandbox])
  func `results of another region or endpoint are not answered, and are again when the target points back`(
    other: UpstreamLocation
  ) throws {
    let known = start(at: Self.europe)
    end(registration(1, account: "111"), at: Self.europe, in: known)
    #expect(try account(1, in: known) == "111")
    let epoch = known.memory.epochs.current(key(1).certificateID)
    known.point([target: other])
    #expect(known.memory.epochs.current(key(1).certificateID) != epoch)
    #expect(try account(1, in: known) == nil)
    // The same account and region as far as the ARN tells.
    end(registration(1, account: "111"), at: other, in: known)
    end(registration(2, account: "111"), at: other, in: known)
    #expect(try account(2, in: known) == "111")

    let restarted = start(at: Self.europe)
    #expect(try account(1, in: restarted) == "111" && account(2, in: restarted) == nil)
    restarted.point([target: other])
    #expect(try account(1, in: restarted) == "111" && account(2, in: restarted) == "111")
    let again = start(at: other)
    #expect(try account(2, in: again) == "111")
  }

  @Test func `the first ARN of another account ends the answers with the earlier one's, also after a restart`() throws {
    let known = start(at: Self.europe)
    end(registration(1, account: "111"), at: Self.europe, in: known)
    end(registration(2, account: "111"), at: Self.europe, in: known)
    let epoch = known.memory.epochs.current(key(1).certificateID)
    _ = known.learn(arn: registration(2, account: "222").certificateARN ?? "", of: target, at: Self.europe)
    #expect(known.memory.epochs.current(key(1).certificateID) != epoch)
    #expect(try account(1, in: known) == nil)
    end(registration(2, account: "222"), at: Self.europe, in: known)
    #expect(try account(2, in: known) == "222")

    let restarted = start(at: Self.europe)
    #expect(try account(1, in: restarted) == nil && account(2, in: restarted) == "222")
    end(registration(3, account: "111"), at: Self.europe, in: restarted)
    #expect(try account(1, in: restarted) == "111" && account(2, in: restarted) == "111")
  }

  @Test func `credentials of another account end the answers at once, until an ARN tells the account`() throws {
    let known = start(at: Self.europe)
    known.sign(target, at: Self.europe, by: "a")
    end(registration(1, account: "111"), at: Self.europe, in: known)
    known.sign(target, at: Self.europe, by: "a")
    #expect(try account(1, in: known) == "111")
    // A process that has only begun, and one whose file is written anew.
    for homes in [TargetHomes(notes.all.withLock { $0 }).notes, notes.all.withLock { $0 }] {
      notes.all.withLock { $0 = homes }
      let restarted = start(at: Self.europe)
      #expect(try account(1, in: restarted) == "111")
      restarted.sign(target, at: Self.europe, by: "b")
      #expect(try account(1, in: restarted) == nil)
      notes.all.withLock { $0 = TargetHomes($0).notes }
      let again = start(at: Self.europe)
      again.sign(target, at: Self.europe, by: "b")
      #expect(try account(1, in: again) == nil)
      // Steps under way go on: nothing says that the account is another one. A status is not set on a guess.
      let place = JobHome(location: Self.europe, account: AccountPrefix(rawValue: "arn:aws:iot:eu-central-1:111:"))
      #expect(again.isPresent(place, of: target) && !again.isPresent(place, of: target, setsStatus: true))
      end(registration(2, account: "222"), at: Self.europe, in: again)
      #expect(try account(1, in: again) == nil && account(2, in: again) == "222")
      again.sign(target, at: Self.europe, by: "a")
      #expect(try account(2, in: again) == nil)
      end(registration(3, account: "111"), at: Self.europe, in: again)
      #expect(try account(1, in: again) == "111" && account(2, in: again) == nil)
    }
  }

  @Test func `a reply to a call that earlier keys signed says nothing about the present account`() throws {
    let known = start(at: Self.europe)
    known.sign(target, at: Self.europe, by: "a")
    end(registration(1, account: "111"), at: Self.europe, signedBy: "a", in: known)
    known.sign(target, at: Self.europe, by: "b")
    // The call was under way when the keys changed.
    end(registration(2, account: "111"), at: Self.europe, signedBy: "a", in: known)
    #expect(known.home(of: target).account == nil)
    #expect(try account(1, in: known) == nil && account(2, in: known) == nil)
    end(registration(3, account: "222"), at: Self.europe, signedBy: "b", in: known)
    end(registration(4, account: "111"), at: Self.europe, signedBy: "a", in: known)
    #expect(try account(3, in: known) == "222" && account(4, in: known) == nil)
    let restarted = start(at: Self.europe)
    #expect(try account(3, in: restarted) == "222" && account(4, in: restarted) == nil)
    // The results are the earlier account's all the same.
    restarted.sign(target, at: Self.europe, by: "a")
    end(registration(5, account: "111"), at: Self.europe, signedBy: "a", in: restarted)
    for number in [1, 2, 4, 5] { #expect(try account(UInt64(number), in: restarted) == "111") }
    #expect(try account(3, in: restarted) == nil)
  }

  @Test func `the answer to a call that a reload overtook belongs to the upstream that was called`() throws {
    let known = start(at: Self.europe)
    end(registration(1, account: "111"), at: Self.europe, in: known)
    known.point([target: Self.america])
    end(registration(2, account: "111"), at: Self.europe, in: known)
    #expect(try account(2, in: known) == nil)
    end(registration(3, region: "us-east-1", account: "111"), at: Self.america, in: known)
    #expect(try account(3, in: known) == "111")
    known.point([target: Self.europe])
    #expect(try account(2, in: known) == "111" && account(3, in: known) == nil)
  }

  @Test func `results that earlier versions kept together are told apart by their ARNs`() throws {
    for (number, region, account) in [(1, "eu-central-1", "111"), (2, "us-east-1", "111"), (3, "eu-central-1", "222")] {
      store.commit([.keep(registration(UInt64(number), region: region, account: account), nil)]) { _ in }
    }
    let known = start(at: Self.europe)
    #expect(try account(1, in: known) == "111" && account(2, in: known) == nil && account(3, in: known) == "222")
    end(registration(4, account: "222"), at: Self.europe, in: known)
    #expect(try account(1, in: known) == nil && account(3, in: known) == "222" && account(4, in: known) == "222")
  }

  @Test func `an upstream whose ARNs name no account keeps its results`() throws {
    let known = start(at: Self.standIn)
    var odd = registration(1, account: "111")
    odd.certificateARN = "certificate/" + key(1).certificateID.hex
    end(odd, at: Self.standIn, in: known)
    #expect(try known.decide(wish, on: key(1), under: rules, now: Self.now) == .answer(odd))
  }

  @Test func `an upstream that names one account after the other is believed up to a bound`() throws {
    let known = start(at: Self.standIn)
    func learn(_ account: String, signedBy signer: String? = nil, in known: KnownResults) -> JobHome? {
      known.learn(
        arn: registration(1, account: account).certificateARN ?? "", of: target, at: Self.standIn, signedBy: signer)
    }
    known.sign(target, at: Self.standIn, by: "b")
    for number in 1...TargetHomes.mostAccounts {
      // Replies to calls of earlier signers count, too: their results are kept.
      #expect(learn("\(number)", signedBy: number % 2 == 0 ? "a" : "b", in: known) != nil)
    }
    let before = known.home(of: target)
    for number in 1000..<2000 {
      #expect(learn("\(number)", in: known) == nil)
      #expect(learn("\(number)", signedBy: "a", in: known) == nil)
    }
    #expect(known.home(of: target) == before)
    // Those that it has named are told apart as ever, and other locations have a count of their own.
    end(registration(1, account: "1"), at: Self.standIn, in: known)
    end(registration(2, account: "7"), at: Self.standIn, in: known)
    #expect(try account(2, in: known) == "7" && account(1, in: known) == nil)
    #expect(known.learn(arn: registration(1, account: "3000").certificateARN ?? "", of: target, at: Self.europe) != nil)
    // An upstream that is mended is not kept out for good.
    let restarted = start(at: Self.standIn)
    #expect(learn("1000", in: restarted) != nil)
  }

  @Test func `the notes of the homes make the same homes again`() {
    var homes = TargetHomes()
    let arns = ["111", "222", "111"].compactMap { registration(1, account: $0).certificateARN }
    for (number, arn) in arns.enumerated() {
      for location in [Self.europe, Self.standIn] {
        let name = TargetName("target-\(number % 2)")
        _ = homes.point(name, at: location)
        _ = homes.learn(arn: arn, of: name, at: location)
      }
    }
    var again = TargetHomes(homes.notes)
    for name in ["target-0", "target-1"].map({ TargetName($0) }) {
      for location in [Self.standIn, Self.europe, Self.america] {
        _ = homes.point(name, at: location)
        _ = again.point(name, at: location)
        #expect(homes.home(of: name) == again.home(of: name))
      }
    }
  }

  @Test(
    arguments: [
      ("arn:aws:iot:eu-central-1:123456789012:cert/ab", "arn:aws:iot:eu-central-1:123456789012:"),
      ("arn:aws-cn:iot:cn-north-1:1:cert/a:b", "arn:aws-cn:iot:cn-north-1:1:"), ("arn:aws:iot::1:cert/ab", nil),
      ("arn:aws:iot:r::cert/ab", nil), ("arn:ab", nil), ("arn:aws:iot:r:1\n:cert/ab", nil), ("", nil),
    ] as [(String, String?)])
  func `reads the beginning of an ARN`(arn: String, prefix: String?) {
    #expect(AccountPrefix(arn: arn)?.rawValue == prefix)
  }

  @Test func `a target's number costs the same however many targets there are`() {
    let growth = ProcessorTime.growth(from: 1000, to: 8000) { count in
      let cache = ResultCache(maxEntries: 10)
      for number in 0..<count { _ = cache.number(of: TargetName("target-\(number)")) }
    }
    #expect(growth < 24)
  }

  @Test func `more targets than memory has numbers for are still answered from disk`() throws {
    let cache = ResultCache(maxEntries: 10)
    for number in 1...65_535 { #expect(cache.number(of: TargetName("\(number)")) == number) }
    #expect(cache.number(of: target) == 0)
    cache.keep(registration(1, account: "111"), replaces: true)
    #expect(cache.known(key(1).certificateID, target: 0) == nil)
    cache.forget(key(1))
  }
}
