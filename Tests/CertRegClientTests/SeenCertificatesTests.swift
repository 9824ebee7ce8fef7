import CertRegCodec
import CertRegCore
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// Certificates that come more than once in a batch.
@Suite struct SeenCertificatesTests {
  private static let base64 = (UInt8(0)..<3).map { Base64.encode(Sample.certificate($0)) }

  @Test func `one certificate for two devices is a failure that names the first place`() throws {
    let folder = try TemporaryFolder()
    let rows = ["a,\(Self.base64[0]),7", "b,\(Self.base64[1]),7", "a,\(Self.base64[0]),7", "c,\(Self.base64[1]),7"]
    let source = try folder.write("batch.csv", "device id,cert,hall\n" + rows.joined(separator: "\n") + "\n")
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return Batch.registered(request)
    })
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(Batch.verb(source, folder.path("r.csv")).run(session) == .dataError)
    #expect(capture.errors.contains("4 entries: 2 created, 1 duplicate, 1 failed"))
    #expect(capture.output.contains("duplicate_of_other_device") && capture.output.contains("batch.csv:3 b"))
    #expect(register.total == 2)
    // Nothing is left to be tried again.
    #expect(!FileManager.default.fileExists(atPath: folder.path("r.failed.jsonl")))
    // A repeat that is resumed is one again.
    var again = Batch.verb(source, folder.path("r.csv"))
    again.resumes = true
    #expect(again.run(session) == .dataError)
    #expect(register.total == 2)

    let registered = Capture()
    let verb = RegisterVerb(paths: [source])
    #expect(verb.run(Session(socketPath: daemon.path, console: registered.console())) == .dataError)
    #expect(registered.output.contains("duplicate_of_other_device") && registered.output.contains("batch.csv:3 b"))
    #expect(registered.errors.contains("4 certificates: 3 created, 1 failed"))
  }

  @Test(arguments: [1, 2]) func `a name on the command line is that of the one certificate`(count: Int) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("c/note.txt", "no certificate\n")
    for number in 0..<count { _ = try folder.write("c/\(number).txt", Self.base64[number] + "\n") }
    let requests = Mutex<[JSON]>([])
    let daemon = try FakeDaemon(answering: { request in
      requests.withLock { $0.append(request) }
      return Batch.registered(request)
    })
    let capture = Capture()
    var verb = RegisterVerb(paths: [folder.path("c")])
    (verb.deviceID, verb.provision) = ("pump-7", .named("sensors"))
    let status = verb.run(Session(socketPath: daemon.path, console: capture.console()))
    let names = requests.withLock { $0.map { $0["deviceId"]?.string } }
    #expect(names == (count == 1 ? ["pump-7"] : []))
    #expect((status == .success) == (count == 1))
    #expect(capture.errors.contains("several certificates") == (count > 1))
  }

  @Test func `what says nothing about its device repeats any other`() {
    var seen = SeenCertificates()
    func verdict(_ number: UInt8, _ deviceID: String?, _ attributes: [String: String] = [:]) -> String {
      let certificate = InputCertificate(der: Sample.certificate(number))
      var entry = InputEntry(place: "x", deviceID: deviceID, .certificate(certificate))
      entry.attributes = attributes.map { DeviceAttribute(name: $0.key, value: $0.value) }
      return switch seen.take(certificate, of: entry) {
      case .new: "new"
      case .duplicate: "duplicate"
      case .conflict: "conflict"
      }
    }
    #expect(verdict(1, nil) == "new")
    #expect(verdict(1, "a") == "duplicate")
    #expect(verdict(1, nil) == "duplicate")
    #expect(verdict(1, "b") == "conflict")
    #expect(verdict(1, "a") == "duplicate")
    #expect(verdict(2, "a", ["hall": "7"]) == "new")
    #expect(verdict(2, "a", ["hall": "8"]) == "conflict")
    #expect(verdict(2, "a", ["hall": "7"]) == "duplicate")
  }
}
