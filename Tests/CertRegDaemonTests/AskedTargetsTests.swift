import CertRegCore
import Synchronization
import Testing

@testable import CertRegDaemon

@Suite struct AskedTargetsTests {
  private func targets(_ count: Int) -> [TargetName: Int] {
    Dictionary(uniqueKeysWithValues: (0..<count).map { (TargetName("t\($0)"), $0) })
  }

  @Test func `answers are taken as they come, whatever does not answer yet`() async {
    let (gate, opener) = AsyncStream<Void>.makeStream()
    var taken: [Int] = []
    await AskedTargets.each(targets(40)) { number in
      if number == 0 { for await _ in gate { break } }
      return number
    } take: { name, answer in
      #expect(name == TargetName("t\(answer)"))
      taken.append(answer)
      // The one that hangs goes on when all others have been taken.
      if taken.count == 39 { opener.yield() }
    }
    #expect(taken.last == 0 && Set(taken) == Set(0..<40))
  }

  @Test func `no more are asked at once than the bound`() async {
    let underWay = Mutex((now: 0, most: 0))
    await AskedTargets.each(targets(100)) { _ in
      underWay.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      await Task.yield()
      underWay.withLock { $0.now -= 1 }
    } take: { _, _ in
    }
    #expect(underWay.withLock { $0.most } <= AskedTargets.mostAtOnce)
  }
}
