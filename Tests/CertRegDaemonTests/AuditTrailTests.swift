import CertRegClock
import CertRegCore
import CertRegHost
import CertRegTesting
import Glibc
import Logging
import Synchronization
import Testing

@testable import CertRegDaemon

@Suite struct AuditTrailTests {
  private final class Recorder: Sendable {
    let records = Mutex<[LogRecord]>([])
  }

  private static let key = RegistrationKey(
    certificateID: CertificateID(words: (1, 2, 3, 4)), target: TargetName("eu"))
  private static let requester = Requester(uid: 1000, pid: 42, unit: "line.service")
  private static let registration = Registration(
    key: key, certificateARN: "arn", outcome: .created, status: .inactive, requestID: "r-1",
    finishedAt: WallTime(secondsSinceEpoch: 0),
    basis: VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 1), policyFingerprint: 0),
    requester: requester)
  private static let upstreamError = ServiceError(
    .invalidRequest, reason: "upstream_refused_request", message: "no", origin: .upstream, requestID: "r-2")

  /// An error of the daemon's own that ends a registration.
  private static let missingCredentials = ServiceError(
    .unauthorized, reason: "no_credentials", message: "there are no credentials")

  /// The fields of the entries that `body` causes.
  private func entries(_ body: (AuditTrail) -> Void) throws -> [[String: String]] {
    let recorder = Recorder()
    let log = try LogPipeline(level: .info, clock: .system) { records in recorder.records.withLock { $0 += records } }
    body(AuditTrail(log: log))
    #expect(log.flush(within: .seconds(60)))
    return recorder.records.withLock { records in
      records.map { Dictionary(uniqueKeysWithValues: $0.fields.map { ($0.name, $0.value) }) }
    }
  }

  @Test func `a connection whose peer the kernel does not name has an entry`() throws {
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    let error = try #require(throws: HostError.self) { try PeerCredentials(descriptor: file) }
    #expect(try entries { $0.unknownPeer(error) }.map { $0["event"] } == ["peer_refused"])
  }

  @Test func `the entry of a registration's end names the caller, the outcome and the call`() throws {
    let failure = FailedRegistration(
      key: Self.key, error: Self.upstreamError, attempts: 3, finishedAt: WallTime(secondsSinceEpoch: 0),
      requester: Self.requester)
    let entries = try entries { trail in
      trail.ended(.registered(Self.registration), after: .milliseconds(12))
      trail.ended(.failed(failure), after: nil)
    }
    let common = [
      "certificate_id": Self.key.certificateID.hex, "target": "eu", "peer_uid": "1000", "peer_pid": "42",
      "peer_unit": "line.service",
    ]
    #expect(
      entries.first
        == common.merging([
          "event": "registered", "outcome": "created", "certificate_status": "INACTIVE", "aws_request_id": "r-1",
          "duration_ms": "12",
        ]) { $1 })
    #expect(
      entries.last
        == common.merging([
          "event": "registration_failed", "outcome": "failed", "reason": "upstream_refused_request",
          "error_type": "InvalidRequestException", "aws_request_id": "r-2", "attempts": "3",
        ]) { $1 })
  }

  @Test(
    arguments: [
      (.known, .registered(registration), nil),
      (.known, .failed(.alreadyExists(registration)), "registration_refused"),
      (.begun(.end), .registered(registration), nil),
      (.begun(.goesOn), .queued, "registration_queued"),
      (.begun(.end), .failed(upstreamError), nil),
      (.begun(.end), .failed(.queueExpired(lastError: nil)), nil),
      (.begun(.end), .failed(missingCredentials), nil),
      (.begun(.refused), .failed(.alreadyExists(registration)), "registration_refused"),
      (.begun(.refused), .failed(.queueFull(limit: 1)), "registration_refused"),
      (.begun(.goesOn), .failed(.deadlineExceeded(lastError: nil)), "registration_refused"),
      (.begun(.goesOn), .failed(upstreamError), "registration_refused"),
      (.shared, .registered(registration), "registration_shared"),
      (.shared, .failed(upstreamError), "registration_shared"),
      (.shared, .queued, "registration_shared"),
    ] as [(RegistrationEngine.Provenance, Registrar.Answer, String?)])
  func `each answer has an entry, except for repeats and the caller of the registration's own entry`(
    provenance: RegistrationEngine.Provenance, answer: Registrar.Answer, event: String?
  ) throws {
    let entries = try entries { $0.answered(Self.key, DeviceID("pump 7"), answer, provenance, to: Self.requester) }
      .filter { $0["event"] != "queue_full" }
    #expect(entries.map { $0["event"] } == (event.map { [$0] } ?? []))
    if event != nil {
      #expect(entries[0]["certificate_id"] == Self.key.certificateID.hex && entries[0]["peer_pid"] == "42")
      #expect(entries[0]["target"] == "eu" && entries[0]["outcome"] != nil)
      #expect(entries[0]["device_id"] == "pump 7")
    }
  }

  @Test(
    arguments: [
      (.begun(.goesOn), .queued, "registration_queued"), (.shared, .registered(registration), "registration_shared"),
      (.begun(.goesOn), .failed(upstreamError), "registration_refused"),
    ] as [(RegistrationEngine.Provenance, Registrar.Answer, String)],
    [.register, .update] as [RequestOperation])
  func `the entry of an answer names the request's operation`(
    answered: (RegistrationEngine.Provenance, Registrar.Answer, String), operation: RequestOperation
  ) throws {
    let (provenance, answer, event) = answered
    let entries = try entries {
      $0.answered(Self.key, nil, answer, provenance, of: operation, to: Self.requester)
    }
    #expect(entries.map { $0["event"] } == [event])
    #expect(entries.map { $0["operation"] } == [operation.rawValue])
  }

  @Test func `a repeat names its own caller, not the first one`() throws {
    let entries = try entries { $0.repeated(Self.registration, nil, by: Requester(uid: 1001, pid: 7, unit: nil)) }
    #expect(
      entries == [
        [
          "event": "registration_repeated", "outcome": "cached", "certificate_id": Self.key.certificateID.hex,
          "target": "eu", "peer_uid": "1001", "peer_pid": "7", "aws_request_id": "r-1",
        ]
      ])
  }

  @Test func `a full queue is an event beside the refusals, once a minute`() throws {
    let entries = try entries { trail in
      for _ in 0..<3 { trail.refused(Self.key.certificateID, in: [], nil, .queueFull(limit: 7), by: Self.requester) }
      trail.refused(Self.key.certificateID, in: [], nil, .draining, by: Self.requester)
    }
    #expect(entries.count { $0["event"] == "registration_refused" } == 4)
    let full = entries.filter { $0["event"] == "queue_full" }
    #expect(full.first?["reason"] == "queue_full" && full.first?["peer_uid"] == nil)
    // The end of the log reports the two entries that were held back.
    #expect(full.count == 1 && entries.last?["event"] == "messages_suppressed")
    #expect(entries.last?["suppressed"] == "2")
  }

  @Test func `a refusal by the rules of access is an event of its own`() throws {
    let entries = try entries {
      $0.refused(nil, in: [TargetName("eu"), TargetName("us")], nil, .peerNotAllowed("it"), by: Self.requester)
    }
    #expect(entries.first?["event"] == "peer_refused" && entries.first?["target"] == "eu,us")
    #expect(entries.first?["operation"] == "register" && entries.first?["certificate_id"] == nil)
  }
}
