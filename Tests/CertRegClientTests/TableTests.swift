import CertRegCodec
import Testing

@testable import CertRegClient

/// Tables as people have them: separators, titles, damaged rows and several columns with certificates.
@Suite struct TableTests {
  private static let base64 = (UInt8(0)..<4).map { Base64.encode(Sample.certificate($0)) }

  private func entries(_ text: String) throws -> [InputEntry] {
    try fileEntries("a.csv", text)
  }

  private func names(_ text: String) throws -> [String?] {
    try entries(text).filter { pem($0) != nil }.map(\.deviceID)
  }

  @Test func `finds the separator by the cell of the certificate`() throws {
    let block = "\"\(Sample.certificatePEM(1))\""
    #expect(try names("u-1,,,APP|MODEM|BOOT|SOFTDEVICE|BOOTLOADER,\(block)\n") == ["u-1"])
    #expect(try names("u-1,,,A|B|C|D|E|F,\(block)\nu-2,,,A|B|C|D|E|F,\(block)\n") == ["u-1", "u-2"])
    #expect(try names("Export, 12 May\nSerial;Certificate\n7;\(Self.base64[1])\n") == ["7"])
    #expect(try names("Serial;Cert (PEM, DER)\n7;\(Self.base64[1])\n") == ["7"])
    #expect(try names("Serial, text, unit;Zertifikat\n7;\(Self.base64[1])\n").count == 1)
    #expect(try names("Name, first;Serial;Zertifikat\nx;7;\(Self.base64[1])\n") == ["7"])
    #expect(try names("serial\tcert\tlist\n7\t\(Self.base64[1])\ta,b,c,d\n") == ["7"])
  }

  @Test func `takes the last row of words before the first certificate for headings`() throws {
    let rows = "1001;\(Self.base64[1])\n1002;\(Self.base64[2])\n"
    for title in ["Lieferung 4711\n", "Lieferung;4711\n", "Lieferung;;\n;\n", ""] {
      var options = InputOptions()
      options.nameColumn = "Gerätenummer"
      let found = try fileEntries("a.csv", "\(title)Gerätenummer;Zertifikat\n\(rows)", options)
      #expect(found.filter { pem($0) != nil }.map(\.deviceID) == ["1001", "1002"], "\(title)")
      #expect(found.compactMap(fault) == [], "\(title)")
    }
    let found = try entries("Lieferung 4711\nSeriennummer;Zertifikat\n\(rows)")
    #expect(found.compactMap(fault) == [] && found.compactMap(otherContent) == [.text])
    #expect(try names("Serial;Zertifikat\n1000;-\n\(rows)") == ["1001", "1002"])
  }

  @Test(arguments: 1...4) func `names devices that have several certificates each`(count: Int) throws {
    let devices = (0..<6).flatMap { [String](repeating: "dev-\($0)", count: count) }
    let rows = devices.enumerated().map { "\($1),\(Base64.encode(Sample.certificate(UInt8($0))))\n" }
    #expect(try fileEntries("a.txt", rows.joined()).map(\.deviceID) == devices)
    #expect(try fileEntries("a.csv", rows.joined()).map(\.deviceID) == devices)
    // The second certificates can follow the first ones.
    let order = devices.indices.sorted { ($0 % count, $0) < ($1 % count, $1) }
    #expect(try fileEntries("a.txt", order.map { rows[$0] }.joined()).map(\.deviceID) == order.map { devices[$0] })
  }

  @Test func `reads cells of several lines behind any number of damaged rows`() throws {
    let good = (0..<3).map { "\($0),\"\(Sample.certificatePEM(UInt8($0)))\"\n" }
    // The quotation mark of the next row closes the cell.
    let damaged = String(repeating: "x,\"damaged\n", count: 40)
    let found = try entries("id,cert\n" + good[0] + damaged + good[1] + damaged + good[2])
    #expect(found.compactMap(pem).count == 3)
    #expect(found.compactMap(fault).count == 80)
  }

