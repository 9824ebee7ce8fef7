import CertRegArchive
import CertRegCodec
import CertRegCore
import CertRegTesting
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
      #expect(found.map(otherContent) == [.notListed, nil] && found.compactMap(fault) == [], "\(heading)")
    }
    // A device can be called so.
    let found = try entries("deviceId,cert\nname,\(Base64.encode(Sample.certificate(1)))\n", only: "name\n")
    #expect(found.map(pem) == [Sample.certificatePEM(1)])
  }

  @Test(arguments: ["d1, d2, d9", "d1;d2;d9;", "\"d1\"\td2\td9\n"])
  func `a list on one line has all of its names`(list: String) throws {
    let found = try entries("id,cert\n" + row(1) + row(2) + row(3), only: list)
    #expect(found.map(\.deviceID) == ["d1", "d2", "d3", "d9"])
    #expect(found.map(otherContent) == [nil, nil, .notListed, nil])
    #expect(found.compactMap(fault) == ["on the list, but not in the source"])
  }

  @Test func `the other cells of a list with rows are no names`() throws {
    let found = try entries("id,cert\n" + row(1) + row(2), only: "d1,hall 7\nd2,hall 8\n")
    #expect(found.compactMap(pem).count == 2 && found.compactMap(fault) == [])
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
    if name != "k.csv" { #expect(try allEntries(folder.root).allSatisfy { otherContent($0) == .privateKey }) }
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

  /// The encodings of texts, with and without marks.
  static let encodings: [@Sendable (String) -> [UInt8]] = [
    { Array($0.utf8) }, { Array("\u{FEFF}\($0)".utf8) },
    { $0.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } },
    { "\u{FEFF}\($0)".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } },
    { $0.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } },
    { "\u{FEFF}\($0)".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } },
  ]

  @Test(arguments: encodings.indices) func `reads texts of two encodings one after the other`(index: Int) throws {
    let folder = try TemporaryFolder()
    let texts = (UInt8(1)...3).map { "Gerät \($0) 设备\n" + Sample.certificatePEM($0) }
    for (second, encode) in Self.encodings.enumerated() {
      for third in [0, index] {
        let bytes = Self.encodings[index](texts[0]) + encode(texts[1]) + Self.encodings[third](texts[2])
        let found = try allEntries(folder.write("a.pem", bytes)).map(pem)
        #expect(found == (UInt8(1)...3).map { Sample.certificatePEM($0) }, "\(index), \(second), \(third)")
      }
      // The last byte of the first text has got lost.
      let odd = Self.encodings[index](texts[0] + "\n").dropLast() + encode(texts[1])
      #expect(try allEntries(folder.write("b.pem", Array(odd))).compactMap(pem).count == 2, "\(index), \(second)")
    }
  }

  @Test func `text in UTF-16 stays what it is, however it is cut into pieces`() {
    let name = String(repeating: "设备证书的名字😀", count: 40)
    let text = "name,\(name)\r\n\(name)\n" + Sample.certificatePEM(1)
    let bytes = Self.encodings[3](text)
    for size in [1, 2, 3, 7, 64, 129, 1000, bytes.count] {
      var filter = TextFilter(.utf16LittleEndian)
      var result: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        result += filter.text(of: Array(bytes[start..<min(bytes.count, start + size)]), isLast: false)
      }
      result += filter.text(of: [], isLast: true)
      #expect(String(decoding: result, as: UTF8.self) == text.replacing("\r\n", with: "\n"), "\(size)")
    }
  }

  @Test func `binary data behind PEM is named, and fails where it would be read by itself`() throws {
    let folder = try TemporaryFolder()
    let blocks = (UInt8(1)...2).map { Array(Sample.certificatePEM($0).utf8) }
    let member = Member(path: "a.pem", content: blocks[1])
    let files = [
      Sample.certificate(3), try ArchiveFixture(.zip, [member]).bytes(),
      try ArchiveFixture(.pax, [member], filter: .gzip).bytes(),
    ]
    for length in [0, 2000] {
      let note = [UInt8](repeating: 0x20, count: length)
      for (index, file) in files.enumerated() {
        for head in [blocks[0], blocks[0].dropLast()] {
          let found = try allEntries(folder.write("a.pem", note + head + file + [0x0A] + blocks[1]))
          #expect(found.compactMap(pem).count == 2, "\(length), \(index)")
          #expect(found.compactMap(fault) == ["binary data behind PEM, which is not read"], "\(length), \(index)")
        }
      }
      let image = try allEntries(folder.write("a.pem", note + blocks[0] + [0x89, 1, 2, 0x0A, 3, 4, 0x0A] + blocks[1]))
      #expect(image.compactMap(pem).count == 2 && image.compactMap(otherContent) == [.binary])
      // What terminals record.
      let colours = Array("\u{1B}[1mcert\u{1B}[0m \u{7} x\u{8}y\u{1A}\n".utf8)
      #expect(try allEntries(folder.write("a.pem", note + blocks[0] + colours + blocks[1])).count == 2)
    }
  }

  @Test(arguments: [
    "=\"0014\"", "'0014", "0014\u{A0}", " \u{FEFF}0014 ", "\u{200B}0014", "=\" 0014\u{2003}\"", "\u{200E}0014\u{AD}",
    "`0014`",
    "=HYPERLINK(\"https://example.com/7\";\"0014\")", "=hyperlink(\"#A1\"; \"0014\" )", "=HYPERLINK(\"0014\")",
  ])
  func `a name has nothing of what a spreadsheet puts around it`(cell: String) throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    // In a list of one column a semicolon would separate two.
    options.onlyPath = try folder.write("list.txt", "deviceId\n\(cell.contains(";") ? "0014" : cell)\n")
    let quoted = "\"" + cell.replacing("\"", with: "\"\"") + "\""
    for name in [cell, quoted] {
      let row = "\(name),\(Base64.encode(Sample.certificate(1)))\n"
      #expect(try fileEntries("a.csv", "deviceId,certificate\n" + row, options).map(\.deviceID) == ["0014"])
    }
    #expect(DeviceFields.bare("'s-1") == "'s-1" && DeviceFields.bare("=\"") == "=\"")
  }

  @Test func `a column that the user names and that does not exist is an error`() throws {
    let table = "unit,hall,certificate\nu-1,7,\(Base64.encode(Sample.certificate(1)))\n"
    let headless = "u-1,7,\(Base64.encode(Sample.certificate(1)))\n"
    let object = "{\"unit\":\"u-1\",\"hall\":7,\"cert\":\"\(Base64.encode(Sample.certificate(1)))\"}\n"
    func run(_ text: String, name: String? = nil, attribute: String? = nil, checks: Bool = false) throws -> [InputEntry]
    {
      var options = InputOptions()
      options.nameColumn = name
      options.attributes = try attribute.map { [try #require(AttributeRule("site=@\($0)"))] } ?? []
      options.checksCommonName = checks
      return try fileEntries("a", text, options)
    }
    for text in [table, object] {
      #expect(try run(text, name: "Unit", attribute: "HALL").map(\.deviceID) == ["u-1"])
      #expect(try run(text, attribute: "hall").map { $0.attributes.map(\.value) } == [["7"]])
    }
    for text in [table, headless] {
      #expect(try run(text, name: "1", attribute: "2").map(\.deviceID) == ["u-1"])
      #expect(try run(text, attribute: "2").map { $0.attributes.map(\.value) } == [["7"]])
    }
    for text in [table, headless, object, Sample.certificatePEM(1)] {
      for (name, attribute) in [("unti", nil), (nil, "hal"), ("4", nil), (nil, "0")] as [(String?, String?)] {
        let message = "\(text), \(name ?? "-"), \(attribute ?? "-")"
        do {
          let found = try run(text, name: name, attribute: attribute)
          #expect(found.count == 1 && found.allSatisfy { fault($0) != nil }, "\(message)")
        } catch let error as InputError {
          #expect(error.code == .noCertificate, "\(message)")
        }
      }
    }
    // The column of the certificate.
    for text in [object, Sample.certificatePEM(1), Base64.encode(Sample.certificate(1))] {
      var options = InputOptions()
      options.column = "nope"
      let faults = try fileEntries("a", text, options).compactMap(fault)
      #expect(faults == ["no certificate in a column or member nope, which --column names"], "\(text)")
    }
    // Nothing is there to compare with.
    let unnamed = try run(Sample.certificatePEM(1), checks: true)
    #expect(unnamed.map(\.refused?.pem) == [Sample.certificatePEM(1)] && unnamed.allSatisfy { fault($0) != nil })
    // An empty cell brings no attribute.
    let empty = try run("deviceId,hall,certificate\na,,\(Base64.encode(Sample.certificate(1)))\n", attribute: "hall")
    #expect(empty.map { $0.attributes.count } == [0] && empty.compactMap(pem).count == 1)
    #expect(try run(object.replacing("7", with: "null"), attribute: "hall").compactMap(pem).count == 1)
  }
}
