import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegProtocol

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("status", "status", 0), ("staus", "status", 1), ("sttaus", "status", 1), ("stats", "status", 1), ("", "abc", 3),
    ("abc", "", 3), ("kitten", "sitting", 3), ("ca", "abc", 3), ("", "", 0),
  ])
  func `counts edits`(_ left: String, right: String, distance: Int) {
    #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == distance)
    #expect(NearestName.distance(Array(right.utf8), Array(left.utf8)) == distance)
  }

  @Test func `suggests only similar words`() {
    let names = ["status", "target", "op", "certificatePem"]
    #expect(NearestName.of("Staus", among: names) == "status")
    #expect(NearestName.of("certPem", among: names) == nil)
    #expect(NearestName.of("pem", among: names) == nil)
    #expect(NearestName.of("CERTIFICATE_PEM", among: names) == "certificatePem")
    #expect(NearestName.of(String(repeating: "x", count: 65), among: names) == nil)
    #expect(NearestName.of("x", among: []) == nil)
  }
}

@Suite struct NumberMagnitudeTests {
  @Test func `agrees with the conversion to a double`() {
    var generator = SplitMix64.announced("numbers")
    for _ in 0..<5000 {
      var text = generator.once(in: 2) ? "-" : ""
      let digits = { (count: Int, generator: inout SplitMix64) in
        String((0..<count).map { _ in generator.pick(Array("0012345678999")) })
      }
      text += generator.once(in: 3) ? "0" : "1" + digits(Int.random(in: 0...330, using: &generator), &generator)
      if generator.once(in: 2) { text += "." + digits(Int.random(in: 1...330, using: &generator), &generator) }
      if generator.once(in: 2) { text += "e\(Int.random(in: -700...700, using: &generator))" }
      let exceeds = Array(text.utf8).withUnsafeBytes { NumberMagnitude.exceedsDouble($0[...]) }
      #expect(exceeds == Double(text)?.isInfinite, "\(text)")
    }
  }
}
