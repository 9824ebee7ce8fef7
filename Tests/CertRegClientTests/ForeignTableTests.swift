import CertRegCodec
import Testing

@testable import CertRegClient

/// Tables as databases and wikis print them, several tables in one file, and keys beside the rows.
@Suite struct ForeignTableTests {
  private static let rows = (UInt8(1)..<4).map { Base64.encode(Sample.wholeCertificate($0)) }
  private static let blocks = (UInt8(1)..<4).map { PEM.certificate(der: Sample.wholeCertificate($0)) }

  /// Base64 of what begins as a key.
  private static let key = Base64.encode(
    [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20] + [UInt8](repeating: 0x41, count: 114))

  private func names(_ entries: [InputEntry]) -> [String?] { entries.filter { pem($0) != nil }.map(\.deviceID) }

  @Test(arguments: [
    ("┌──────┬──────┐\n│ serial │ cert │\n├──────┼──────┤\n", "│", "└──────┴──────┘\n"),
    (
      "┌──────┬──────┐\n│ serial │ cert │\n│ varchar │ varchar │\n├──────┼──────┤\n", "│",
      "└──────┴──────┘\n│ 2 rows │\n"
    ),
    ("╔══════╦══════╗\n║ serial ║ cert ║\n╠══════╬══════╣\n", "║", "╚══════╩══════╝\n"),
    ("||serial||cert||\n", "|", ""), ("Devices\n||serial||cert||\n", "|", "The end of lot 7\n"),
  ]) func `reads tables with drawn lines and with doubled bars`(head: String, bar: String, end: String) throws {
    let rows = ["007", "008"].enumerated().map { "\(bar) \($1) \(bar) \(Self.rows[$0]) \(bar)\n" }.joined()
    let entries = try fileEntries("a.txt", head + rows)
    #expect(names(entries) == ["007", "008"])
    #expect(entries.compactMap(fault) == [])
    #expect(try names(fileEntries("a.txt", head + rows + end)) == ["007", "008"])
  }

  @Test func `takes the lines of a drawing for text`() throws {
    let entries = try fileEntries("a.txt", "├── a\n│   └── b.pem\n" + Self.blocks[0])
    #expect(entries.compactMap(pem) == [Self.blocks[0]] && entries.compactMap(fault) == [])
  }

  @Test(arguments: ["Lot 2\n", "\nLot 2\n", ",\nLot2,\n,\n", "\nLot2\n\n(second delivery)\n"])
  func `passes over a title above the headings of a further table`(title: String) throws {
    let text = "serial,cert\n1,\(Self.rows[0])\n" + title
    let entries = try fileEntries("a.csv", "\(text)mac,hall,cert\nAA,7,\(Self.rows[1])\n")
    #expect(names(entries) == ["1", "AA"] && entries.compactMap(fault) == [])
    let same = try fileEntries("a.csv", "\(text)serial,cert\n2,\(Self.rows[1])\n")
    #expect(names(same) == ["1", "2"] && same.compactMap(fault) == [])
    // A row that no headings follow lacks its certificate, unless words stand apart from the table.
    let last = try fileEntries("a.csv", text)
    #expect(last.compactMap(fault).contains("the certificate's column is empty") == (title != "\nLot 2\n"))
  }

  @Test func `a device without a certificate above headings fails`() throws {
    let entries = try fileEntries("a.csv", "serial,cert\n1,\(Self.rows[0])\n0019,\nserial,cert\n2,\(Self.rows[1])\n")
    #expect(entries.compactMap(fault) == ["the certificate's column is empty"])
  }

  @Test func `passes over the statements around the rows of pg_dump`() throws {
    let copy = { (number: Int) in
      "COPY public.devices (id, serial, cert) FROM stdin;\n\(number)\td\(number)\t\(Self.rows[number])\n\\.\n"
    }
    let alter = "\n\nALTER TABLE ONLY public.devices\n    ADD CONSTRAINT p PRIMARY KEY (id);\n"
    let entries = try fileEntries("a.sql", "SET x = 1;\n" + copy(0) + alter + copy(1) + alter)
    #expect(entries.compactMap(pem) == Array(Self.blocks.prefix(2)))
    #expect(entries.compactMap(fault) == [])
  }

