import CertRegClient
import CertRegCodec
import CertRegCore
import CertRegCrypto
import Testing

@Suite struct LookupVerbTests {
  private func session(_ daemon: FakeDaemon, _ console: Console, json: Bool = false, targets: [String] = []) -> Session
  {
    Session(socketPath: daemon.path, console: console, json: json, targets: targets)
  }

  @Test func `looks up by ID and by file, for each target`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      guard let target = request["target"]?.string else { return nil }
      if request["certificateId"]?.string == Sample.id {
        return JSON.answer(
          to: request,
          [("state", .string("registered")), ("certificateId", .string(Sample.id)), ("target", .string(target))])
      }
      return JSON.failure(request, type: "ResourceNotFoundException", reason: "not_found", message: "unknown")
    })
    let capture = Capture()
    let verb = LookupVerb(subjects: [Sample.id.uppercased(), file])
    #expect(verb.run(session(daemon, capture.console(), targets: ["a", "b"])) == .nothingFound)
    #expect(
      capture.outputLines.map { String($0.prefix { $0 != "\t" }) } == [
        "registered", "registered", "unknown", "unknown",
      ])
  }

  @Test func `a failure on record is an answer of lookup, not its failure`() throws {
    let daemon = try FakeDaemon(answering: { request in
      let error = JSON.failure(request)["error"] ?? .null
      return JSON.answer(to: request, [("state", .string("failed")), ("error", error)])
    })
    #expect(LookupVerb(subjects: [Sample.id]).run(session(daemon, Capture().console())) == .success)
  }

  @Test func `names the thing once`() throws {
    let daemon = try FakeDaemon(answering: { request in
      let provisioning = JSON.object([JSON.Member("thingName", .string("pump-7"))])
      return JSON.answer(
        to: request,
        [
          ("state", .string("registered")), ("certificateId", .string(Sample.id)), ("provisioning", provisioning),
          ("lastError", JSON.failure(request, reason: "weak", message: "why")["error"] ?? .null),
        ])
    })
    let capture = Capture()
    #expect(LookupVerb(subjects: [Sample.id]).run(session(daemon, capture.console())) == .success)
    #expect(capture.outputLines.map { $0.split(separator: "\t").last } == ["weak: why; thing pump-7"])
  }

  @Test func `forgets by ID and by file`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM(1))
    let id = SHA256.digest(of: Sample.certificate(1)).hex
    let daemon = try FakeDaemon(answering: { request in
      request["op"]?.string == "forget" && request["certificatePem"] == nil
        ? JSON.answer(to: request, [("certificateId", request["certificateId"] ?? .null)]) : nil
    })
    let capture = Capture()
    #expect(ForgetVerb(subjects: [Sample.id, file]).run(session(daemon, capture.console())) == .success)
    #expect(
      capture.outputLines == [
        "forgotten\t\(Sample.id)\t-\t\(Sample.id)\t-\t-", "forgotten\t\(id)\t-\t\(file)\t-\t-",
      ])
  }

  @Test func `advises to give the IDs of a list of ARNs, and not to register`() throws {
    let folder = try TemporaryFolder()
    let list = try folder.write("arns.txt", "\(Sample.arn)\n")
    let daemon = try FakeDaemon(answering: { _ in nil })
    let ids = "grep -oE '[0-9a-f]{64}' FILE | sort -u | xargs certregctl"
    var capture = Capture()
    #expect(LookupVerb(subjects: [list]).run(session(daemon, capture.console())) == .dataError)
    #expect(capture.errors.contains("\(ids) lookup"))
    capture = Capture()
    #expect(UpdateVerb(subjects: [list], status: .revoked).run(session(daemon, capture.console())) == .dataError)
    #expect(capture.errors.contains("\(ids) revoke") && !capture.errors.contains("register"))
  }

  @Test func `takes the certificates of a report`() throws {
    let folder = try TemporaryFolder()
    let report = try folder.write(
      "batch.import.csv",
      "name,certificateId,outcome,certificateArn,target,reason,message,deviceId,commonName,thingName,place\n"
        + "\"a\",\"\(Sample.id)\",\"created\",\"\",\"factory\",\"\",\"\",\"\",\"\",\"\",\"x:1\"\n"
        + "\"b\",\"\",\"passed_over\",\"\",\"\",\"text\",\"text\",\"\",\"\",\"\",\"x:2\"\n")
    let daemon = try FakeDaemon(answering: { request in
      guard request["certificateId"]?.string == Sample.id, request["target"]?.string == "factory" else { return nil }
      return JSON.answer(to: request, [("state", .string("registered")), ("certificateId", .string(Sample.id))])
    })
    let capture = Capture()
    #expect(LookupVerb(subjects: [report]).run(session(daemon, capture.console())) == .success)
    #expect(ForgetVerb(subjects: [report]).run(session(daemon, capture.console())) == .success)
    #expect(capture.outputLines.map { String($0.prefix { $0 != "\t" }) } == ["registered", "forgotten"])
    #expect(capture.errors.contains("1 passed over"))
  }

  @Test func `shows what a certificate says, and what was noticed about it`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let text = """
      {"certificateId":"\(Sample.id)","certificate":{"subject":[{"type":"O","value":"A, Inc"},{"type":"CN","value":"x"}],
      "isCA":true},"findings":[{"reason":"ca_certificate","severity":"note","message":"an authority","source":"RFC 5280"}]}
      """
    let members = try #require(try JSON(parsing: text).members)
    let daemon = try FakeDaemon(answering: { JSON.answer(to: $0, members.map { ($0.name, $0.value) }) })
    let capture = Capture()
    #expect(ValidateVerb(paths: [file]).run(session(daemon, capture.console(columns: 100))) == .success)
    #expect(
      capture.outputLines == [
        "valid  \(file)", "  certificate ID  \(Sample.id)", "  subject         O=A\\, Inc, CN=x",
        "  is CA           yes",
        "  ! note, ca_certificate: an authority (RFC 5280)",
      ])
    let piped = Capture()
    _ = ValidateVerb(paths: [file]).run(session(daemon, piped.console()))
    #expect(piped.output == "valid\t\(Sample.id)\t-\t\(file)\t-\tnote, ca_certificate: an authority (RFC 5280)\n")
  }
}
