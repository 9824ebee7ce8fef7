import CertRegCodec
import Testing

@testable import CertRegClient

/// Which of several places names the device, and which texts in them do not.
@Suite struct NamePlaceTests {
  private static let rows = (UInt8(1)...4).map { Base64.encode(Sample.wholeCertificate($0)) }

  private func names(_ text: String, _ file: String = "a.csv") throws -> [String?] {
    let found = try fileEntries(file, text)
    #expect(found.compactMap(fault) == [], "\(text)")
    return found.filter { pem($0) != nil }.map(\.deviceID)
  }

  /// Rows with these cells in front of certificates.
  private func table(_ headings: String?, _ cells: [String], _ separator: String = ",") -> String {
    (headings.map { $0 + "\n" } ?? "")
      + zip(cells, Self.rows).map { "\($0)\(separator)\($1)\n" }.joined()
  }

  // MARK: Columns

  @Test func `a column that names other devices has no substitute`() throws {
    let found = try fileEntries("a.csv", table("ID,Device ID,cert", ["1,X1", "2,N/A", "3,", "4,<NA>"]))
    #expect(found.filter { pem($0) != nil }.map(\.deviceID) == ["X1", nil, nil, nil])
    #expect(found.compactMap(otherContent) == [.lostName, .lostName])
    #expect(
      try names(table("Serial;MAC;cert", ["1001;aabb01", "1002;", "1003;aabb03"], ";")) == ["aabb01", nil, "aabb03"])
    // A name in the most specific column counts, whichever column names the others.
    #expect(try names(table("ID,Serial,MAC,cert", ["1,,", "2,S2,", "3,S3,M3"])) == [nil, nil, "M3"])
  }

  @Test(arguments: ["", "N/A"]) func `a column without any name leaves the next one`(cell: String) throws {
    #expect(try names(table("Serial,Device ID,cert", ["S1,\(cell)", "S2,\(cell)"])) == ["S1", "S2"])
  }

  @Test(arguments: ["null", "\"\"", "\"N/A\""]) func `no number stands for a device ID that is not there`(value: String)
    throws
  {
    let object = { (id: String) in "[{\"id\":\(id),\"deviceId\":\(value),\"cert\":\"\(Self.rows[0])\"}]" }
    #expect(try names(object("2"), "a.json") == [nil])
    #expect(try names(object("\"dev-2\""), "a.json") == ["dev-2"])
    let serial = "[{\"mac\":\(value),\"serialNumber\":\"1002\",\"cert\":\"\(Self.rows[0])\"}]"
    #expect(try names(serial, "a.json") == ["1002"])
  }

  @Test func `the usual heading above an authority leaves another column`() throws {
    let authority = Base64.encode(
      Sample.wholeCertificate(9, name: "ca", extensions: [0xA3, 0x12, 0x30, 0x10, 0x30, 0x0E] + Self.isAuthority))
    let text = "deviceId,certificate,clientCert\nX1,\(authority),\(Self.rows[0])\nX2,\(Self.rows[1]),\n"
    let found = try fileEntries("a.csv", text)
    #expect(found.filter { pem($0) != nil }.map(\.deviceID) == ["X1", "X2"])
    #expect(found.compactMap(otherContent) == [.authority] && found.compactMap(fault) == [])
    let object =
      "[{\"deviceId\":\"X1\",\"certificate\":\"\(authority)\",\"clientCert\":\"\(Self.rows[0])\"}]"
    let inJSON = try fileEntries("a.json", object)
    #expect(inJSON.compactMap(pem) == [PEM.certificate(der: Sample.wholeCertificate(1))])
    #expect(inJSON.compactMap(otherContent) == [.authority] && inJSON.last?.deviceID == "X1")
    // Two others leave the choice to the user, and an option is obeyed.
    let several = "id,cert,a,b\nX1,\(authority),\(Self.rows[0]),\(Self.rows[1])\n"
    #expect(try fileEntries("a.csv", several).compactMap(fault) == ["several columns hold certificates of devices"])
    var options = InputOptions()
    options.column = "certificate"
    #expect(try fileEntries("a.csv", text, options).compactMap(otherContent) == [.authority, .notSelected])
  }

  /// The value of basic constraints with `cA` (RFC 5280 section 4.2.1.9), and its OID.
  private static let isAuthority: [UInt8] = [
    0x06, 0x03, 0x55, 0x1D, 0x13, 0x04, 0x07, 0x30, 0x05, 0x01, 0x01, 0xFF, 0x05, 0x00,
  ]

  @Test func `a heading that stands above two columns chooses none`() throws {
    let text = "deviceId,cert,deviceId,cert\n"
    let both = try fileEntries("a.csv", text + "X1,\(Self.rows[0]),X2,\(Self.rows[1])\n")
    #expect(both.compactMap(fault) == ["several columns hold certificates of devices"])
    #expect(try fileEntries("a.csv", text + "X1,\(Self.rows[0]),,\n").compactMap(pem).count == 1)
    #expect(try fileEntries("a.csv", text + "X1,\(Self.rows[0]),X1,\(Self.rows[0])\n").compactMap(fault) == [])
    let damaged = Sample.certificatePEM(2).replacing("-----BEGIN", with: "----BEGIN")
    let half = try fileEntries("a.csv", text + "X1,\"\(damaged)\",X2,\(Self.rows[1])\n")
    #expect(half.compactMap(fault).count == 1 && half.compactMap(pem) == [])
  }

  // MARK: Objects

  @Test(arguments: [
    ("\"deviceId\":\"X\"", "credentials", "\"id\":\"primary\""),
    ("\"uid\":\"X\"", "certificates", "\"id\":1,\"name\":\"tls\""),
    ("\"serialNumber\":\"X\"", "slots", "\"name\":\"sign\""), ("\"mac\":\"X\"", "certs", "\"serialNumber\":\"1000\""),
  ]) func `the device goes before the names of its certificates`(device: String, member: String, own: String) throws {
    let certificate = { (number: Int) in "{\(own),\"pem\":\"\(Self.rows[number])\"}" }
    #expect(try names("[{\(device),\"\(member)\":[\(certificate(0))]}]", "a.json") == ["X"])
    #expect(try names("[{\(device),\"\(member)\":\(certificate(0))}]", "a.json") == ["X"])
    #expect(try names("{\"lot\":7,\"list\":[{\(device),\"\(member)\":[\(certificate(0))]}]}", "a.json") == ["X"])
    // Of several certificates none is chosen.
    #expect(try names("[{\(device),\"\(member)\":[\(certificate(0)),\(certificate(1))]}]", "a.json") == [nil, nil])
    #expect(try names("[{\(device),\"\(member)\":[\(certificate(0)),{\(own)}]}]", "a.json").contains("X"))
  }

  @Test func `the name of one certificate goes behind any name around it`() throws {
    #expect(
      try names("{\"name\":\"x\",\"certificate\":{\"pem\":\"\(Self.rows[0])\",\"id\":\"c1\"}}", "a.json") == ["x"])
  }

  @Test func `certificates that are a list of devices keep their names`() throws {
    let list = "[{\"id\":\"d1\",\"pem\":\"\(Self.rows[0])\"},{\"id\":\"d2\",\"pem\":\"\(Self.rows[1])\"}]"
    #expect(try names("{\"name\":\"Order 77\",\"certificates\":\(list)}", "a.json") == ["d1", "d2"])
    #expect(try names("{\"deviceId\":\"gateway\",\"units\":\(list)}", "a.json") == ["d1", "d2"])
    let one = "[{\"id\":\"d1\",\"pem\":\"\(Self.rows[0])\"}]"
    #expect(try names("{\"name\":\"Order 77\",\"certificates\":\(one)}", "a.json") == ["d1"])
    #expect(try names("{\"deviceId\":\"gateway\",\"devices\":\(one)}", "a.json") == ["d1"])
  }

  @Test(arguments: ["devices", "Things", "nodes"]) func `a list of one device does not have the name of the list`(
    member: String
  ) throws {
    let one = "{\"id\":\"batch\",\"\(member)\":[{\"cert\":\"\(Self.rows[0])\"}]}"
    #expect(try names(one, "a.json") == [nil])
    #expect(
      try names("{\"deviceId\":\"gw\",\"\(member)\":[{\"cert\":\"\(Self.rows[0])\"},{\"n\":1}]}", "a.json") == [nil])
    #expect(try names("{\"id\":\"d1\",\"certs\":[{\"cert\":\"\(Self.rows[0])\"}]}", "a.json") == ["d1"])
  }

  // MARK: Texts

  @Test(arguments: [
    "Err:508", "=VLOOKUP(A2,B:C,2,0)", "=A2", "<NA>", "<deviceId>", "00:00:00:00:00:00", "ff-ff-ff-ff-ff-ff",
    "00000000-0000-0000-0000-000000000000", "(blank)",
  ])
  func `what programs write in place of a name is none`(value: String) throws {
    let found = try fileEntries("a.csv", "MAC;cert\n\(value);\(Self.rows[0])\n")
    #expect(found.map(\.deviceID).allSatisfy { $0 == nil } && found.compactMap(otherContent) == [.lostName])
  }

  @Test(arguments: ["Err:x", "a=b", "00:00:00:00:00:01", "0000000", "FACE", "<7", "(7)", "INSERT-7", "7;base"])
  func `names that look so stay names`(value: String) throws {
    #expect(try names("MAC,cert\n\"\(value)\",\(Self.rows[0])\n") == [value])
  }

  @Test(arguments: ["“X1”", "„X1“", "«X1»", "‘X1’", "`X1`", "”X1”"])
  func `quotation marks of a word processor are no part of a name`(cell: String) throws {
    #expect(try names("“Device ID”,“Certificate”\n\(cell),\(Self.rows[0])\n") == ["X1"])
  }

  @Test func `statements and objects between commas name no devices`() throws {
    let insert =
      "INSERT INTO `devices` (`id`,`dev`,`cert`) VALUES (1,'X1','\(Self.rows[0])'),\n(2,'X2','\(Self.rows[1])');\n"
    #expect(try names(insert, "a.sql") == [nil, nil])
    let lines = Self.rows.prefix(2).map { "{\"deviceId\": \"N4\", \"cert\": \"\($0)\"}\n" }.joined()
    #expect(try names("Device ID,cert\nN0,\(Self.rows[2])\n\n" + lines, "a.txt") == ["N0", nil, nil])
    #expect(try names("[802-1x]\nclient-cert=data:;base64,\(Self.rows[0])\n", "a.ini") == [nil])
  }

  @Test(arguments: [
    ["10:00", "10:01", "10:02"], ["20260301T100000Z", "20260301T100001Z", "20260301T100002Z"],
    ["1772359100", "1772359200", "1772359307"], ["1772359213.12", "1772359223.43", "1772359233.56"],
    ["1772359200123", "1772359200223", "1772359200325"], ["46082.4166", "46082.4266", "46082.4366"],
    ["11.123456", "12.123456", "13.123456"],
  ])
  func `times of any kind name no devices`(times: [String]) throws {
    for file in ["a.txt", "a.csv"] {
      #expect(try names(table(nil, times.enumerated().map { "\($1),X\($0)" }), file) == [nil, nil, nil], "\(file)")
    }
  }

  @Test(arguments: [
    ["1772359100,x", "1772359101,y", "1772359102,z"], ["1772359100", "1772359200", "1772359307"],
    ["1772359100,hall", "1772359200,hall", "1772359300,hall"], ["1772359300,x", "1772359200,y", "1772359100,z"],
    ["1001.0,x", "1002.0,y", "1003.0,z"], ["4711.001,x", "4711.002,y", "4711.003,z"],
    ["20260301,x", "20260302,y", "20260303,z"], ["25:00,x", "25:01,y", "25:02,z"],
  ])
  func `serial numbers are no times`(cells: [String]) throws {
    let expected = cells.map { String($0.prefix { $0 != "," }) }
    #expect(try names(table(nil, cells), "a.txt") == expected)
  }
}
