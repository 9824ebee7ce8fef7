import CertRegClient
import CertRegCodec
import CertRegCore
import CertRegCrypto
import Synchronization
import Testing

@Suite struct UpdateVerbTests {
  private static let report = """
    name,certificateId,outcome,certificateArn,target,reason,message,deviceId,commonName,thingName,place
    "a","\(Sample.id)","created","arn","factory","","","","","","x:1"
    "b","","failed","","","no_certificate","m","","","","x:2"
    "a again","\(Sample.id)","duplicate","","","","","","","","x:3"
    "README","","passed_over","","","text","a text","","","","x:4"

    """

  private func run(
    _ subjects: [String], status: CertificateStatus = .active, targets: [String] = [], wait: Bool = true,
    answering answer: @escaping @Sendable (JSON) -> JSON? = UpdateVerbTests.updated
  ) throws -> (status: CommandStatus, lines: [String], notes: String, requests: [JSON]) {
    let requests = Mutex<[JSON]>([])
    let daemon = try FakeDaemon(answering: { request in
      guard request["op"]?.string == "update" else { return JSON.failure(request) }
      requests.withLock { $0.append(request) }
      return answer(request)
    })
    let capture = Capture()
    var verb = UpdateVerb(subjects: subjects, status: status)
    verb.wait = wait
    let end = verb.run(Session(socketPath: daemon.path, console: capture.console(), targets: targets))
    return (end, capture.outputLines, capture.errors, requests.withLock { $0 })
  }

  private static func updated(_ request: JSON) -> JSON? {
    guard request["op"]?.string == "update" else { return nil }
    return JSON.answer(
      to: request,
      [
        ("certificateId", request["certificateId"] ?? .null), ("outcome", .string("updated")),
        ("status", request["status"] ?? .null), ("cached", .bool(false)),
        ("target", request["target"] ?? .string("default")),
      ])
  }