  @Test(arguments: [
    "# Key: KEY\n", "# of lot 7\n# Key: KEY\n#\n", "Key: KEY\n", "# Key, KEY, of lot 7\n",
    "# -----BEGIN EC PRIVATE KEY-----\n# KEY\n# -----END EC PRIVATE KEY-----\n",
    "# -----BEGIN RSA PRIVATE KEY-----\n" + String(repeating: "# KEY\n", count: 30)
      + "# -----END RSA PRIVATE KEY-----\n",
  ]) func `a key above the headings does not hide them`(remark: String) throws {
    let key = Self.key
    let remark = remark.replacing("KEY", with: key).replacing("EC PRIVATE \(key)", with: "EC PRIVATE KEY")
      .replacing("RSA PRIVATE \(key)", with: "RSA PRIVATE KEY")
    for name in ["a.csv", "a.txt"] {
      let entries = try fileEntries(name, remark + "serial,cert\n0017,\(Self.rows[0])\n0018,\(Self.rows[1])\n")
      #expect(names(entries) == ["0017", "0018"] && entries.compactMap(fault) == [], "\(name)")
      #expect(entries.compactMap(otherContent).contains(.privateKey), "\(name)")
    }
  }

  @Test func `a table of keys has no headings`() throws {
    let key = Self.key
    var options = InputOptions()
    options.nameColumn = "serial"
    options.format = .csv
    let error = #expect(throws: InputError.self) { try fileEntries("a.csv", "\(key)\n\(key)\n", options) }
    #expect(error?.message.contains(key.prefix(20)) == false)
    #expect(
      try fileEntries("a.csv", "\(key)\n\(key)\n").allSatisfy { otherContent($0) == .privateKey || pem($0) == nil })
  }

  @Test func `keeps headings behind the sign of a comment`() throws {
    let entries = try fileEntries("a.csv", "# serial,cert\n7,\(Self.rows[0])\n")
    #expect(names(entries) == ["7"] && entries.compactMap(fault) == [])
  }

  @Test func `mentions a key in several cells`() throws {
    let key = Self.key
    let (first, second) = (key.prefix(33), key.dropFirst(33))
    let entries = try fileEntries("a.csv", "id,a,b,cert\n7,\(first),\(second),\(Self.rows[0])\n")
    #expect(names(entries) == ["7"] && entries.compactMap(otherContent).contains(.privateKey))
    // The part of a key is no name.
    let named = try fileEntries("a.csv", "id,b,cert\n\(first),\(second),\(Self.rows[0])\n")
    #expect(names(named) == [nil] && named.compactMap(otherContent).contains(.privateKey))
  }

  @Test(arguments: [true, false]) func `reads UTF-16 without a mark in other scripts`(isLittleEndian: Bool) throws {
    let folder = try TemporaryFolder()
    for heading in ["Имя устройства,Сертификат", "设备名称,证书", "デバイス名,証明書"] {
      let text = "\(heading)\nПомпа-一,\(Self.rows[0])\n"
      let bytes = text.utf16.flatMap { unit in
        isLittleEndian ? [UInt8(unit & 255), UInt8(unit >> 8)] : [UInt8(unit >> 8), UInt8(unit & 255)]
      }
      #expect(try allEntries(folder.write("a.csv", bytes)).compactMap(pem) == [Self.blocks[0]], "\(heading)")
    }
    #expect(TextEncoding.detect(Sample.wholeCertificate()[...]) == nil)
  }

  @Test(arguments: [("GRÖßE-1", true), ("LIGAÇÃO", true), ("CRÉÉ", true), ("A智B", false), ("a泥b", false)])
  func `reads capitals of Windows-1252 beside each other`(name: String, isLatin: Bool) throws {
    let bytes: [UInt8] =
      isLatin
      ? name.unicodeScalars.map { UInt8($0.value) }
      : name.unicodeScalars.flatMap { $0 == "智" ? [0xD6, 0xC7] : $0 == "泥" ? [0xC4, 0xE0] : [UInt8($0.value)] }
    // A letter at the end, too: CRÉÉS.
    let whole = name == "CRÉÉ" ? bytes + [0x53] : bytes
    let folder = try TemporaryFolder()
    let path = try folder.write("a.csv", Array("serial,cert\n".utf8) + whole + Array(",\(Self.rows[0])\n".utf8))
    let entries = try allEntries(path)
    #expect(names(entries) == (isLatin ? [name == "CRÉÉ" ? "CRÉÉS" : name] : []))
  }
}
