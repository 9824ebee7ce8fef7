import CertRegArchive
import CertRegCodec
import CertRegTesting
import Testing

@testable import CertRegClient

/// Blocks in logs, scripts and answers of programs that write line ends in their own way, and files with names of their
/// own.
@Suite struct EscapedLogTests {
  private static let blocks = (UInt8(1)..<4).map { PEM.certificate(der: Sample.wholeCertificate($0)) }

  @Test(arguments: ["#012", "#015#012", "`n", "`r`n"]) func `reads other signs of line ends`(sign: String) throws {
    let written = Self.blocks.map { $0.replacing("\n", with: sign) }
    let expected = Self.blocks
    #expect(try fileEntries("a.log", written.map { "gw01 provd: \($0)\n" }.joined()).compactMap(pem) == expected)
    #expect(try fileEntries("a.ps1", written.map { "$c = \"\($0)\"\n" }.joined()).compactMap(pem) == expected)
    #expect(
      try fileEntries("a.log", written.map { "provd: cert \($0.dropLast(sign.count)) of #7\n" }.joined()).compactMap(
        pem) == expected)
    let joined = Self.blocks.map { block in
      block.split(separator: "\n").map { "\"\($0)\(sign)\"" }.joined(separator: " +\n  ") + "\n"
    }
    #expect(try fileEntries("a.ps1", joined.joined()).compactMap(pem) == expected)
  }

  @Test(arguments: [
    "(echo LINE)>>d.pem", "(echo LINE) > d.pem", "echo(LINE>>d.pem", "echo.LINE>>d.pem", ">>d.pem echo LINE",
  ])
  func `reads what a batch file writes line by line`(command: String) throws {
    let text = Self.blocks[0].split(separator: "\n").map { command.replacing("LINE", with: $0) + "\r\n" }.joined()
    #expect(try fileEntries("a.bat", "@echo off\r\n" + text).compactMap(pem) == [Self.blocks[0]])
  }

  @Test func `reads the events of a log as lines`() throws {
    func events(_ lines: [Substring], _ stream: String = "") -> [String] {
      lines.map { "{\"timestamp\": 1\(stream), \"message\": \"\($0)\"}" }
    }
    let lines = Self.blocks.map { $0.split(separator: "\n") }
    let all = events(["START RequestId: x"]) + lines.flatMap { events($0) }
    let answer =
      "{\n  \"events\": [\n    \(all.joined(separator: ",\n    "))\n  ],\n  \"nextForwardToken\": \"f/1\"\n}\n"
    #expect(try fileEntries("a.json", answer).compactMap(pem) == Self.blocks)
    // Events of several streams can come in turns.
    let streams = (0..<2).map { events(lines[$0], ", \"logStreamName\": \"s\($0)\"") }
    let mixed = zip(streams[0], streams[1]).flatMap { [$0, $1] }
    #expect(
      try fileEntries("a.json", "{\"events\":[\(mixed.joined(separator: ","))]}").compactMap(pem)
        == Array(Self.blocks.prefix(2)))
    let whole = Self.blocks.map { "{\"message\": \"\($0.replacing("\n", with: "\\n"))\", \"serial\": \"7\"}" }
    #expect(
      try fileEntries("a.json", "{\"events\":[\(whole.joined(separator: ","))]}").compactMap(\.deviceID) == [
        "7", "7", "7",
      ])
  }

  @Test func `an entry with a broken text beside its certificate is no event of a log`() throws {
    let entries = Self.blocks.enumerated().map { index, block in
      let text = index == 0 ? "-----BEGIN CERTIFICATE-----" : "ok"
      return "{\"message\":\"\(text)\",\"cert\":\"\(block.replacing("\n", with: "\\n"))\"}"
    }
    let found = try fileEntries("a.json", "[\(entries.joined(separator: ","))]").compactMap(pem)
    #expect(found == Self.blocks)
  }

  @Test func `takes the numbers of MongoDB for names`() throws {
    for type in ["$numberLong", "$numberInt", "$numberDecimal"] {
      let object = "{\"serialNumber\":{\"\(type)\":\"900\"},\"cert\":\"\(Base64.encode(Sample.wholeCertificate()))\"}\n"
      #expect(try fileEntries("a.json", object).map(\.deviceID) == ["900"], "\(type)")
    }
  }

  @Test(arguments: ["META-INF/CERT.RSA", "meta-inf/KEY0.EC", "x/META-INF/A.DSA"])
  func `passes over the signature of a JAR`(path: String) throws {
    let folder = try TemporaryFolder()
    let signature = Sample.wholeCertificate(1)
    let members = [Member(path: path, content: signature), Member(path: "d.der", content: Sample.wholeCertificate(2))]
    let entries = try allEntries(folder.write("a.jar", ArchiveFixture(.zip, members).bytes()))
    #expect(entries.compactMap(pem) == [Self.blocks[1]])
    #expect(entries.compactMap(otherContent) == [.notSelected])
    let unpacked = try folder.write("in/\(path)", signature)
    #expect(try allEntries(folder.path("in")).compactMap(pem) == [])
    // A file that the user names is meant.
    #expect(try allEntries(unpacked).compactMap(pem) == [Self.blocks[0]])
  }

  @Test(arguments: ["%PDF-1.4\n1 0 obj\n<</Type /Catalog>>\n", "%PDF-1.7\n%\u{1}\u{2}\u{0}\u{3}\n1 0 obj\n"])
  func `calls a PDF by its name`(text: String) throws {
    let entries = try fileEntries("a.pdf", text)
    #expect(entries.map(fault) == ["a PDF, not a certificate"])
    guard case .failure(let error) = try #require(entries.first).content else { return }
    #expect(error.advice?.hasPrefix("pdftotext -layout FILE - | certregctl import -") == true)
  }

  @Test func `says how a line that is too long can be read`() throws {
    let row = "(1,'\(Self.blocks[0].replacing("\n", with: "\\n"))'),"
    let text = "INSERT INTO d VALUES " + String(repeating: row, count: 9000)
    let error = try #require(throws: InputError.self) { try fileEntries("a.sql", text) }
    #expect(error.advice?.contains("sed 's/-----BEGIN/") == true)
    let short = String(repeating: row, count: 20).replacing("-----BEGIN", with: "\n-----BEGIN")
    #expect(try fileEntries("a.sql", short.replacing("),(", with: "),\n(")).compactMap(pem).count == 20)
  }
}