  @Test func `sets the status of IDs, ARNs and files`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM(1))
    let result = try run([Sample.id.uppercased(), Sample.arn, file], status: .revoked)
    #expect(result.status == .success && result.lines.allSatisfy { $0.hasPrefix("updated\t") })
    let ids = [Sample.id, Sample.id, SHA256.digest(of: Sample.certificate(1)).hex]
    #expect(result.requests.map { $0["certificateId"]?.string } == ids)
    #expect(result.requests.allSatisfy { $0["status"]?.string == "REVOKED" && $0["wait"] == nil })
  }

  @Test func `reads every entry of a report, and accounts for all of them`() throws {
    let folder = try TemporaryFolder()
    let report = try folder.write("batch.import.csv", Self.report)
    let result = try run([report], wait: false)
    #expect(result.requests.count == 1)
    #expect(result.requests.first?["target"]?.string == "factory" && result.requests.first?["wait"]?.bool == false)
    #expect(result.lines.map { String($0.prefix { $0 != "\t" }) }.sorted() == ["failed", "updated"])
    #expect(result.status == .dataError && result.notes.contains("2 passed over"))
  }

  @Test func `the targets of the command line overrule those of a report`() throws {
    let folder = try TemporaryFolder()
    let report = try folder.write("batch.import.csv", Self.report)
    let result = try run([report], targets: ["a", "b"])
    #expect(result.requests.map { $0["target"]?.string } == ["a", "b"])
  }

  @Test func `a certificate that the upstream does not have is a failure of its own status`() throws {
    let result = try run([Sample.id]) { request in
      JSON.failure(
        request, type: "ResourceNotFoundException", reason: "certificate_not_found", message: "no such certificate")
    }
    #expect(result.status == .nothingFound && result.lines.first?.hasPrefix("failed\t") == true)
  }

  /// A daemon whose target is in a region, and that knows a certificate by an ARN.
  private func run(
    _ arn: String, region: String?, known: String?, described: String? = nil,
    _ verb: (String, Session) -> CommandStatus = { UpdateVerb(subjects: [$0], status: .revoked).run($1) }
  ) throws -> (CommandStatus, [String], [JSON]) {
    let target = [JSON.Member("name", .string("default")), JSON.Member("default", .bool(true))]
    let targets = JSON.array([.object(target + (region.map { [JSON.Member("region", .string($0))] } ?? []))])
    let requests = Mutex<[JSON]>([])
    let daemon = try FakeDaemon(
      status: [("version", .string("1")), ("targets", targets)],
      answering: { request in
        if request["op"]?.string == "lookup" {
          guard let known else { return JSON.failure(request, type: "ResourceNotFoundException", reason: "not_found") }
          return JSON.answer(to: request, [("state", .string("registered")), ("certificateArn", .string(known))])
        }
        if request["op"]?.string == "describe", let described {
          return JSON.answer(to: request, [("certificateArn", .string(described))])
        }
        requests.withLock { $0.append(request) }
        if request["op"]?.string == "update" { return UpdateVerbTests.updated(request) }
        return JSON.answer(to: request, [("status", .string("ACTIVE"))])
      })
    let capture = Capture()
    let end = verb(arn, Session(socketPath: daemon.path, console: capture.console()))
    return (end, capture.outputLines + [capture.errors], requests.withLock { $0 })
  }

  @Test func `a certificate is not revoked in another account or region than its ARN names`() throws {
    let other = Sample.arn.replacing("123456789012", with: "210987654321")
    for (region, known) in [("us-east-1", nil), (nil, other), ("eu-central-1", other)] as [(String?, String?)] {
      let (end, lines, requests) = try run(Sample.arn, region: region, known: known)
      #expect(end == .dataError && requests.isEmpty)
      #expect(lines[0].contains("arn_differs") && lines.last?.contains("--target") == true)
    }
    for (region, known) in [("eu-central-1", Sample.arn), (nil, nil)] as [(String?, String?)] {
      let (end, _, requests) = try run(Sample.arn, region: region, known: known, described: Sample.arn)
      #expect(end == .success && requests.count == 1)
    }
    // Nothing undoes it, so the upstream is asked about what the daemon does not know.
    let (end, _, requests) = try run(Sample.arn, region: nil, known: nil, described: other)
    #expect(end == .dataError && requests.isEmpty)
    let china = Sample.arn.replacing("arn:aws:", with: "arn:aws-cn:")
    let (partition, said, none) = try run(china, region: "eu-central-1", known: nil)
    #expect(partition == .dataError && none.isEmpty && said[0].contains("arn_differs"))
  }

  @Test(arguments: ["update", "forget", "describe"])
  func `the ARN of a row or a word is that of the certificate in the target`(operation: String) throws {
    let folder = try TemporaryFolder()
    let other = Sample.arn.replacing("123456789012", with: "210987654321")
    let report = try folder.write(
      "batch.import.csv",
      "name,certificateId,outcome,certificateArn,target,reason,message\nx,\(Sample.id),created,\(Sample.arn),,,\n")
    for subject in operation == "forget" ? [Sample.arn] : [Sample.arn, report] {
      for (known, isRight) in [(Sample.arn, true), (other, false)] {
        let (_, lines, requests) = try run(subject, region: "eu-central-1", known: known) { subject, session in
          switch operation {
          case "forget": ForgetVerb(subjects: [subject]).run(session)
          case "describe": DescribeVerb(subjects: [subject]).run(session)
          default: UpdateVerb(subjects: [subject], status: .inactive).run(session)
          }
        }
        #expect(requests.count == (isRight ? 1 : 0), "\(subject)")
        #expect(lines[0].contains("arn_differs") != isRight, "\(lines)")
      }
    }
  }

  @Test func `a row whose ARN is that of another certificate changes none`() throws {
    let folder = try TemporaryFolder()
    let other = Sample.arn.replacing(Sample.id, with: String(repeating: "b", count: 64))
    let report = try folder.write(
      "batch.import.csv",
      "name,certificateId,outcome,certificateArn,target,reason,message\nx,\(Sample.id),created,\(other),,,\n")
    for known in [nil, Sample.arn, other] {
      let (end, lines, requests) = try run(report, region: "eu-central-1", known: known, described: Sample.arn)
      #expect(end == .dataError && requests.isEmpty && lines[0].contains("arn_differs"), "\(lines)")
      #expect(lines.last?.contains("correct the report") == true)
    }
  }
}
