package import CertRegCore

extension SplitMix64 {
  /// A generator with a fresh seed, which is printed so that a failure can be repeated with `init(seed:)`.
  package static func announced(_ what: String) -> SplitMix64 {
    let seed = UInt64.random(in: 0 ... .max)
    print("\(what): seed \(seed)")
    return SplitMix64(seed: seed)
  }

  /// `true` once in `count` times.
  package mutating func once(in count: Int) -> Bool {
    Int.random(in: 0..<count, using: &self) == 0
  }

  /// One of the elements, each as likely as the others.
  package mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &self)]
  }
}
