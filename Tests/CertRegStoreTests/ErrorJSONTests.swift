import CertRegCore
import Testing

@testable import CertRegStore

@Suite struct ErrorJSONTests {
  private let error = ServiceError(
    .throttling, reason: Reason(rawValue: "throttled"), message: "a/b \u{1b}\"é", retryable: true, origin: .upstream,
    retryAfterMilliseconds: 1500, resourceID: "id", resourceARN: "arn", status: .active, requestID: "r-1",
    upstreamType: "SlowDown")

  /// What Foundation's encoder wrote into databases of earlier versions.
  private let stored = #"""
    {"kind":"ThrottlingException","message":"a\/b \u001b\"é","origin":"upstream","reason":"throttled",\#
    "requestID":"r-1","requester":{"pid":7,"uid":1000,"unit":"a.service"},"resourceARN":"arn","resourceID":"id",\#
    "retryAfterMilliseconds":1500,"retryable":true,"status":"ACTIVE","upstreamType":"SlowDown"}
    """#

  @Test func `reads the form that databases hold`() {
    #expect(ErrorJSON.decode(Array(stored.utf8)) == error)
    #expect(ErrorJSON.requester(in: Array(stored.utf8)) == Requester(uid: 1000, pid: 7, unit: "a.service"))
  }

  @Test func `reads what it writes, with and without the optional members`() {
    let bare = ServiceError(.invalidRequest, reason: Reason(rawValue: "x"), message: "")
    for (error, requester) in [(error, Requester(uid: 5)), (error, nil), (bare, nil)] {
      let text = ErrorJSON.encode(error, requester: requester)
      #expect(ErrorJSON.decode(text) == error)
      #expect(ErrorJSON.requester(in: text) == requester)
    }
  }

  @Test(arguments: ServiceError.Kind.allCases)
  func `reads every kind of error, with the step that failed`(kind: ServiceError.Kind) {
    var failed = error
    failed.kind = kind
    failed.failedStep = FailedStep(operation: "AttachPolicy", certificateID: "00", certificateARN: "arn")
    #expect(ErrorJSON.decode(ErrorJSON.encode(failed)) == failed)
  }

  @Test func `the cause of an error is not stored`() {
    var caused = error
    caused.cause = ErrorCause("connect: refused (errno: 111)")
    let text = ErrorJSON.encode(caused)
    #expect(text == ErrorJSON.encode(error))
    #expect(ErrorJSON.decode(text) == error)
  }

  @Test(arguments: [
    "", "null", "[]", "{}", #"{"kind":"X","message":"","origin":"daemon","reason":"r","retryable":false}"#,
    #"{"kind":"ThrottlingException","message":"","origin":"daemon","reason":"r","retryable":"false"}"#,
  ])
  func `gives no error for another text`(text: String) {
    #expect(ErrorJSON.decode(Array(text.utf8)) == nil)
  }

  @Test(arguments: [
    #"{"pid":1}"#, #"{"pid":99999999999,"uid":1}"#, #"{"pid":1,"uid":-1}"#, #"{"pid":1,"uid":1e99}"#, "7",
  ])
  func `gives no requester for a number that does not fit`(requester: String) {
    #expect(ErrorJSON.requester(in: Array("{\"requester\":\(requester)}".utf8)) == nil)
  }
}
