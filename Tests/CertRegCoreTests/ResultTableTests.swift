import CertRegCore
import CertRegTesting
import Testing

@Suite struct ResultTableTests {
  private func entry(_ id: CertificateID, target: UInt16, finishedAt: UInt32 = 0) -> ResultTable.Entry {
    var entry = ResultTable.Entry()
    entry.certificateID = id
    entry.target = target
    entry.finishedAt = finishedAt
    return entry
  }

  @Test func `an entry is small`() {
    #expect(MemoryLayout<ResultTable.Entry>.stride <= 56)
  }

  @Test(arguments: [1, 2, 3] as [UInt64], [10_000, 1_000_000])
  func `behaves as a dictionary does`(seed: UInt64, maxEntries: Int) {
    var random = SplitMix64(seed: seed)
    print("seed \(seed)")
    var table = ResultTable(maxEntries: maxEntries)
    var model: [RegistrationKey: UInt32] = [:]
    let ids = (0..<2000).map { _ in CertificateID(words: (random.next(), random.next(), random.next(), random.next())) }
    for step in 0..<20_000 {
      let id = ids[Int.random(in: 0..<ids.count, using: &random)]
      let target = UInt16.random(in: 1...3, using: &random)
      let key = RegistrationKey(certificateID: id, target: TargetName("\(target)"))
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        table.set(entry(id, target: target, finishedAt: UInt32(step)))
        model[key] = UInt32(step)
      case 1:
        #expect(table.remove(id, target: target) == (model.removeValue(forKey: key) != nil))
      default:
        #expect(table.entry(id, target: target)?.finishedAt == model[key])
      }
      #expect(table.count == model.count)
    }
  }

  @Test(arguments: [1, 100, 9000]) func `a full table makes room and stays within its bound`(maxEntries: Int) {
    var random = SplitMix64(seed: 9)
    var table = ResultTable(maxEntries: maxEntries)
    for step in 0..<20_000 {
      let id = CertificateID(words: (random.next(), random.next(), random.next(), 0))
      table.set(entry(id, target: 1, finishedAt: UInt32(step)))
      #expect(table.entry(id, target: 1)?.finishedAt == UInt32(step))
      #expect(table.count <= maxEntries)
    }
    #expect(table.count > maxEntries * 9 / 10)
  }
}

@Suite struct ResultCacheTests {
  @Test func `a result that makes room for another is void in the memo`() {
    let cache = ResultCache(maxEntries: 1)
    let ids = (1...1000 as ClosedRange<UInt64>).map { CertificateID(words: ($0 << 32, $0 << 48, 0, 0)) }
    let before = ids.map(cache.epochs.current)
    for id in ids {
      let key = RegistrationKey(certificateID: id, target: TargetName("default"))
      cache.keep(
        Registration(
          key: key, certificateARN: "arn:\(id.hex)", outcome: .created, status: nil, requestID: nil,
          finishedAt: WallTime(secondsSinceEpoch: 1), basis: .anyTime), replaces: true)
    }
    let target = cache.number(of: TargetName("default"))
    for (id, epoch) in zip(ids, before)
    where cache.known(id, target: target) == nil {
      #expect(cache.epochs.current(id) != epoch)
    }
    #expect(cache.count < 1000)
  }

  private let key = RegistrationKey(
    certificateID: CertificateID(words: (1, 2, 3, 4)), target: TargetName("default"))

  private func registration(_ outcome: RegistrationOutcome, at seconds: Int64 = 1_800_000_000) -> Registration {
    Registration(
      key: key, certificateARN: "arn:aws:iot:r:1:cert/" + key.certificateID.hex, outcome: outcome, status: .active,
      requestID: nil, finishedAt: WallTime(secondsSinceEpoch: seconds), basis: .anyTime)
  }

  @Test func `returns each result until it is forgotten`() throws {
    let cache = ResultCache(maxEntries: 10)
    let number = cache.number(of: key.target)
    #expect(cache.known(key.certificateID, target: number) == nil)
    cache.keep(registration(.created), replaces: true)
    let known = try #require(cache.known(key.certificateID, target: number))
    #expect(known.entry.outcome == .created)
    #expect(known.arnPrefix == "arn:aws:iot:r:1:cert/")
    cache.forget(key)
    #expect(cache.known(key.certificateID, target: number) == nil)
  }

  @Test(arguments: ["arn:\"x:cert/", "arn:\\x:cert/", "arn:é:cert/", "arn:\n:cert/"])
  func `keeps no result whose ARN would need an escape in an answer`(prefix: String) {
    let cache = ResultCache(maxEntries: 10)
    var registration = registration(.created)
    registration.certificateARN = prefix + key.certificateID.hex
    cache.keep(registration, replaces: true)
    #expect(cache.known(key.certificateID, target: cache.number(of: key.target)) == nil)
  }

  @Test func `forgetting and replacing raise the epoch, keeping something new does not`() {
    let cache = ResultCache(maxEntries: 10)
    let first = cache.epochs.current(key.certificateID)
    cache.keep(registration(.created), replaces: true)
    #expect(cache.epochs.current(key.certificateID) == first)
    cache.keep(registration(.existing), replaces: true)
    #expect(cache.epochs.current(key.certificateID) != first)
    let second = cache.epochs.current(key.certificateID)
    cache.forget(key)
    #expect(cache.epochs.current(key.certificateID) != second)
  }

  @Test func `a result read from disk does not undo a forget that came meanwhile`() {
    let cache = ResultCache(maxEntries: 10)
    let epoch = cache.epochs.current(key.certificateID)
    cache.forget(key)
    cache.keep(registration(.created), replaces: false, readAt: epoch)
    #expect(cache.count == 0)
    cache.keep(registration(.created), replaces: false, readAt: cache.epochs.current(key.certificateID))
    #expect(cache.count == 1)
  }

  @Test func `an ARN that does not end with the ID is not kept`() {
    let cache = ResultCache(maxEntries: 10)
    var odd = registration(.created)
    odd.certificateARN = "arn:other"
    cache.keep(odd, replaces: true)
    #expect(cache.count == 0)
  }

  /// Eight times the accounts cost eight times as much if the cost of a result is constant, else 64 times.
  @Test func `the cost of a result does not depend on the number of accounts`() {
    var random = SplitMix64(seed: 1)
    let registrations = (0..<8192).map { number in
      let id = CertificateID(words: (random.next(), random.next(), random.next(), random.next()))
      return Registration(
        key: RegistrationKey(certificateID: id, target: TargetName("t")),
        certificateARN: "arn:aws:iot:eu-central-1:\(number):cert/\(id.hex)", outcome: .created, status: nil,
        requestID: nil, finishedAt: WallTime(secondsSinceEpoch: 1),
        basis: VerdictBasis(
          notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 9),
          policyFingerprint: Int64(number)))
    }
    var wrong = 0
    let growth = ProcessorTime.growth(from: 1024, to: 8192, runs: 2) { count in
      let cache = ResultCache(maxEntries: 100_000)
      for registration in registrations[..<count] { cache.keep(registration, replaces: true) }
      for registration in registrations[..<count] {
        let known = cache.known(registration.key.certificateID, target: cache.number(of: registration.key.target))
        if known?.policyFingerprint != registration.basis.policyFingerprint
          || known?.arnPrefix != registration.arnPrefix
        {
          wrong += 1
        }
      }
    }
    #expect(wrong == 0)
    #expect(growth < 24)
  }
}