  @Test func `a damaged row without another quotation mark costs no good one`() throws {
    let rows = (0..<24).map { "\($0),\"x\n" + String(repeating: "\($0),\(Self.base64[1])\n", count: 400) }
    let found = try entries("id,cert\n" + rows.joined() + "7,\"\(Sample.certificatePEM(2))\"\n")
    #expect(found.compactMap(fault).count == 24)
    #expect(found.compactMap(pem).last == Sample.certificatePEM(2))
  }

  @Test func `names what other columns hold`() throws {
    let key = Sample.pem("PRIVATE KEY", Sample.privateKey)
    let damaged = Sample.certificatePEM(2).replacing("-----BEGIN", with: "----BEGIN")
    let row = "7,\(Self.base64[1]),\(Self.base64[2]),\"\(damaged)\",\"\(key)\"\n"
    let found = try entries("id,cert,backup_cert,old,key\n" + row)
    #expect(found.compactMap(pem) == [Sample.certificatePEM(1)])
    #expect(found.compactMap(otherContent) == [.notSelected, .text, .privateKey])
    // Where no column can be chosen, the key is named all the same.
    let several = try entries("id,a,b,key\n7,\(Self.base64[1]),\(Self.base64[2]),\"\(key)\"\n")
    #expect(several.compactMap(fault).count == 1 && several.compactMap(otherContent) == [.privateKey])
  }

  /// Lines of programs around the text of a certificate, which is on one line.
  private static let statements: [@Sendable (Int, String) -> String] = [
    { _, block in "INFO, issued, \(block)\n" }, { _, block in "level=info, msg=\"issued\", cert=\"\(block)\"\n" },
    { number, block in "INSERT INTO certs (device_id, pem) VALUES (\(number), 'dev-\(number)', '\(block)');\n" },
    { number, block in "INSERT INTO certs (id, pem, name) VALUES (\(number), '\(block)', 'dev-\(number)');\n" },
    { number, block in "2026-11-29 01:00:0\(number),500 INFO issued \(block)\n" },
    { number, block in "ok: [h\(number)] => {\n    \"cert.stdout\": \"\(block)\",\n    \"a\": 1\n}\n" },
    { number, block in "Nov 29 01:00:0\(number) host issuer[1]: new; cert=\(block); ok\n" },
  ]

  @Test(arguments: statements.indices) func `lines of logs, statements and programs name no device`(index: Int) throws {
    let numbers = Array(1...4)
    let lines = numbers.map { number in
      Self.statements[index](number, Sample.certificatePEM(UInt8(number)).replacing("\n", with: "\\n"))
    }
    for text in [lines.joined(), "started, ok\n" + lines.joined() + "ended, ok\n"] {
      let found = try fileEntries("a.log", text)
      #expect(found.compactMap(pem) == numbers.map { Sample.certificatePEM(UInt8($0)) }, "\(text)")
      #expect(found.allSatisfy { $0.deviceID == nil } && found.compactMap(fault) == [], "\(text)")
    }
  }

  @Test func `a mail is no table`() throws {
    let mail =
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n"
      + Sample.certificatePEM(1) + "\n--b\nContent-Type: application/octet-stream; name=a.der\n\n"
      + Sample.wrapped(Sample.certificate(2)) + "\n--b--\n"
    let found = try fileEntries("a.eml", mail)
    #expect(found.compactMap(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    #expect(found.compactMap(fault) == [])
  }

  @Test func `a certificate that fills its cell makes a table without headings`() throws {
    let block = Sample.certificatePEM(1)
    let escaped = block.replacing("\n", with: "\\n")
    for cell in ["\"\(block)\"", escaped, "\"\(escaped)\"", Self.base64[1], "\"=\"\"\(Self.base64[1])\"\"\""] {
      #expect(try fileEntries("a", "u-1,x,\(cell)\n").map(\.deviceID) == ["u-1"], "\(cell)")
    }
    #expect(try fileEntries("a", "'u-1','\(escaped)'\n").compactMap(pem) == [block])
  }
}
