import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

@Suite struct ImportProgressTests {
  @Test func `tells rate and time left, outcomes, and what holds things up`() throws {
    var progress = ImportProgress()
    for second in 0...4 {
      if second > 0 { progress.count("created", 50) }
      progress.sample(at: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000))
    }
    progress.fraction = 0.25
    progress.pending = 50
    #expect(
      progress.lines(width: 80).map(\.plain) == [
        "[####----------------]  20 %  200 of about 1000  50.0/s  16 s left", "200 created",
      ])
    progress.count("failed", 2)
    progress.passedOver = 1000
    progress.retrying = ["throttled_by_upstream": 3, "draining": 30, "x": 1]
    progress.daemon = try JSON(
      parsing: #"""
        {"targets":[{"name":"eu","default":true,"health":"throttled","ratePerSecond":9.5},
        {"name":"us","default":false,"health":"unavailable","lastError":{"reason":"name_resolution"}}]}
        """#)
    #expect(
      progress.lines(width: 200).dropFirst().map(\.plain) == [
        "200 created, 2 failed, 1000 done before",
        "eu: AWS IoT throttles, at 9.5 calls a second; to be tried again: 30 draining, 3 throttled_by_upstream",
      ])
    progress.retrying = [:]
    progress.targets = ["us"]
    #expect(progress.lines(width: 80).last?.plain == "us: AWS IoT does not answer (name_resolution)")
    progress.targets = []
    progress.daemon = try JSON(
      parsing: #"{"targets":[{"name":"eu","health":"ok","ratePerSecond":10,"queued":54,"throttles":12345}]}"#)
    #expect(
      progress.lines(width: 80).last?.plain
        == "eu: certregd keeps to 10.0 calls a second; AWS IoT throttled 12,345 before")
    #expect(ImportProgress().lines(width: 20).map(\.plain) == ["0", "nothing answered yet"])
  }

  @Test func `draws lines over those that were there, and takes them away`() {
    let capture = Capture()
    let console = capture.console(columns: 10)
    console.showTransient(["one", "a line that is too long"])
    console.showTransient(["1", "2", "3"])
    console.showTransient("x")
    console.note("done")
    let escape = "\u{1B}"
    let drawings = [
      "\rone^[K\r\na line t…^[K", "\r^[1A1^[K\r\n2^[K\r\n3^[K", "\r^[2Ax^[K\r\n^[K\r\n^[K\r^[2A",
      "\r^[K\rdone\n",
    ]
    #expect(capture.errors.replacing(escape, with: "^") == drawings.joined())
  }

  @Test func `is not at 100 % before the last answer`() throws {
    var progress = ImportProgress()
    progress.fraction = 1
    progress.count("created", 5)
    progress.pending = 1
    #expect(progress.lines(width: 80)[0].plain.hasSuffix("83 %  5 of 6"))
    progress.pending = 0
    progress.count("created")
    #expect(progress.lines(width: 80)[0].plain == "[####################] 100 %  6 of 6")
  }
}
