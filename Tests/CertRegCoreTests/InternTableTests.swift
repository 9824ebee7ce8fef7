import CertRegTesting
import Testing

@testable import CertRegCore

/// Values of which many things share few.
@Suite struct InternTableTests {
  @Test(arguments: [1, 2, 3] as [UInt64], [5, 16, 40])
  func `numbers stand for their values while things refer to them, within the limit`(seed: UInt64, limit: Int) {
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    var table = InternTable<Int>(limit: limit)
    /// What things refer to, and with which number.
    var held: [(value: Int, number: Int)] = []
    for _ in 0..<4000 {
      if Bool.random(using: &random), let index = held.indices.randomElement(using: &random) {
        table.release(held.remove(at: index).number)
      } else if held.count < 3 * limit {
        let value = Int.random(in: 0..<3 * limit, using: &random)
        let isHeld = held.contains { $0.value == value }
        guard let number = table.take(value) else {
          #expect(!isHeld && Set(held.map(\.value)).count == limit)
          continue
        }
        #expect(number < limit && (isHeld || Set(held.map(\.value)).count < limit))
        held.append((value, number))
      }
      #expect(held.allSatisfy { table[$0.number] == $0.value })
    }
  }

  private func registration(_ number: UInt64, prefix: String, policies: Int64 = 0) -> Registration {
    let id = CertificateID(words: (number << 32, number << 48, number, 0))
    return Registration(
      key: RegistrationKey(certificateID: id, target: TargetName("t")), certificateARN: prefix + id.hex,
      outcome: .created, status: .active, requestID: nil, finishedAt: WallTime(secondsSinceEpoch: 9),
      basis: VerdictBasis(
        notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 9),
        policyFingerprint: policies))
  }

  /// A member of a fleet, or an endpoint, whose results all differ.
  @Test func `results that share nothing with others keep none out for good`() {
    let cache = ResultCache(maxEntries: 100)
    let target = cache.number(of: TargetName("t"))
    for number in 1...70_000 as ClosedRange<UInt64> {
      cache.keep(registration(number, prefix: "arn:\(number):cert/", policies: Int64(number)), replaces: true)
    }
    let usual = registration(70_001, prefix: "arn:usual:cert/")
    cache.keep(usual, replaces: true)
    #expect(cache.known(usual.key.certificateID, target: target)?.arnPrefix == "arn:usual:cert/")
    for number in 70_002...80_000 as ClosedRange<UInt64> {
      let one = registration(number, prefix: "arn:\(number):cert/", policies: Int64(number))
      let other = registration(number, prefix: "arn:\(number):other/", policies: -Int64(number))
      cache.keep(one, replaces: true)
      cache.keep(other, replaces: true)
      #expect(cache.known(one.key.certificateID, target: target)?.arnPrefix == "arn:\(number):other/")
      cache.forget(one.key)
    }
  }
}
