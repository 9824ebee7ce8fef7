import CertRegCore
import Testing

/// Times and durations from outside can have any value: arithmetic on them gives the nearest time that there is.
@Suite struct TimeRangeTests {
  private static let edges: [Int64] = [
    .min, .min + 1, -9_223_372_036_854_776, -1_000_000_001, -62_135_596_800_000, -1001, -1000, -999, -1, 0, 1, 999,
    1000,
    253_402_300_799_999, 9_223_372_036_854_775, 9_223_372_036_854_776, .max - 1, .max,
  ]

  private func value(_ random: inout SplitMix64) -> Int64 {
    Bool.random(using: &random)
      ? Self.edges.randomElement(using: &random) ?? 0
      : Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
  }

  /// The duration of so many attoseconds, as far as the type goes: more than `Int64` holds of any unit.
  private func duration(_ random: inout SplitMix64) -> Duration {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: .seconds(value(&random))
    case 1: .milliseconds(value(&random))
    case 2: .nanoseconds(value(&random))
    default: Duration(secondsComponent: value(&random) / 2, attosecondsComponent: value(&random) / 2)
    }
  }

  private func clamped(_ value: Int128) -> Int64 {
    Int64(clamping: value)
  }

  @Test(
    arguments: [
      (0, 0), (-0.0, 0), (1.9e-9, 1), (-1.9e-9, -1), (1.5, 1_500_000_000), (9.3e9, .max), (-9.3e9, .min),
      (.infinity, .max), (-.infinity, .min), (.nan, .max), (.greatestFiniteMagnitude, .max),
      (.leastNonzeroMagnitude, 0),
    ] as [(Double, Int64)])
  func `any number of seconds gives the nearest duration that there is`(_ seconds: Double, _ nanoseconds: Int64) {
    #expect(Duration.nearest(toSeconds: seconds) == .nanoseconds(nanoseconds))
  }

  @Test func `sums and differences of any times are the nearest that there are`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<20_000 {
      let (left, right, length) = (value(&random), value(&random), duration(&random))
      let comment: Comment = "seed \(seed): \(left), \(right), \(length)"
      let difference = clamped(Int128(left) - Int128(right))
      let (leftWall, rightWall) = (WallTime(millisecondsSinceEpoch: left), WallTime(millisecondsSinceEpoch: right))
      #expect((leftWall - rightWall).milliseconds == difference, comment)
      #expect(
        (leftWall + length).millisecondsSinceEpoch == clamped(Int128(left) + Int128(length.milliseconds)), comment)
      let (leftTime, rightTime) = (MonotonicTime(nanoseconds: left), MonotonicTime(nanoseconds: right))
      #expect((leftTime - rightTime).nanoseconds == difference, comment)
      #expect((leftTime + length).nanoseconds == clamped(Int128(left) + Int128(length.nanoseconds)), comment)
    }
  }

  @Test func `a duration of any length has the nearest number of milliseconds and nanoseconds`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<20_000 {
      let length = duration(&random)
      let (seconds, attoseconds) = length.components
      let exact = Int128(seconds) * 1_000_000_000_000_000_000 + Int128(attoseconds)
      #expect(length.milliseconds == clamped(exact / 1_000_000_000_000_000), "seed \(seed): \(length)")
      #expect(length.nanoseconds == clamped(exact / 1_000_000_000), "seed \(seed): \(length)")
    }
  }

  @Test func `any time has a date, and its seconds are rounded down`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for number in Self.edges + (0..<20_000).map({ _ in value(&random) }) {
      let time = WallTime(millisecondsSinceEpoch: number)
      let remainder = Int128(number) - Int128(time.secondsSinceEpoch) * 1000
      #expect((0..<1000).contains(remainder), "seed \(seed): \(number)")
      #expect(CivilTime(time).millisecond == Int(remainder), "seed \(seed): \(number)")
      #expect(!time.rfc3339.isEmpty && !time.amzDate.isEmpty, "seed \(seed): \(number)")
      #expect(
        WallTime(secondsSinceEpoch: number).millisecondsSinceEpoch == clamped(Int128(number) * 1000), "seed \(seed)")
    }
  }

  @Test(arguments: [1600, 1969, 1970, 2038, 2262, 2263, 9999])
  func `dates of any century are read back as they were written`(year: Int) {
    let time = CivilTime.wallTime(year: year, month: 12, day: 31, hour: 23, minute: 59, second: 59)
    let fields = CivilTime(time)
    #expect(fields.year == year && fields.month == 12 && fields.day == 31 && fields.second == 59)
  }
}
