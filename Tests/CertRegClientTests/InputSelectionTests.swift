import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegClient

/// What `--only` takes, and what fails although the user named it.
@Suite struct InputSelectionTests {
  private func entries(_ text: String, only list: String) throws -> [InputEntry] {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.onlyPath = try folder.write("list.txt", list)
    return try allEntries(folder.write("a.csv", text), options)
  }

  private func row(_ number: UInt8) -> String { "d\(number),\(Base64.encode(Sample.certificate(number)))\n" }

  @Test func `a failure without a name stays a failure`() throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.onlyPath = try folder.write("list.txt", "x\n")
    let damaged = Sample.certificatePEM(1).replacing("-----BEGIN", with: "----BEGIN")
    let found = try allEntries(folder.write("a.pem", damaged + Sample.certificatePEM(2)), options)
    #expect(found.map { fault($0) != nil } == [true, false, true])
    #expect(found[1].content == .passedOver(.notListed))
  }

  @Test func `the list can have a heading`() throws {
    for heading in ["Device ID\n", "serial-number;note\n", "certificateId\n"] {
      let found = try entries("id,cert\n" + row(1) + row(2), only: heading + "d2\n")
      #expect(found.map(thing) == [.notListed, nil] && found.compactMap(fault) == [], "\(heading)")
    }
    // A device can be called so.
    let found = try entries("deviceId,cert\nname,\(Base64.encode(Sample.certificate(1)))\n", only: "name\n")
    #expect(found.map(pem) == [Sample.certificatePEM(1)])
  }

  @Test(arguments: ["k.b64", "k.json", "k.csv", "k.der", "k.pem"])
  func `a file that the user named fails if it has nothing but a key`(name: String) throws {
    let folder = try TemporaryFolder()
    let key = [0x30, 0x0C] + Sample.privateKey.dropFirst(2) + [0x04, 0x05, 1, 2, 3, 4, 5]
    let text = Sample.pem("PRIVATE KEY", key)
    let content: [UInt8] =
      switch name {
      case "k.b64": Array((Base64.encode(key) + "\n" + Base64.encode(key) + "\n").utf8)
      case "k.json": Array("{\"key\":\"\(text.replacing("\n", with: "\\n"))\"}".utf8)
      case "k.csv": Array("key,note\n\"\(text)\",x\n".utf8)
      case "k.der": key
      default: Array(text.utf8)
      }
    let path = try folder.write(name, content)
    #expect(try allEntries(path).count { fault($0) != nil } == 1)
    if name != "k.csv" { #expect(try allEntries(folder.root).allSatisfy { thing($0) == .privateKey }) }
  }

  @Test func `names an XML document by what it is`() throws {
    func advice(_ text: String) throws -> String? {
      let entry = try fileEntries("a.xml", text).first
      if case .failure(let error)? = entry?.content { return error.advice }
      return nil
    }
    let supplier = "<?xml version=\"1.0\"?>\n<chips><X509Certificate>MII</X509Certificate></chips>"
    #expect(try advice(supplier)?.contains("local-name()='X509Certificate'") == true)
    for text in ["<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>", "<html>502</html>"] {
      #expect(try advice(text)?.contains("download the file again") == true)
    }
  }

  @Test func `reads texts with zeros`() throws {
    let folder = try TemporaryFolder()
    let (one, two) = (Sample.certificatePEM(1), Sample.certificatePEM(2))
    let long = String(repeating: "a note of the supplier\n", count: 60) + one
    let appended = Array(long.utf8) + "\u{FEFF}\(two)".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    #expect(try allEntries(folder.write("a.pem", appended)).map(pem) == [one, two])
    let reversed = Array(one.utf8) + two.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    #expect(try allEntries(folder.write("b.pem", reversed)).map(pem) == [one, two])
    #expect(try allEntries(folder.write("c.pem", Array(one.utf8) + [0])).map(pem) == [one])
    let object = "{\"cert\":\"\(Base64.encode(Sample.certificate(1)))\"}"
    #expect(try allEntries(folder.write("d.json", Array(object.utf8) + [0])).map(pem) == [one])
  }

  @Test func `the owner and the mode are those of the file that is read`() throws {
    let folder = try TemporaryFolder()
    var record = ImportRecord(name: "a", outcome: ImportRecord.failed)
    record.deviceID = "d"
    let members = (record.json.members ?? []) + [JSON.Member("certificatePem", .string(Sample.certificatePEM()))]
    let line = JSON.object(members).serialized() + "\n"
    let path = try folder.write("a.jsonl", line)
    #expect(chmod(path, 0o644) == 0)
    let stream = try ByteStream(path: FilePath(path))
    let other = try folder.write("b.jsonl", line)
    #expect(chmod(other, 0o600) == 0 && rename(other, path) == 0)
    #expect(KeptRequest.origin(of: stream) == .foreign)
    #expect(try stream.nextLine() == Array(line.utf8.dropLast()))
    #expect(KeptRequest.origin(of: try ByteStream(path: FilePath(path))) == .own)
  }

  @Test func `certificates whose digests share a word are two certificates`() throws {
    let ids = (UInt64(0)..<3).map { CertificateID(words: (7, $0 == 0 ? 1 : 0, $0 == 1 ? 1 : 0, $0 == 2 ? 1 : 0)) }
    #expect(Set(ids.map(\.mark)).count == 3)
  }
}
