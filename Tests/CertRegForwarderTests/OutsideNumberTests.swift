import CertRegCore
import Foundation
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// Numbers, times and sizes from untrusted input: none ends the process, and each result is in its range.
@Suite struct OutsideNumberTests {
  @Test(arguments: ["1500-01-01", "1901-01-01", "2262-04-12", "2300-01-01", "9999-12-31", "30000-01-01"])
  func `a file may have any date`(date: String) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("[default]\n".utf8).write(to: URL(fileURLWithPath: path))
    // Not every file system stores such dates; each gives some date.
    var times = [timespec(tv_sec: 0, tv_nsec: 999_999_999), timespec(tv_sec: seconds(date), tv_nsec: 999_999_999)]
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
    let identity = try #require(HostFiles.system.version(path))
    #expect(identity.size == 10)
    let store = SharedProfileStore(environment: ProcessEnvironment(["AWS_SHARED_CREDENTIALS_FILE": path]))
    #expect(try store.profiles().profiles["default"] != nil)
  }

  private func seconds(_ date: String) -> Int {
    let parts = date.split(separator: "-").compactMap { Int($0) }
    return Int(CivilTime.wallTime(year: parts[0], month: parts[1], day: parts[2]).secondsSinceEpoch)
  }

  @Test func `no header makes a wait outside of its range`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix64(seed: seed)
    let now = CivilTime.wallTime(year: 2026, month: 11, day: 24)
    for _ in 0..<5000 {
      var headers = HTTPHeaders()
      for name in ["Retry-After", "x-amz-retry-after", "Date"] where Bool.random(using: &random) {
        headers.add(name: name, value: value(&random))
      }
      let wait = RetryAfter.duration(headers, now: now)
      #expect(wait.map { (.zero...RetryAfter.limit).contains($0) } ?? true, "seed \(seed): \(headers)")
    }
  }

  @Test func `no expiration or clock confuses the use of credentials`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      var refresh = CredentialRefresh()
      let wall = WallTime(millisecondsSinceEpoch: Int64.random(in: -(1 << 48)...(1 << 48), using: &random))
      let now = CredentialRefresh.Now(
        wall: wall, monotonic: MonotonicTime(nanoseconds: Int64.random(in: 0...(1 << 60), using: &random)))
      _ = refresh.requested(now)
      let keys = FixedCredentials.first
      let expiration = HTTPDate.rfc3339(value(&random)) ?? HTTPDate.rfc3339("9999-12-31T23:59:60+23:59")
      refresh.fetched(
        .success(ProvidedCredentials(signing: keys, expiration: expiration, source: "x")),
        jitter: Double.random(in: 0..<1, using: &random), now)
      #expect(refresh.errorForWaiting(now) == nil || refresh.held != nil, "seed \(seed)")
    }
  }

  /// A number or date, usually at the limits of its range.
  private func value(_ random: inout SplitMix64) -> String {
    let number = UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
    func digits(_ count: Int) -> String {
      (0..<count).map { _ in String(Int.random(in: 0...9, using: &random)) }.joined()
    }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return "\(number)"
    case 1: return "-\(number)"
    case 2: return digits(Int.random(in: 0...40, using: &random))
    case 3: return "1e\(digits(3))"
    case 4:
      return ["inf", "nan", "", "0", "9223372036854775807", "9223372036854775808"].randomElement(using: &random) ?? ""
    case 5: return "Tue, 24 Nov \(digits(4)) \(digits(2)):\(digits(2)):\(digits(2)) GMT"
    case 6: return "\(digits(4))-\(digits(2))-\(digits(2))T\(digits(2)):\(digits(2)):\(digits(2))Z"
    default: return "\(digits(4))-12-31T23:59:60.\(digits(30))-\(digits(2)):\(digits(2))"
    }
  }
}
