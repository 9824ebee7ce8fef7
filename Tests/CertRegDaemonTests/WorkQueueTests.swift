import CertRegCore
import Testing

@testable import CertRegDaemon

@Suite struct WorkQueueTests {
  private var state = WorkQueue.State<Int>(threads: 2)

  @Test mutating func `wakes one thread for many jobs, and the second once the first runs`() {
    append(1, wakes: true)
    append(2, wakes: false)
    append(3, wakes: false)
    state.begin()
    expectNext(1, wakesAnother: true)
    append(4, wakes: false)
    expectNext(2, wakesAnother: false)
    state.begin()
    expectNext(3, wakesAnother: false)
    expectNext(4, wakesAnother: false)
    expectNone()
    append(5, wakes: true)
    expectNext(5, wakesAnother: false)
  }

  @Test mutating func `wakes again after all have gone`() {
    append(1, wakes: true)
    state.begin()
    expectNext(1, wakesAnother: false)
    expectNone()
    append(2, wakes: true)
    append(3, wakes: false)
    state.begin()
    expectNext(2, wakesAnother: true)
  }

  @Test mutating func `keeps the order and loses nothing, whatever the steps`() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix64(seed: seed)
    var (next, taken, onTheWay, running) = (0, 0, 0, 0)
    for _ in 0..<20_000 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1:
        if state.append(next) { onTheWay += 1 }
        next += 1
      case 2 where onTheWay > 0:
        onTheWay -= 1
        running += 1
        state.begin()
      default:
        guard running > 0 else { continue }
        if let (job, wakesAnother) = state.next() {
          #expect(job == taken, "seed \(seed)")
          taken += 1
          if wakesAnother { onTheWay += 1 }
        } else {
          running -= 1
        }
      }
      #expect(onTheWay <= 1 && onTheWay + running <= 2, "seed \(seed)")
      #expect(taken == next || onTheWay + running > 0, "seed \(seed): jobs wait and no thread comes")
    }
  }

  private mutating func append(_ job: Int, wakes: Bool) {
    let wakesAnother = state.append(job)
    #expect(wakesAnother == wakes)
  }

  private mutating func expectNone() {
    let next = state.next()
    #expect(next?.job == nil)
  }

  private mutating func expectNext(_ job: Int, wakesAnother: Bool) {
    guard let next = state.next() else {
      Issue.record("no job in place of \(job)")
      return
    }
    #expect(next.job == job)
    #expect(next.wakesAnother == wakesAnother)
  }
}
