import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegTesting
import Glibc
import Testing

@testable import CertRegDaemon

/// Causes of errors are for the log: no answer has one.
@Suite struct ErrorCauseTests {
  /// A fault behind the service, and a request that meets it.
  struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var replies: [UpstreamReply] = []
    var store: StoreError?
    var accounts: AccountDatabase.Answer?
    var line: String?
    var event: String
    var cause: String
  }

  private static let certificate = Result { try ServiceUnderTest.issueCertificate() }
  private static let someID = String(repeating: "0", count: 64)

  private static func failed(_ disposition: UpstreamFailure.Disposition) -> UpstreamReply {
    let error = ServiceError(
      .serviceUnavailable, reason: "connection_refused", message: "the connection was refused", retryable: true,
      origin: .upstream, cause: ErrorCause("connect: refused (errno: 111)"))
    return .failed(UpstreamFailure(error: error, disposition: disposition))
  }

  /// Twice in a row it is an outage.
  private static let away = UpstreamFailure.Disposition.unavailable(retryAfter: nil)

  private static let fullDisk = StoreError(.full, message: "certregd.db: disk full (SQLite code 13)")

  private static let faults = [
    Fault(
      testDescription: "a call that failed for good", replies: [failed(.final)], event: "registration_failed",
      cause: "errno: 111"),
    Fault(
      testDescription: "an upstream that is away", replies: [failed(away), failed(away)],
      event: "upstream_unavailable", cause: "errno: 111"),
    Fault(
      testDescription: "credentials that are refused", replies: [failed(.identity)], event: "identity_refused",
      cause: "errno: 111"),
    Fault(
      testDescription: "a full disk, for a registration", store: fullDisk, event: "registration_refused",
      cause: "SQLite code 13"),
    Fault(
      testDescription: "a full disk, for a look-up", store: fullDisk,
      line: #"{"id":1,"op":"lookup","certificateId":"\#(someID)"}"#, event: "store_failed", cause: "SQLite code 13"),
    Fault(
      testDescription: "a full disk, for a removal", store: fullDisk,
      line: #"{"id":1,"op":"forget","certificateId":"\#(someID)"}"#, event: "store_failed", cause: "SQLite code 13"),
    Fault(
      testDescription: "a directory that fails, for a registration", accounts: .failed(errno: EIO),
      event: "peer_refused", cause: "(errno 5)"),
    Fault(
      testDescription: "a directory that fails, for a look-up", accounts: .failed(errno: EIO),
      line: #"{"id":1,"op":"lookup","certificateId":"\#(someID)"}"#, event: "peer_refused", cause: "(errno 5)"),
  ]

  @Test(arguments: [("lookup", ""), ("forget", "; nothing was accepted")])
  func `a disk that cannot be read is not told as one that cannot be written`(
    operation: String, accepted: String
  ) async throws {
    let service = try await ServiceUnderTest(.direct, replies: [])
    service.store.setFault(StoreError(.failed, message: "certregd.db: disk I/O error (SQLite code 266)"))
    let answer = try await service.ask(#"{"id":1,"op":"\#(operation)","certificateId":"\#(Self.someID)"}"#)
    await service.stop()
    let error = answer["error"] as? [String: any Sendable]
    #expect(
      error?["message"] as? String
        == "the state directory cannot be read or written\(accepted) (certregd's log says why)")
  }

  @Test(arguments: faults)
  func `the log has the cause, and no answer has it`(_ fault: Fault) async throws {
    let access = fault.accounts.map { answer in
      var settings = AccessSettings()
      var rule = AccessRule()
      rule.user = .name("operator")
      settings.rules = [rule]
      return AccessControl(
        settings, maxPending: 100, database: AccountDatabase { _ in answer }, clock: ManualClock().clock)
    }
    let service = try await ServiceUnderTest(.socket, replies: fault.replies, access: access)
    service.store.setFault(fault.store)
    let pem = try Self.certificate.get().replacing("\n", with: "\\n")
    var answers = [try await service.askForText(fault.line ?? #"{"id":1,"certificatePem":"\#(pem)"}"#)]
    answers.append(try await service.askForText(#"{"id":2,"op":"lookup","certificatePem":"\#(pem)"}"#))
    answers.append(try await service.askForText(#"{"id":3,"op":"status"}"#))
    await service.stop()
    for answer in answers { #expect(!answer.contains(fault.cause), "\(answer)") }
    let entries = service.entries.filter { $0["event"] == fault.event }
    #expect(entries.contains { $0["cause"]?.contains(fault.cause) == true }, "\(service.entries)")
  }
}
