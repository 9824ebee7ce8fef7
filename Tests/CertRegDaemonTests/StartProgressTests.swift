import CertRegClock
import CertRegCore
import CertRegHost
import CertRegStore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegDaemon

/// What the service manager hears of a start that takes long.
@Suite struct StartProgressTests {
  @Test func `the start's time-out is extended while a damaged database is read and rebuilt`() async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("certregd-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let store = try SQLiteRegistrationStore(directory: directory.path, clock: .system) { _ in }
    var generator = SplitMix64(seed: 1)
    for _ in 1...16 {
      let changes = (1...500).map { _ in StoreChange.keep(Self.registration(&generator), nil) }
      let outcome = await withCheckedContinuation { waiting in
        store.commit(changes) { waiting.resume(returning: $0) }
      }
      try outcome.get()
    }
    store.close()
    // The header: all pages have to be looked at.
    let handle = try FileHandle(forWritingTo: directory.appendingPathComponent("certregd.db"))
    try handle.write(contentsOf: Data(count: 100))
    try handle.close()

    let time = ManualClock()
    // Each reading of the clock comes a second after the one before.
    let clock = HostClock(
      monotonic: {
        time.advance(by: .seconds(1))
        return time.now.monotonic
      }, wall: { time.now.wall })
    let sent = Mutex<[String]>([])
    let notifier = ServiceNotifier { text in sent.withLock { $0.append(text) } }
    let reopened = try SQLiteRegistrationStore(
      directory: directory.path, clock: clock, onProgress: { notifier.starting($0) }, onNotice: { _ in })
    #expect(reopened.registeredCount == 8000)
    let messages = sent.withLock { $0 }
    print(messages.joined(separator: "\n"))
    let extensions = stride(from: 0, to: messages.count, by: 2).map { messages[$0] }
    let states = stride(from: 1, to: messages.count, by: 2).map { messages[$0] }
    #expect(extensions.count > 4 && Set(extensions) == ["EXTEND_TIMEOUT_USEC=60000000"])
    let isPage = #/STATUS=(reading the damaged state|taking over results|checking results|reading the queue).*/#
    #expect(states.allSatisfy { $0.wholeMatch(of: isPage) != nil }, "\(states)")
    #expect(states.contains { $0.hasPrefix("STATUS=taking over results: page ") })
  }

  private static func registration(_ generator: inout SplitMix64) -> Registration {
    let id = CertificateID(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    let time = WallTime(secondsSinceEpoch: 1_800_000_000)
    return Registration(
      key: RegistrationKey(certificateID: id, target: TargetName("default")),
      certificateARN: "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)", outcome: .created, status: .active,
      requestID: nil, finishedAt: time, basis: VerdictBasis(notBefore: time, notAfter: time, policyFingerprint: 0))
  }
}
