import CertRegTesting
import Testing

@testable import CertRegCore

/// What memory knows of devices.
@Suite struct ProvisionedTableTests {
  private func id(_ number: UInt64) -> CertificateID { CertificateID(words: (number, number << 32, number << 48, 0)) }

  private func provisioned(
    _ thing: String?, arn: String? = nil, policies: [String] = ["p"], done: Int? = nil, tag: UInt64 = 7
  ) -> Provisioned {
    Provisioned(
      profile: "profile", tag: ProvisioningTag(rawValue: tag),
      resources: DeviceResources(
        thingName: thing, thingARN: arn ?? thing.map { "arn:thing/\($0)" }, policies: policies, groups: ["g"]),
      completedSteps: done)
  }

  private func set(
    _ provisioned: Provisioned?, _ number: UInt64, fits: Bool = true, in table: inout ProvisionedTable
  ) {
    let isSet = table.set(provisioned, id(number), target: 1)
    #expect(isSet == fits)
  }

  @Test func `gives back what was set, whole and in part`() {
    let all = [
      provisioned("a"), provisioned("b"), provisioned(nil), provisioned("c", arn: "arn:thing/other"),
      provisioned(nil, arn: "arn:x"), provisioned("d", policies: ["p", "q"], done: 3), provisioned("e", tag: 9),
    ]
    var table = ProvisionedTable()
    for (number, provisioned) in all.enumerated() {
      set(provisioned, UInt64(number), in: &table)
    }
    for (number, provisioned) in all.enumerated() {
      #expect(table.provisioned(id(UInt64(number)), target: 1) == provisioned)
      #expect(table.provisioned(id(UInt64(number)), target: 2) == nil)
    }
    set(nil, 0, in: &table)
    #expect(table.provisioned(id(0), target: 1) == nil)
    set(provisioned("z"), 1, in: &table)
    #expect(table.provisioned(id(1), target: 1) == provisioned("z"))
  }

  @Test func `has a bound for what is not alike, and nothing untrue where it is reached`() {
    var table = ProvisionedTable()
    for number in 0..<65_536 as Range<UInt64> {
      set(provisioned("a", policies: ["p\(number)"]), number, in: &table)
    }
    set(provisioned("a", policies: ["one too many"]), 70_000, fits: false, in: &table)
    #expect(table.provisioned(id(70_000), target: 1) == nil)
    set(provisioned("b", policies: ["p3"]), 70_000, in: &table)
    // There is room again for what is not alike.
    set(nil, 1, in: &table)
    set(provisioned("a", policies: ["one more"]), 2, in: &table)
    set(provisioned("a", policies: ["another"]), 1, in: &table)
    for (number, policy) in [(1, "another"), (2, "one more"), (5, "p5"), (70_000, "p3")] as [(UInt64, String)] {
      #expect(table.provisioned(id(number), target: 1)?.resources.policies == [policy])
    }
    set(provisioned("a", policies: ["p1"]), 5, in: &table)
    set(provisioned("a", policies: ["one too many"]), 6, in: &table)
    set(provisioned("a", policies: ["one too many, too"]), 70_001, fits: false, in: &table)
    // What cannot be held takes along what was there.
    set(provisioned("a", policies: ["one too many, too"]), 70_000, fits: false, in: &table)
    #expect(table.provisioned(id(70_000), target: 1) == nil)
  }

  private func registration(_ number: UInt64, _ provisioned: Provisioned?) -> Registration {
    let id = id(number)
    return Registration(
      key: RegistrationKey(certificateID: id, target: TargetName("t")), certificateARN: "arn:cert/" + id.hex,
      outcome: .created, status: .active, requestID: nil, finishedAt: WallTime(secondsSinceEpoch: 9), basis: .anyTime,
      provisioned: provisioned)
  }

  @Test func `a device leaves memory together with its certificate`() {
    let cache = ResultCache(maxEntries: 4)
    let target = cache.number(of: TargetName("t"))
    for number in 1...100 as ClosedRange<UInt64> {
      cache.keep(registration(number, provisioned("d\(number)", done: number % 2 == 0 ? 2 : nil)), replaces: true)
    }
    var left = 0
    for number in 1...100 as ClosedRange<UInt64> {
      guard let known = cache.known(id(number), target: target) else { continue }
      left += 1
      #expect(known.provisioned == provisioned("d\(number)", done: number % 2 == 0 ? 2 : nil))
    }
    #expect(left == cache.count && left <= 4)
    // Nothing shows of a device that had to go.
    for number in 1...100 as ClosedRange<UInt64> {
      cache.keep(registration(number, nil), replaces: true)
      #expect(cache.known(id(number), target: target)?.provisioned == nil)
    }
  }

  @Test func `news replaces the device, an old answer of the store does not, and forgetting takes it along`() {
    let cache = ResultCache(maxEntries: 4)
    let (key, target) = (registration(1, nil).key, cache.number(of: TargetName("t")))
    cache.keep(registration(1, provisioned("a")), replaces: true)
    let epoch = cache.epochs.current(key.certificateID)
    cache.keep(registration(1, provisioned("b")), replaces: true)
    #expect(cache.epochs.current(key.certificateID) != epoch)
    cache.keep(registration(1, provisioned("old")), replaces: false, readAt: epoch)
    #expect(cache.known(key.certificateID, target: target)?.provisioned == provisioned("b"))
    cache.forget(key)
    #expect(cache.known(key.certificateID, target: target) == nil)
    cache.keep(registration(1, nil), replaces: true)
    #expect(cache.known(key.certificateID, target: target)?.provisioned == nil)
  }

  @Test func `a result that memory cannot hold takes the one before it along`() {
    let cache = ResultCache(maxEntries: 4)
    let target = cache.number(of: TargetName("t"))
    cache.keep(registration(1, provisioned("a")), replaces: true)
    var other = registration(1, nil)
    other.certificateARN = "another form"
    cache.keep(other, replaces: true)
    #expect(cache.known(id(1), target: target) == nil)
  }

  @Test func `devices of a target's homes are apart`() {
    let known = KnownResults(memory: ResultCache(maxEntries: 4), store: MemoryStore(), timeToLive: nil)
    let (key, target) = (registration(1, nil).key, known.memory.number(of: TargetName("t")))
    let homes = ["eu-central-1", "us-east-1"].map { UpstreamLocation.aws(region: $0) }
    for (location, thing) in zip(homes, ["a", "b"]) {
      known.point([key.target: location])
      known.memory.keep(registration(1, provisioned(thing)), replaces: true)
    }
    for (location, thing) in zip(homes, ["a", "b"]) {
      known.point([key.target: location])
      #expect(known.memory.known(key.certificateID, target: target)?.provisioned == provisioned(thing))
    }
  }
}

/// Values by operation.
@Suite struct OperationTableTests {
  @Test func `a value is made at its first use and stays at its place`() {
    var table = OperationTable<[Int]>()
    #expect(table.places.isEmpty && table[.attachPolicy] == nil && table.place(of: .attachPolicy) == nil)
    let policy = table.place(of: .attachPolicy) { [1] }
    let thing = table.place(of: .createThing) { [2] }
    #expect(table.place(of: .attachPolicy) { [3] } == policy && table.place(of: .createThing) == thing)
    table[policy].append(4)
    #expect(table[.attachPolicy] == [1, 4] && table[.createThing] == [2])
    #expect(table.operations == [.attachPolicy, .createThing] && table.places == 0..<2)
  }
}
