import CertRegClock
import CertRegCore
import CertRegTesting
import Foundation
import Synchronization

@testable import CertRegStore

/// A directory that goes when the test ends.
final class TemporaryDirectory: Sendable {
  let path: String

  /// Memory, where the host has such a place: a commit that waits for a disk costs the tests most of their time, and no
  /// test of this module asks what a loss of power leaves.
  private static let usualParent: URL = {
    let memory = URL(fileURLWithPath: "/dev/shm")
    return FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
  }()

  /// - Parameter parent: another place than the usual one.
  init(in parent: URL? = nil) throws {
    let parent = parent ?? TemporaryDirectory.usualParent
    path = parent.appendingPathComponent("certregd-store-\(UUID().uuidString)").path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// The names of everything below the directory.
  var contents: [String] { (FileManager.default.enumerator(atPath: path)?.allObjects as? [String]) ?? [] }

  /// A copy with the files that a process would leave behind if it were killed now: all bytes that were written,
  /// whether they are synchronised or not.
  func copyAsLeftByKill() throws -> TemporaryDirectory {
    let copy = try TemporaryDirectory()
    try FileManager.default.copyItem(atPath: path, toPath: copy.path)
    try? FileManager.default.removeItem(atPath: copy.file("certregd.db-shm"))
    return copy
  }
}

/// Collects the notices of a store.
final class NoticeRecorder: Sendable {
  private let recorded = Mutex<[StoreNotice]>([])

  func record(_ notice: StoreNotice) { recorded.withLock { $0.append(notice) } }

  var notices: [StoreNotice] { recorded.withLock { $0 } }
  var kinds: Set<StoreNotice.Kind> { Set(notices.map(\.kind)) }
}

extension SQLiteRegistrationStore {
  convenience init(
    _ directory: TemporaryDirectory, _ recorder: NoticeRecorder? = nil, clock: HostClock = .system,
    onProgress: @escaping @Sendable (StoreProgress) -> Void = { _ in }
  ) throws(StoreError) {
    try self.init(
      directory: directory.path, clock: clock, onProgress: onProgress, onNotice: { recorder?.record($0) })
  }

  /// Commits and waits for the outcome.
  func commit(_ changes: [StoreChange]) async throws(StoreError) {
    let outcome = await withCheckedContinuation { (waiting: CheckedContinuation<Result<Void, StoreError>, Never>) in
      commit(changes) { waiting.resume(returning: $0) }
    }
    try outcome.get()
  }
}

extension SplitMix64 {
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

extension StoreChange {
  /// The end of the job with the registration's number.
  static func complete(_ registration: Registration) -> StoreChange {
    .complete(Sample.id(of: registration.key), registration)
  }

  /// The end of the job with the failure's number.
  static func fail(_ failure: FailedRegistration) -> StoreChange { .fail(Sample.id(of: failure.key), failure) }
}

/// Values that depend on nothing but their number.
enum Sample {
  static let prefix = "arn:aws:iot:eu-central-1:123456789012:cert/"

  static func key(_ number: Int, target: String = "default") -> RegistrationKey {
    var generator = SplitMix64(seed: UInt64(number) + 1)
    let id = CertificateID(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    return RegistrationKey(certificateID: id, target: TargetName(target))
  }

  /// The job of the same number.
  static func id(_ number: Int, target: String = "default") -> JobID {
    JobID(key: key(number, target: target), sequence: Int64(number))
  }

  private static let numbers = Dictionary(
    (0...5000).map { (key($0).certificateID, $0) }, uniquingKeysWith: { one, _ in one })

  /// The job with the number that a key was made of; 0 for another key.
  static func id(of key: RegistrationKey) -> JobID {
    JobID(key: key, sequence: Int64(numbers[key.certificateID] ?? 0))
  }

  static func basis(_ number: Int) -> VerdictBasis {
    VerdictBasis(
      notBefore: WallTime(millisecondsSinceEpoch: -1), notAfter: WallTime(secondsSinceEpoch: 4_102_444_800),
      policyFingerprint: Int64(number) &* -0x61c8_8646_80b5_83eb)
  }

  static func time(_ number: Int) -> WallTime { WallTime(millisecondsSinceEpoch: 1_800_000_000_000 + Int64(number)) }

  static func registration(
    _ number: Int, target: String = "default", at time: Int? = nil, outcome: RegistrationOutcome = .created
  ) -> Registration {
    let key = key(number, target: target)
    return Registration(
      key: key, certificateARN: prefix + key.certificateID.hex, outcome: outcome,
      status: outcome == .created ? .active : nil, requestID: "0c5c1a3b-5e63-4a3b-9a80-0d0f6e2f\(1000 + number % 9000)",
      finishedAt: Sample.time(time ?? number), basis: basis(number))
  }

  static func pending(_ number: Int, target: String = "default", size: Int = 600) -> PendingRegistration {
    var generator = SplitMix64(seed: UInt64(number) ^ 0xdead)
    return PendingRegistration(
      key: key(number, target: target), sequence: Int64(number), der: generator.bytes(size), status: .inactive,
      enqueuedAt: time(number), callStarted: false, attempts: 0, lastError: nil,
      requester: Requester(uid: 4_000_000_000),
      basis: basis(number))
  }

  /// Facts of a job that has come some way, or has only just begun.
  static func facts(_ generator: inout SplitMix64) -> JobFacts {
    let outcome = RegistrationOutcome.allCases.randomElement(using: &generator) ?? .created
    let status = Bool.random(using: &generator) ? CertificateStatus.allCases.randomElement(using: &generator) : nil
    let steps = Int.random(in: 0...4, using: &generator)
    func sometimes() -> Bool { Bool.random(using: &generator) }
    let earlier = EarlierResult(
      outcome: outcome, status: status, provisioned: sometimes() ? provisioned(steps + 1) : nil,
      keepsOutcome: sometimes(), certificateARN: sometimes() ? prefix + "ä" : nil, isGone: sometimes())
    let isKnown = sometimes()
    return JobFacts(
      earlier: isKnown ? earlier : nil,
      completedSteps: steps,
      registered: steps == 0
        ? nil
        : RegisteredCertificate(
          certificateARN: prefix + "äöü\u{0}", outcome: outcome, status: status,
          requestID: Bool.random(using: &generator) ? "r\(steps)" : nil,
          provisioned: Bool.random(using: &generator) ? provisioned(steps) : nil),
      place: isKnown ? JobHome(location: .aws(region: "eu-west-1"), account: nil) : nil,
      isRecalled: sometimes(), isBegunAnew: sometimes())
  }

  static let error = ServiceError(
    .serviceUnavailable, reason: "upstream_unavailable", message: "no \"route\"\u{0} äöü", retryable: true,
    origin: .upstream,
    retryAfterMilliseconds: 1200, resourceID: "x", resourceARN: "y", status: .pendingTransfer, requestID: "r",
    upstreamType: "Odd")

  /// A name with characters of several lengths.
  static let deviceID = DeviceID("Pümpe 7 🚰")

  static func failure(_ number: Int, target: String = "default") -> FailedRegistration {
    FailedRegistration(key: key(number, target: target), error: error, attempts: 3, finishedAt: time(number))
  }
}
