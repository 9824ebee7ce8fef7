import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct StateFileTests {
  private let folder: TemporaryFolder
  private let account = SandboxAccount()

  init() throws {
    folder = try TemporaryFolder()
  }

  private var path: String { folder.path("register.jsonl") }

  /// Makes changes through the file like an endpoint.
  private func write(_ changes: [RegisterChange]) throws {
    var (file, register) = try StateFile.open(path: path, account: account)
    for change in changes {
      try file.append(change)
      let hasChanged = register.apply(change)
      #expect(hasChanged)
    }
  }

  private func registration(_ number: Int, status: CertificateStatus = .active) -> RegisterChange {
    let subject = certificate(number)
    return .register(
      RegisteredCertificate(
        id: subject.id, der: subject.der, status: status, createdAt: ManualClock.start,
        lastModifiedAt: ManualClock.start + .milliseconds(7), notBefore: subject.notBefore, notAfter: subject.notAfter,
        generationID: UniqueID(UInt64(number), 99)))
  }

  @Test func `a new file begins an empty register`() throws {
    let opened = try StateFile.open(path: path, account: account)
    #expect(opened.register.count == 0)
    #expect(folder.contains("register.jsonl"))
  }

  @Test func `a new start reads every change, to the last member`() throws {
    let later = ManualClock.start + .seconds(60)
    let changes: [RegisterChange] = [
      registration(1), registration(2, status: .revoked), registration(3, status: .inactive),
      .setStatus(certificate(1).id, .inactive, at: later), .delete(certificate(3).id), registration(4),
    ]
    try write(changes)
    var expected = SandboxRegister(account: account)
    for change in changes { expected.apply(change) }
    let register = try StateFile.open(path: path, account: account).register
    #expect(Array(register.certificates) == Array(expected.certificates))
    #expect(register.count == 3)
    #expect(try register.describe(certificate(1).id).lastModifiedAt == later)
  }

  @Test func `reads the lines that earlier versions wrote`() throws {
    let at = #"{"millisecondsSinceEpoch":1795507750000}"#
    let subject = certificate(1)
    let header = #"{"account":"123456789012","certregSandbox":1,"region":"eu-central-1"}"#
    let line = #"""
      {"at":\#(at),"certificateId":"\#(subject.id.hex)","change":"register","der":"Y2VydGlmaWNhdGUgMQ==",\#
      "generationId":"00000000-0000-4001-8000-000000000063","lastModified":{"millisecondsSinceEpoch":1795507750007},\#
      "notAfter":{"millisecondsSinceEpoch":4000000000000},"notBefore":{"millisecondsSinceEpoch":1000000},\#
      "status":"ACTIVE"}
      """#
    try folder.write(Array("\(header)\n\(line)\n".utf8), to: "register.jsonl")
    let register = try StateFile.open(path: path, account: account).register
    #expect(try register.describe(subject.id).lastModifiedAt == ManualClock.start + .milliseconds(7))
    try write([registration(2)])
    try folder.write([], to: "empty")
    var (file, _) = try StateFile.open(path: folder.path("empty"), account: account)
    try file.append(registration(1))
    #expect(try folder.read("empty") == Array("\(header)\n\(line)\n".utf8))
  }

  @Test func `an endpoint continues with the register of an earlier one`() throws {
    let request = SandboxRequest(
      method: "POST", target: "/certificate/register-no-ca", body: Array(#"{"certificatePem":"certificate 1"}"#.utf8))
    for status in [200, 409] {
      let endpoint = SandboxEndpoint(
        SandboxConfiguration(), judge: StubJudge(), stateFile: try StateFile.open(path: path, account: account),
        clock: ManualClock.atStart().clock, seed: 1)
      #expect(endpoint.answer(request).response?.status == status)
    }
  }

  @Test func `a last line that was cut short is dropped and written over`() throws {
    try write([registration(1), registration(2)])
    let whole = try folder.read("register.jsonl")
    try folder.write(whole.dropLast(40), to: "register.jsonl")
    try write([registration(3)])
    let register = try StateFile.open(path: path, account: account).register
    #expect(register.certificates.map(\.id) == [certificate(1).id, certificate(3).id])
  }

  @Test func `wherever the file ends, its complete lines are read`() throws {
    try write([registration(1), registration(2)])
    let whole = try folder.read("register.jsonl")
    for length in 0...whole.count {
      try folder.write(whole.prefix(length), to: "register.jsonl")
      let lines = whole.prefix(length).count { $0 == UInt8(ascii: "\n") }
      #expect(try StateFile.open(path: path, account: account).register.count == max(lines - 1, 0), "length \(length)")
    }
  }

  @Test(arguments: [
    (1, "", "it is not a line"), (1, "{}", "it is not a line"), (1, "{\"certregSandbox\":1}", "it is not a line"),
    (2, "", "it is not a line"), (2, "nonsense", "it is not a line"), (3, "{}", "it is not a line"),
    (2, #"{"certificateId":"00","change":"delete"}"#, "certificateId is not a SHA-256"),
    (2, #"{"certificateId":"\#(String(repeating: "0", count: 64))","change":"delete"}"#, "it does not fit"),
    (2, #"{"certificateId":"\#(String(repeating: "0", count: 64))","change":"setStatus"}"#, "a member is missing"),
    (2, #"{"certificateId":"\#(String(repeating: "0", count: 64))","change":"register"}"#, "a member is missing"),
  ])
  func `a damaged line is refused by its number`(number: Int, line: String, reason: String) throws {
    try write([registration(1), registration(2)])
    var lines = try folder.read("register.jsonl").split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines[number - 1] = line.utf8.map { $0 }[...]
    try folder.write(lines.joined(separator: [UInt8(ascii: "\n")]), to: "register.jsonl")
    let error = #expect(throws: StateFileError.self) { try StateFile.open(path: path, account: account) }
    #expect(error?.code == .damaged)
    #expect(error?.message.hasPrefix("\(path): line \(number) cannot be used: \(reason)") == true)
  }

  @Test func `any byte of a certificate that changes is noticed`() throws {
    try write([registration(1)])
    let whole = try folder.read("register.jsonl")
    let mark = Array("\"der\":\"".utf8)
    let start = try #require(whole.indices.first { whole[$0...].starts(with: mark) }) + mark.count
    for offset in start..<(start + 16) {
      var changed = whole
      changed[offset] = changed[offset] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      try folder.write(changed, to: "register.jsonl")
      let error = #expect(throws: StateFileError.self) { try StateFile.open(path: path, account: account) }
      #expect(error?.code == .damaged, "offset \(offset)")
    }
  }

  @Test func `the register of another account, region or version is refused`() throws {
    try write([registration(1)])
    let others = [SandboxAccount(region: "eu-west-1"), SandboxAccount(id: "000000000001")]
    for other in others {
      let error = #expect(throws: StateFileError.self) { try StateFile.open(path: path, account: other) }
      #expect(error?.code == .foreign)
    }
    try folder.write(#"{"account":"123456789012","certregSandbox":2,"region":"eu-central-1"}"#.utf8 + [10], to: "new")
    let error = #expect(throws: StateFileError.self) {
      try StateFile.open(path: folder.path("new"), account: account)
    }
    #expect(error?.code == .foreign)
  }

  @Test func `a file in use is refused, and free once its owner is gone`() throws {
    do {
      let file = try StateFile.open(path: path, account: account).file
      let error = #expect(throws: StateFileError.self) { try StateFile.open(path: path, account: account) }
      #expect(error?.code == .inUse)
      withExtendedLifetime(file) {}
    }
    #expect(try StateFile.open(path: path, account: account).register.count == 0)
  }

  @Test func `a file that cannot be opened is named`() throws {
    let missing = folder.path("no/such/folder")
    let error = #expect(throws: StateFileError.self) { try StateFile.open(path: missing, account: account) }
    #expect(error?.code == .failed)
    #expect(error?.message.hasPrefix("\(missing): cannot open: ") == true)
  }

  @Test func `lines that no longer matter go away, and the file stays usable`() throws {
    let flips = (0..<200).map {
      RegisterChange.setStatus(
        certificate(1).id, $0 % 2 == 0 ? .inactive : .active, at: .init(secondsSinceEpoch: Int64($0)))
    }
    try write([registration(1), registration(2)] + flips)
    let before = try folder.read("register.jsonl").count
    try folder.setRights(0o640, of: "register.jsonl")
    try write([registration(3)])
    #expect(try folder.rights(of: "register.jsonl") == 0o640)
    let after = try folder.read("register.jsonl").count
    #expect(after < before / 4)
    #expect(!folder.contains("register.jsonl.new"))
    let register = try StateFile.open(path: path, account: account).register
    #expect(register.certificates.map(\.id) == (1...3).map { certificate($0).id })
    #expect(try register.describe(certificate(1).id).status == .active)
  }
}
