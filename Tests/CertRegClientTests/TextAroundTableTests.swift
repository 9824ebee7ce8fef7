import CertRegCodec
import Testing

@testable import CertRegClient

/// Text below the rows of a table, and rows that are those of a form.
@Suite struct TextAroundTableTests {
  private static let rows = (UInt8(1)...3).map { Base64.encode(Sample.wholeCertificate($0)) }
  private static let table = "Device ID,Certificate\nX1,\(rows[0])\nX2,\(rows[1])\n"

  private func names(_ entries: [InputEntry]) -> [String?] { entries.filter { pem($0) != nil }.map(\.deviceID) }

  @Test(arguments: [
    "\nBest regards,\nMax Mueller\n--\nWerk Nord GmbH, Kiel\nTel. 0431\n", "\nMit freundlichen Grüßen\nMax\n",
    "Total,2\n", "Total: 2\n", "Summe,\n", "The devices were delivered on 1 March\n", "\nPlease confirm\n",
    "\nPlease confirm the delivery, thanks, Max\n",
  ])
  func `passes over the text below a table`(text: String) throws {
    for name in ["a.txt", "a.csv"] {
      let found = try fileEntries(name, "Hello,\n\nhere they are:\n\n" + Self.table + text)
      #expect(names(found) == ["X1", "X2"] && found.compactMap(fault) == [], "\(name)")
    }
    // A further table is read all the same.
    let more = try fileEntries("a.csv", Self.table + text + "\nDevice ID,Certificate\nX3,\(Self.rows[2])\n")
    #expect(names(more) == ["X1", "X2", "X3"] && more.compactMap(fault) == [])
    let other = try fileEntries("a.csv", Self.table + text + "\nMAC,hall 7,Certificate\nX3,,\(Self.rows[2])\n")
    #expect(names(other) == ["X1", "X2", "X3"] && other.compactMap(fault) == [])
  }

  @Test(arguments: [
    "X3,\n", "\nX3,\n", "Pump 7,\n", "\nPump 7,\n", "X3\n", "\nX3\n", "Pump north,MII\n", "\nBest regards,\n\nX3,\n",
    "\nBest regards,\n-----BEGIN CERTIFICATE-----\nMIIBIDCBx6ADAgECAgECMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmNhMCAXDTI0\n",
    "\nBest regards,\nMIIBIDCBx6ADAgECAgECMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmNhMCAXDTI0\n",
    "\n30 82 01 20 30 81 C7 A0\n",
  ])
  func `a device whose certificate is missing fails`(row: String) throws {
    let found = try fileEntries("a.csv", Self.table + row)
    #expect(names(found) == ["X1", "X2"] && !found.compactMap(fault).isEmpty)
  }

  @Test(
    arguments: [
      "uint8_t c[] = {\n0x30, 0x82, 0x01, 0x74,\n", "c:\n0x30, 0x82, 0x01, 0x74,\n",
      "00000000: 3082 0174 3082 011a a003 0201 0202 1466  0..t0..........f\n",
      "2026-03-01 10:00:04 INFO MzEXMBUGA1UECgwOV2VyayBOb3JkIEdtYkgxGDAWBgNVBAMMD05vcmQgSXNzdWlu\n",
      "\"MzEXMBUGA1UECgwOV2VyayBOb3JkIEdtYkgxGDAWBgNVBAMMD05vcmQgSXNzdWlu\\n\"\n", "30 82 01 74 30 82\n",
    ], ["\n", "\nThe certificate of another one\n", "\nThe certificate of another one\n\n"])
  func `a line of a dump, a log or a program below a table is no text`(line: String, before: String) throws {
    let found = try fileEntries("a.csv", Self.table + before + line)
    #expect(names(found) == ["X1", "X2"] && !found.compactMap(fault).isEmpty)
  }

  @Test(arguments: ["Zertifikat", "Certificate:", "cert"], [",", ";"])
  func `the label of a form is no name, and the value is`(label: String, separator: String) throws {
    let form = { (number: Int, more: String) in
      "Device ID:\(separator)X\(number)\n\(more)\(label)\(separator)\(Self.rows[number])\n"
    }
    for more in ["", "Hall\(separator)7\n"] {
      for blank in ["", "\(separator)\n"] {
        let found = try fileEntries("a.csv", form(0, more) + blank + form(1, more) + blank)
        #expect(names(found) == ["X0", "X1"] && found.compactMap(fault) == [], "\(more) \(blank)")
      }
    }
    // A device without a name does not have that of another one.
    let nameless = try fileEntries("a.csv", form(0, "") + "\(label)\(separator)\(Self.rows[1])\n")
    #expect(names(nameless) == ["X0", nil] && nameless.compactMap(fault) == [])
    let lost = try fileEntries("a.csv", form(0, "") + "\(label)\(separator)\n")
    #expect(lost.compactMap(fault).count == 1)
    var options = InputOptions()
    options.attributes = [try #require(AttributeRule("site=@hall"))]
    let sited = try fileEntries("a.csv", form(0, "Hall\(separator)7\n"), options)
    #expect(sited.filter { pem($0) != nil }.map { $0.attributes.map(\.value) } == [["7"]])
  }

  @Test func `a label below headings is no name`() throws {
    #expect(try names(fileEntries("a.csv", "name,value\ncertificate,\(Self.rows[0])\n")) == [nil])
  }

  @Test func `a folder is not advised to be imported as one`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("index.csv", "Device ID,File\nX1,d1.pem\n")
    let advice = { (entries: [InputEntry]) in
      entries.compactMap { if case .failure(let error) = $0.content { error.advice ?? "" } else { nil } }
    }
    #expect(try advice(allEntries(path)) == ["import the folder with the files"])
    #expect(try advice(allEntries(folder.root)) == [""])
  }
}
