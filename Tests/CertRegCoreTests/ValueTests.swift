import CertRegCore
import Foundation
import Testing

@Suite struct ValueTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"),
      (951_782_400, "2000-02-29T00:00:00.000Z", "20000229T000000Z"),
      (1_795_478_399, "2026-11-23T23:59:59.000Z", "20261123T235959Z"),
      (253_402_300_799, "9999-12-31T23:59:59.000Z", "99991231T235959Z"),
      (-1, "1969-12-31T23:59:59.000Z", "19691231T235959Z"),
    ] as [(Int64, String, String)])
  func `writes times as RFC 3339 and for AWS`(seconds: Int64, rfc3339: String, amzDate: String) {
    let time = WallTime(secondsSinceEpoch: seconds)
    #expect(time.rfc3339 == rfc3339)
    #expect(time.amzDate == amzDate)
    #expect(WallTime(amzDate: amzDate) == time)
  }

  @Test(arguments: [
    "", "20261124T080910", "2026112xT080910Z", "20261131T080910Z", "20261124T080960Z", "20261124 080910Z",
  ])
  func `refuses a text that is no date of AWS`(text: String) { #expect(WallTime(amzDate: text) == nil) }

  @Test func `fields of a date and its seconds agree`() {
    var random = SplitMix64(seed: 4)
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -2_000_000_000...250_000_000_000, using: &random)
      let fields = CivilTime(WallTime(secondsSinceEpoch: seconds))
      let back = CivilTime.wallTime(
        year: fields.year, month: fields.month, day: fields.day, hour: fields.hour, minute: fields.minute,
        second: fields.second)
      #expect(back.secondsSinceEpoch == seconds)
    }
  }

  @Test func `a digest and its hexadecimal form agree`() throws {
    let bytes = (0..<32).map { UInt8($0 * 7) }
    let digest = try #require(SHA256Digest(bytes: bytes))
    #expect(digest.bytes == bytes)
    #expect(digest.hex == bytes.map { String(format: "%02x", $0) }.joined())
    #expect(SHA256Digest(hex: digest.hex.utf8) == digest)
    #expect(SHA256Digest(hex: digest.hex.uppercased().utf8) == digest)
    #expect(SHA256Digest(hex: "zz".utf8) == nil)
    #expect(SHA256Digest(bytes: [1]) == nil)
  }

  @Test func `policies with equal choices have equal fingerprints, others do not`() {
    var changed = ValidationPolicies()
    #expect(changed.fingerprint == ValidationPolicies().fingerprint)
    changed[.expired] = .allow
    #expect(changed.fingerprint != ValidationPolicies().fingerprint)
    changed[.expired] = .reject
    #expect(changed == ValidationPolicies())
  }

  @Test func `text of a peer in a message is printable ASCII`() {
    let quoted = "a\u{1b}[31m\n\"ü".quoted
    #expect(quoted == "\"a\\u{1b}[31m\\u{a}\\\"\\u{fc}\"")
    #expect(String(repeating: "x", count: 1000).quoted.utf8.count < 80)
  }
}
