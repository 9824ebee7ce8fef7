/// A generator that gives the same numbers for the same seed (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number whose order of magnitude is as random as its digits.
  mutating func magnitude(below limit: Int64) -> Int64 {
    let number = Int64.random(in: 0..<limit, using: &self)
    return number >> Int64.random(in: 0..<Int64(64 - limit.leadingZeroBitCount), using: &self)
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &self)]
  }

  /// `nil` half the time.
  mutating func maybe<Value>(_ value: (inout SplitMix64) -> Value) -> Value? {
    Bool.random(using: &self) ? value(&self) : nil
  }
}
