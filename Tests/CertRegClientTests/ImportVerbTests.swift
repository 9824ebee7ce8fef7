import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

@Suite struct ImportVerbTests {
  @Test func `tries again what can succeed later, and gives up on what does not`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 30)
    let register = Register()
    let hopeless = PEM.certificate(der: Sample.certificate(7))
    let daemon = try FakeDaemon(answering: { request in
      let count = register.count(request)
      guard count > 2, request["certificatePem"]?.string != hopeless else {
        return JSON.failure(request, type: "ThrottlingException", reason: "throttled", retryable: true)
      }
      return Batch.registered(request)
    })
    let capture = Capture()
    let status = Batch.verb(source, folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .temporaryFailure)
    #expect(capture.errors.contains("30 entries: 29 created, 1 failed"))
    #expect(capture.errors.contains("--resume"))
    #expect(register.total == 29 * 3 + 10)
    // What failed is a source of its own.
    let failed = try Batch.entries(of: folder.path("r.failed.jsonl"))
    #expect(failed.map(pem) == [hopeless])
  }

  @Test func `comes back to a daemon that closes its connections`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 50)
    let register = Register()
    let daemon = try FakeDaemon { peer in
      for _ in 0..<20 {
        guard let request = peer.readLine() else { return }
        _ = register.count(request)
        peer.write(Batch.registered(request).serialized() + "\n")
      }
    }
    let capture = Capture()
    let status = Batch.verb(source, folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .success)
    #expect(register.certificates == 50)
    #expect(capture.errors.contains("50 entries: 50 created"))
  }

  @Test func `a dry run registers nothing and writes no report`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let daemon = try FakeDaemon(answering: { request in
      request["op"]?.string == "validate"
        ? JSON.answer(to: request, [("certificateId", .string(Sample.id))]) : JSON.failure(request)
    })
    var verb = ImportVerb(source: source)
    verb.isDryRun = true
    let capture = Capture()
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .success)
    #expect(capture.errors == "3 entries: 3 valid\n")
  }

  @Test func `a report on standard output takes the place of results`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let hopeless = PEM.certificate(der: Sample.certificate(1))
    let daemon = try FakeDaemon(answering: { request in
      request["certificatePem"]?.string == hopeless ? JSON.failure(request) : Batch.registered(request)
    })
    let capture = Capture()
    #expect(Batch.verb(source, "-").run(Session(socketPath: daemon.path, console: capture.console())) == .dataError)
    #expect(capture.outputLines.first == ImportRecord.columns.joined(separator: ","))
    #expect(capture.outputLines.dropFirst().allSatisfy { $0.hasPrefix("\"") })
    #expect(capture.outputLines.count == 4)
    #expect(capture.errors.contains("3 entries: 2 created, 1 failed\n"))
    #expect(capture.errors.contains("report: standard output\n"))
    #expect(!FileManager.default.fileExists(atPath: "-"))

    let lines = Capture()
    _ = Batch.verb(source, "-").run(Session(socketPath: daemon.path, console: lines.console(), json: true))
    #expect(try lines.outputLines.map { try JSON(parsing: $0)["outcome"]?.string }.count == 3)

    var verb = Batch.verb(source, "-")
    verb.resumes = true
    let resumed = Capture()
    #expect(verb.run(Session(socketPath: daemon.path, console: resumed.console())) == .cannotCreate)
    #expect(resumed.errors.contains("cannot be continued") && resumed.errors.contains("--report"))
  }

  @Test func `a report in a folder that cannot be written to says what helps`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 1)
    let capture = Capture()
    let session = Session(socketPath: folder.path("none"), console: capture.console())
    #expect(Batch.verb(source, folder.path("missing/r.csv")).run(session) == .cannotCreate)
    #expect(capture.errors.contains("name a report in a folder that you may write to: --report PATH"))
  }

  @Test func `says at once that there is no daemon`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let capture = Capture()
    let status = Batch.verb(source, folder.path("r.csv")).run(
      Session(socketPath: folder.path("none"), console: capture.console()))
    #expect(status == .unavailable)
    #expect(capture.errors.contains("systemctl start certregd"))
  }

  @Test func `a signer must be a certificate with a key on P-256, and go with a manifest`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let capture = Capture()
    let session = Session(socketPath: folder.path("none"), console: capture.console())
    var verb = Batch.verb(source, folder.path("r.csv"))
    let rsa = try Issuer(folder, "rsa", ["rsa:2048"])
    let files = [folder.path("none.crt"), try folder.write("x.crt", Sample.certificatePEM(1)), rsa.certificatePath]
    for (file, problem) in zip(files, ["no such file", "OpenSSL can read", "P-256"]) {
      verb.signerPaths = [file]
      #expect(verb.run(session) != .success)
      #expect(capture.errors.contains(problem))
    }
    verb.signerPaths = [try Issuer(folder, "ec").certificatePath]
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .dataError)
    #expect(capture.output.contains("not an entry of a Microchip manifest, which --signer is for"))
  }

  @Test func `quotes what a shell would take apart`() {
    #expect("batch.csv".quotedForShell == "batch.csv")
    #expect("my batch.csv".quotedForShell == "'my batch.csv'")
    #expect("it's $(x)".quotedForShell == "'it'\\''s $(x)'")
    #expect("".quotedForShell == "''")
    var verb = ImportVerb(source: "a b")
    verb.arguments = ["--status", "ACTIVE", "a b", "--resume"]
    #expect(verb.resumeCommand == "certregctl import --resume --status ACTIVE 'a b'")
    verb.arguments += ["--socket", "my socket", "--include-ca"]
    verb.input.includesAuthorities = true
    verb.wait = false
    let session = Session(socketPath: "my socket", console: Capture().console(), targets: ["eu"])
    #expect(
      verb.retryCommand("f.jsonl", session)
        == "certregctl import f.jsonl --socket 'my socket' --include-ca --no-wait --target eu")
    // What these options have refused is not registered without them.
    verb = ImportVerb(source: "a.csv")
    verb.input.nameColumn = "Device ID"
    verb.input.checksCommonName = true
    #expect(
      verb.retryCommand("f.jsonl", Session(socketPath: "s", console: Capture().console()))
        == "certregctl import f.jsonl --name-column 'Device ID' --check-cn")
  }
}
