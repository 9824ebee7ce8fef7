import CertRegCore

extension SplitMix64 {
  /// A number whose order of magnitude is as random as its digits.
  mutating func magnitude(below limit: Int64) -> Int64 {
    let number = Int64.random(in: 0..<limit, using: &self)
    return number >> Int64.random(in: 0..<Int64(64 - limit.leadingZeroBitCount), using: &self)
  }

  /// `nil` half the time.
  mutating func maybe<Value>(_ value: (inout SplitMix64) -> Value) -> Value? {
    Bool.random(using: &self) ? value(&self) : nil
  }
}
