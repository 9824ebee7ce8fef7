import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct CommandLineTests {
  private static let verbs = ["register", "status", "lookup", "fleet", "help"]

  @Test(arguments: [
    (["status"], ["status"]), ([], []), (["--help"], ["--help"]), (["--version"], ["--version"]),
    (["--socket", "/s", "status", "--json"], ["status", "--json", "--socket", "/s"]),
    (["--socket=/s", "status"], ["status", "--socket=/s"]),
    (["--json", "--timeout", "3", "lookup", "--", "-x"], ["lookup", "--json", "--timeout", "3", "--", "-x"]),
    (["--target", "a", "--target", "b", "register", "f"], ["register", "f", "--target", "a", "--target", "b"]),
    (["--socket", "/s", "fleet", "remove", "x"], ["fleet", "remove", "x", "--socket", "/s"]),
    (["--socket", "status", "register"], ["register", "--socket", "status"]),
    (["--socket", "/s", "--help"], ["--help", "--socket", "/s"]), (["--bogus", "status"], ["--bogus", "status"]),
  ])
  func `options of all verbs may precede the verb`(words: [String], expected: [String]) throws {
    #expect(try CommandWords.arranged(words, verbs: Self.verbs) == expected)
  }

  @Test(arguments: [
    (["regster"], "regster is not a verb; did you mean register?"), (["--json", "stat"], "stat is not a verb"),
    (["x"], "x is not a verb"), (["--socket", "/s"], "there is no verb"), (["--socket"], "there is no verb"),
  ])
  func `a verb that does not exist gets a suggestion where one is near`(words: [String], message: String) {
    let fault = #expect(throws: CommandWords.Fault.self) { try CommandWords.arranged(words, verbs: Self.verbs) }
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "")")
    #expect(fault?.advice.contains("register, status") == true)
  }

  @Test(arguments: [
    ("30", 30_000), ("0.5", 500), ("1.5s", 1500), ("500ms", 500), ("5m", 300_000), ("2min", 120_000), ("300", 300_000),
    ("0.001", 1),
  ])
  func `a plain number of a time limit is seconds`(text: String, milliseconds: Int64) throws {
    #expect(try TimeLimit.duration(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: ["10h", "301", "0", "0.0001", "6m", "99999999999999999999", "9e9", "1e3"])
  func `a time limit outside its range, or in another form, is refused`(text: String) {
    let fault = #expect(throws: TimeLimit.Fault.self) { try TimeLimit.duration(text) }
    let isForm = text.contains("e")
    #expect(fault?.description.contains(isForm ? "a number with a unit" : "from 1ms to 300s") == true)
  }

  @Test(arguments: ["", "s", "-1", "5 m", "30S", "1.2.3", "٣", "1h30m"])
  func `what is no time is refused`(text: String) {
    #expect(throws: TimeLimit.Fault.self) { try TimeLimit.duration(text) }
  }

  @Test func `finds a name that is given twice`() {
    #expect(CommandWords.repeated(in: ["a", "b", "a"]) == "a")
    #expect(CommandWords.repeated(in: ["a", "b"]) == nil)
  }
}

@Suite struct CertificateReferenceTests {
  private static let id = Sample.id
  private static var pairs: String {
    stride(from: 0, to: 64, by: 2).map { String(id.dropFirst($0).prefix(2)) }.joined(separator: ":")
  }

  static let forms = [
    id, id.uppercased(), pairs, pairs.uppercased(), "sha256 Fingerprint=\(pairs.uppercased())",
    "SHA256 Fingerprint=\(pairs)", "arn:aws:iot:eu-central-1:123456789012:cert/\(id)",
    "arn:aws-cn:iot:cn-north-1:123456789012:cert/\(id.uppercased())",
  ]

  @Test(arguments: forms) func `an ID is known in every form that people copy`(word: String) throws {
    #expect(try CertificateReference.id(word)?.hex == Self.id)
  }

  @Test(arguments: ["device.pem", "-", "", "certificates/", "cafe", "./7d2f7d2f7d2f7d2f", "x:y"])
  func `other words are files`(word: String) throws {
    #expect(try CertificateReference.id(word) == nil)
  }

  @Test(arguments: [
    (String(id.prefix(16)), "64 hexadecimal digits, and this has 16"), ("7d2f…", "this has 4"),
    (String(repeating: "ab:", count: 19) + "ab", "160 bits"), ("SHA1 Fingerprint=AB:CD", "16 bits"),
    ("arn:aws:iot:eu-central-1:1:thing/x", "not the ARN of a certificate"),
    ("arn:aws:iot:eu-central-1:1:cert/7d2f", "not the ARN of a certificate"), (String(id.dropLast()), "this has 63"),
  ])
  func `a malformed ID is refused with what is missing`(word: String, message: String) {
    let error = #expect(throws: InputError.self) { try CertificateReference.id(word) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    #expect(error?.advice != nil && error?.exitStatus == .usage)
  }

  @Test func `a file that looks like the beginning of an ID is a file`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("7d2f7d2f7d2f7d2f", "")
    #expect(try CertificateReference.id(path) == nil)
  }

  @Test(arguments: forms) func `lookup and forget ask for the ID`(word: String) throws {
    let daemon = try FakeDaemon(answering: { request in
      request["certificateId"]?.string == Sample.id
        ? JSON.answer(to: request, [("state", .string("registered")), ("certificateId", .string(Sample.id))]) : nil
    })
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console(), timeout: .seconds(5))
    #expect(LookupVerb(subjects: [word]).run(session) == .success)
    #expect(ForgetVerb(subjects: [word]).run(session) == .success)
    #expect(capture.output.contains(Sample.id))
  }

  @Test func `lookup of an ARN says that the certificate has another one`() throws {
    let other = "arn:aws:iot:eu-west-1:1:cert/\(Sample.id)"
    let daemon = try FakeDaemon(answering: { request in
      JSON.answer(
        to: request,
        [
          ("state", .string("registered")), ("certificateId", .string(Sample.id)),
          ("certificateArn", .string(Sample.arn)),
        ])
    })
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(LookupVerb(subjects: [other, Sample.arn]).run(session) == .success)
    #expect(capture.outputLines.map { $0.contains("its ARN is another one") } == [true, false])
  }
}
