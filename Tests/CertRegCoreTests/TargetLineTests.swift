import CertRegTesting
import Testing

@testable import CertRegCore

@Suite struct TargetLineTests {
  @Test func `operations take turns, and each goes on alone`() {
    let now = ManualClock().now.monotonic
    let line = TargetLine(limits: .one(ratePerSecond: nil, burst: 99, maxConcurrent: 99), now: now)
    func id(_ number: Int64) -> JobID {
      JobID(
        key: RegistrationKey(
          certificateID: CertificateID(words: (UInt64(number), 0, 0, 0)), target: TargetName("t")), sequence: number)
    }
    for number in 1...6 as ClosedRange<Int64> {
      line.enqueue(
        id(number), number <= 4 ? .updateCertificate : .registerCertificateWithoutCA,
        caller: Caller(uid: 1, connection: UInt64(number)), isAwaited: false, after: .none)
    }
    var order: [Int64] = []
    while case .call(let id, _)? = line.next(now: now, isDraining: false) { order.append(id.sequence) }
    #expect(order == [1, 5, 2, 6, 3, 4])
  }
}
