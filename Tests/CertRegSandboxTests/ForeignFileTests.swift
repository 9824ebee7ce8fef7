import CertRegCore
import CertRegSandbox
import CertRegTesting
import Foundation
import Testing

/// Files that are not a register of this account's: whatever they hold, they are refused and stay as they are.
@Suite struct ForeignFileTests {
  private let folder: TemporaryFolder
  private let account = SandboxAccount()
  private static let header = #"{"account":"123456789012","certregSandbox":1,"region":"eu-central-1"}"#

  init() throws {
    folder = try TemporaryFolder()
  }

  /// Contents by name. The DER certificate ends without LF, and has LFs in its middle.
  private static let foreign: [String: [UInt8]] = [
    "a text whose last line has no end": Array("first line\nlast line".utf8),
    "a text of one line without an end": Array("precious".utf8),
    "a text with an end": Array("precious\n".utf8),
    "a single LF": [10],
    "white space": Array("  \n ".utf8),
    "DER": [0x30, 0x82, 0x02, 0x0a, 0x0d, 0x0a, 0x00, 0xff, 0x0a] + [UInt8](repeating: 0xa5, count: 200),
    "JSON of another program": Array(#"{"name":"value"}"#.utf8),
    "an empty object": Array("{}".utf8),
    "NULs": [UInt8](repeating: 0, count: 100),
    "an invalid header that ends": Array((#"{"account":1}"# + "\nrest").utf8),
    "the beginning of another account's header": Array(#"{"account":"99"#.utf8),
    "a header with a text behind it": Array((header + " and more").utf8),
    "another region's register, cut short": Array(
      (#"{"account":"123456789012","certregSandbox":1,"region":"eu-west-1"}"# + "\n" + #"{"at""#).utf8),
    "another version's register, cut short": Array(
      (#"{"account":"123456789012","certregSandbox":2,"region":"eu-central-1"}"# + "\n" + #"{"at""#).utf8),
    "a damaged register, cut short": Array((header + "\nnonsense\n" + #"{"at""#).utf8),
    "a long text without LF": [UInt8](repeating: UInt8(ascii: "x"), count: 200_000),
  ]

  @Test(arguments: foreign.keys.sorted())
  func `a foreign file is refused and stays as it is`(name: String) throws {
    let content = try #require(Self.foreign[name])
    try folder.write(content, to: "file")
    let error = #expect(throws: StateFileError.self) { try StateFile.open(path: folder.path("file"), account: account) }
    #expect([.damaged, .foreign].contains(error?.code))
    #expect(error?.message.hasSuffix("the file was left as it is") == true)
    #expect(try folder.read("file") == content)
  }

  @Test func `random bytes are refused and stay as they are`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let alphabet: ClosedRange<UInt8> = Bool.random(using: &random) ? 0...255 : 9...13
      let count = Int.random(in: 1...300, using: &random)
      let content = (0..<count).map { _ in UInt8.random(in: alphabet, using: &random) }
      try folder.write(content, to: "file")
      #expect(throws: StateFileError.self, "seed \(seed)") {
        try StateFile.open(path: folder.path("file"), account: account)
      }
      #expect(try folder.read("file") == content, "seed \(seed)")
    }
  }

  @Test(arguments: ["file", "link"])
  func `what is in the way of a replacement stays, and the register can be used`(what: String) throws {
    let replacement = "register.jsonl.new-\(getpid())"
    try folder.write(Array("precious".utf8), to: what == "link" ? "file" : replacement)
    if what == "link" {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path(replacement), withDestinationPath: folder.path("file"))
    }
    try makeLongRegister()
    let length = try folder.read("register.jsonl").count
    let opened = try StateFile.open(path: folder.path("register.jsonl"), account: account)
    #expect(opened.register.count == 1)
    // The operator is told why the file grows.
    #expect(opened.file.superfluity?.message.contains(replacement) == true)
    #expect(try folder.read("register.jsonl").count == length)
    #expect(try folder.read(replacement) == Array("precious".utf8))
  }

  @Test func `a replacement leaves nothing else behind`() throws {
    try folder.write(Array("precious".utf8), to: "register.jsonl.new")
    try makeLongRegister()
    let length = try folder.read("register.jsonl").count
    let opened = try StateFile.open(path: folder.path("register.jsonl"), account: account)
    #expect(opened.file.superfluity == nil)
    #expect(try folder.read("register.jsonl").count < length)
    #expect(try folder.read("register.jsonl.new") == Array("precious".utf8))
    #expect(!folder.contains("register.jsonl.new-\(getpid())"))
  }

  @Test func `a link to a register stays, and its file is replaced`() throws {
    try makeLongRegister()
    let length = try folder.read("register.jsonl").count
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path("register.jsonl"))
    _ = try StateFile.open(path: link, account: account)
    #expect(try folder.read("register.jsonl").count < length)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == folder.path("register.jsonl"))
  }

  @Test func `a new file is its owner's alone, and no link is followed to make it`() throws {
    _ = try StateFile.open(path: folder.path("new"), account: account)
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("new"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: folder.path("elsewhere"))
    let error = #expect(throws: StateFileError.self) { try StateFile.open(path: folder.path("link"), account: account) }
    #expect(error?.code == .failed)
    #expect(!folder.contains("elsewhere"))
  }

  /// A register with so many changes that the next opening replaces it.
  private func makeLongRegister() throws {
    let subject = certificate(1)
    var (file, _) = try StateFile.open(path: folder.path("register.jsonl"), account: account)
    try file.append(
      .register(
        RegisteredCertificate(
          id: subject.id, der: subject.der, status: .active, createdAt: ManualClock.start,
          lastModifiedAt: ManualClock.start, notBefore: subject.notBefore, notAfter: subject.notAfter,
          generationID: UniqueID(1, 2))))
    for number in 0..<200 {
      try file.append(.setStatus(subject.id, number.isMultiple(of: 2) ? .inactive : .active, at: ManualClock.start))
    }
  }
}
