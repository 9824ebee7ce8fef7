import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Advice that depends on more than the reason of an error.
@Suite struct AdviceTests {
  private func error(_ reason: String, _ message: String = "", status: String? = nil) -> AnswerError {
    var error = AnswerError(type: "CertificateStateException", reason: reason, message: message)
    error.status = status
    return error
  }

  @Test(arguments: [
    ("REVOKED", CertificateStatus.active, "another certificate"), ("INACTIVE", .pendingTransfer, "leave --status out"),
    ("INACTIVE", .pendingActivation, "leave --status out"), ("ACTIVE", .registerInactive, "leave --status out"),
    ("PENDING_TRANSFER", .active, "transfer"), ("INACTIVE", .active, "certregctl activate"),
    ("INACTIVE", .revoked, "certregctl activate, deactivate or revoke"), ("INACTIVE", nil, "--if-exists update"),
  ])
  func `only a status that can be set is to be set`(found: String, wanted: CertificateStatus?, words: String) {
    let advice = Advice.about(error("status_differs", status: found), status: wanted) ?? ""
    #expect(advice.contains(words), "\(advice)")
    #expect(advice.contains("certregctl activate") == ["certregctl", "--if-exists"].contains { words.contains($0) })
  }

  @Test func `the status of an error is that of its answer`() throws {
    let json = try JSON(parsing: #"{"type":"CertificateStateException","reason":"status_differs","status":"REVOKED"}"#)
    #expect(AnswerError(json: json)?.status == "REVOKED")
  }

  @Test func `a step goes on only where no status stands in its way`() {
    for (type, goesOn) in [("ResourceNotFoundException", true), ("CertificateStateException", false)] {
      var error = error("upstream_refused")
      (error.type, error.step) = (type, "UpdateCertificate")
      let line = ResultLine(outcome: "failed", name: "a", error: error)
      #expect(line.detail?.contains("asking again goes on from there") == goesOn, "\(type)")
    }
  }

  @Test func `a command of advice has the targets of the command line`() {
    let late = error("deadline_exceeded")
    #expect(Advice.about(late)?.contains("certregctl lookup FILE") == true)
    let advice = Advice.about(late, targets: ["factory", "lab"])
    #expect(advice?.contains("certregctl lookup --target factory --target lab FILE") == true, "\(advice ?? "-")")
  }

  @Test(arguments: [
    ("invalid_signature", "x: Credential should be scoped to a valid region.", "target's region"),
    ("invalid_signature", "The signature does not match", "secret key"),
    ("tls_failure", "h: the server's certificate is for another host name", "as its certificate does"),
    ("tls_failure", "h: the server does not speak TLS at this port", "port or the scheme"),
    ("tls_failure", "h: the server's certificate is not trusted", "caFile"),
  ])
  func `one reason has several causes`(reason: String, message: String, words: String) {
    let advice = Advice.about(error(reason, message)) ?? ""
    #expect(advice.contains(words), "\(advice)")
  }

  @Test func `a thing that is attached may keep another one away`() {
    #expect(Advice.forThing(attached: nil).contains("detach") == false)
    let advice = Advice.forThing(attached: "pump 7")
    #expect(advice.contains("aws iot detach-thing-principal --thing-name 'pump 7'"))
  }

  @Test(arguments: [
    ("fe_sendauth: no password supplied", "--password-file FILE"),
    ("password authentication failed for user \"owner\"", "--password-file FILE"),
    ("permission denied for database fleet", "owner of the database"), ("Connection refused", ""),
  ])
  func `the owner of the database learns what to do`(message: String, words: String) {
    #expect(FleetAdvice.forOwner(message).map { $0.contains(words) } ?? words.isEmpty)
  }
}
