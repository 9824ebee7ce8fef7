import CertRegCodec
import Testing

@testable import CertRegClient

/// Tables as programs save them that write other quotation marks, separators and headings than the usual ones.
@Suite struct SavedTableTests {
  private static let base64 = (UInt8(0)..<4).map { Base64.encode(Sample.certificate($0)) }
  private static let blocks = (UInt8(0)..<4).map { Sample.certificatePEM($0) }
  private static let key =
    "-----BEGIN PRIVATE KEY-----\n\(Base64.encode(Sample.privateKey))\n-----END PRIVATE KEY-----\n"
  private static let request = Sample.pem("CERTIFICATE REQUEST", [0x30, 0x03, 0x02, 0x01, 0x00])

  /// The devices of the certificates, if nothing has failed.
  private func devices(_ text: String) throws -> [String?] {
    let entries = try fileEntries("a.csv", text)
    #expect(entries.compactMap(fault) == [])
    return entries.filter { pem($0) != nil }.map(\.deviceID)
  }

  @Test(arguments: [key, request]) func `passes over a row with nothing but a key or a request, once`(other: String)
    throws
  {
    let text = "filename,content\na.pem,\"\(Self.blocks[1])\"\na.key,\"\(other)\"\nb.pem,\"\(Self.blocks[2])\"\n"
    let entries = try fileEntries("a.csv", text)
    #expect(entries.count == 3)
    #expect(entries.compactMap(fault) == [])
    let member = JSON.string(other).serialized()
    let lines = "{\"id\":\"1\",\"pem\":\(member)}\n{\"id\":\"2\",\"pem\":\"\(Self.base64[1])\"}\n"
    #expect(try fileEntries("a.jsonl", lines).count == 2)
    // A device whose certificate is missing is one that failed.
    let lacking = try fileEntries("a.csv", "id,cert,key\n1,\(Self.base64[1]),\n2,,\"\(Self.key)\"\n")
    #expect(lacking.compactMap(fault) == ["the certificate's column is empty"])
  }

  @Test func `reads the values of a partition, and no names from them`() throws {
    let rows = [
      "key,type,encoding,value", "certs,namespace,,", "serial_no,data,string,SN0001",
      "client_cert,data,string,\"\(Self.blocks[1])\"", "dev_key,data,string,\"\(Self.key)\"",
      "wifi_ssid,data,string,factory",
      "cacert,file,string,ca.pem",
    ]
    let entries = try fileEntries("a.csv", rows.joined(separator: "\n") + "\n")
    #expect(entries.compactMap(pem) == [Self.blocks[1]])
    #expect(entries.compactMap(\.deviceID) == [])
    #expect(entries.compactMap(fault) == [])
    #expect(entries.compactMap(otherContent) == [.text, .text, .privateKey, .text, .text])
    #expect(try devices("# values\nfield,value\ndeviceId,pump-1\ncertificate,\(Self.base64[1])\n") == [nil])
    let missing = try fileEntries(
      "a.csv", "key,type,encoding,value\ndev_cert,file,string,dev.pem\nold_cert,data,base64,\(Self.base64[1])\n")
    #expect(missing.compactMap(fault) == ["a column of this row holds the name of a file"])
  }

  @Test(arguments: ["\"sep=;\"", "sep=;", "SEP=;"]) func `reads the line with the separator, and where it is wrong`(
    line: String
  )
    throws
  {
    #expect(try devices("\(line)\nMAC;cert\nm0;\(Self.base64[0])\nm1;\(Self.base64[1])\n") == ["m0", "m1"])
    #expect(try devices("\(line)\nMAC,cert\nm0,\(Self.base64[0])\nm1,\(Self.base64[1])\n") == ["m0", "m1"])
  }

  @Test func `reads rows that stand in quotes as a whole`() throws {
    let rows = (0..<3).map { "\"d\($0),\(Self.base64[$0])\"\n" }.joined()
    #expect(try devices("\"deviceId,cert\"\n" + rows) == ["d0", "d1", "d2"])
    #expect(try devices("deviceId,cert\n" + rows) == ["d0", "d1", "d2"])
    let doubled = (0..<3).map { "\"d\($0);\"\"\(Self.blocks[$0])\"\"\"\n" }.joined()
    #expect(try devices("\"deviceId;\"\"cert\"\"\"\n" + doubled) == ["d0", "d1", "d2"])
    // A title in quotes is none, and neither is a cell with a chain.
    #expect(try devices("\"Devices; cert\"\nid,cert\nd0,\(Self.base64[0])\n") == ["d0"])
  }

  @Test func `reads quotation marks behind backslashes`() throws {
    let rows = (0..<2).map { "m\($0),\"say \\\"hi\\\", ok\",\(Self.base64[$0])\n" }.joined()
    #expect(try devices("MAC,comment,cert\n" + rows) == ["m0", "m1"])
    let folders = (0..<2).map { "m\($0),\"C:\\\",\(Self.base64[$0])\n" }.joined()
    #expect(try devices("MAC,folder,cert\n" + folders) == ["m0", "m1"])
  }

  @Test func `reads rows with another separator than the headings have`() throws {
    #expect(try devices("deviceId,cert\nd0;\(Self.base64[0])\nd1;\(Self.base64[1])\n") == ["d0", "d1"])
  }

  @Test func `reads a second table with its columns in another order`() throws {
    let first = "Device ID,Certificate\nd0,\(Self.base64[0])\ncert,\(Self.base64[1])\n"
    #expect(try devices(first + "\nCertificate,Device ID\n\(Self.base64[2]),d2\n") == ["d0", "cert", "d2"])
    // A device can have the name of a heading.
    let lacking = try fileEntries("a.csv", first + "cert,\n")
    #expect(lacking.compactMap(fault) == ["the certificate's column is empty"])
  }
}
