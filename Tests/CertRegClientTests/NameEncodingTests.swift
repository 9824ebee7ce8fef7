import CertRegCodec
import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegClient

/// Names in other encodings than UTF-8, IDs of other certificates, and names that several certificates have.
@Suite struct NameEncodingTests {
  private static let base64 = (UInt8(0)..<4).map { Base64.encode(Sample.certificate($0)) }

  private func entries(_ head: String, _ name: [UInt8], _ tail: String, file: String = "a.csv") throws -> [InputEntry] {
    let folder = try TemporaryFolder()
    return try allEntries(folder.write(file, Array(head.utf8) + name + Array(tail.utf8)))
  }

  /// Names in GBK, Shift-JIS, Windows-1251, Mac Roman, code page 850, a half of UTF-8, and U+FFFD.
  private static let unreadable: [[UInt8]] = [
    [0xCE, 0xC2, 0xB6, 0xC8], [0x83, 0x5A, 0x83, 0x93, 0x83, 0x54], [0xE4, 0xE0, 0xF2, 0xF7, 0xE8, 0xEA],
    Array("Ger".utf8) + [0x8A, 0x74], Array("Ger".utf8) + [0x84, 0x74], Array("Ger".utf8) + [0xC3, 0x74],
    Array("Ger\u{FFFD}t".utf8), [0xC3, 0xC5],
  ]

  @Test(arguments: unreadable) func `sends no name that cannot be read`(name: [UInt8]) throws {
    let tables = try [
      entries("device_id,cert\n", name, "-1,\(Self.base64[1])\n"),
      entries("", name, "-1,\(Self.base64[1])\nb,\(Self.base64[2])\n"),
      entries("[{\"device_id\":\"", name, "\",\"certificatePem\":\"\(Self.base64[1])\"}]", file: "a.json"),
    ]
    for found in tables {
      #expect(found[0].deviceID == nil && pem(found[0]) == nil)
      #expect(fault(found[0])?.hasPrefix("the device's name cannot be read") == true)
    }
    // A heading that can be that of the names.
    let found = try entries("", name, ",cert\nd1,\(Self.base64[1])\n")
    #expect(found.compactMap(pem) == [] && found.compactMap(fault).count == 1)
    var options = InputOptions()
    options.nameColumn = "1"
    let folder = try TemporaryFolder()
    let file = try folder.write("a.csv", name + Array(",cert\nd1,\(Self.base64[1])\n".utf8))
    #expect(try allEntries(file, options).map(\.deviceID) == ["d1"])
  }

  @Test func `reads names in Windows-1252, and says so`() throws {
    for (bytes, name) in [
      (Array("Ger".utf8) + [0xE4, 0x74], "Gerät"), ([0xC4] + Array("hre 7".utf8), "Ähre 7"),
      (Array("Gr".utf8) + [0xF6, 0xDF, 0x65], "Größe"),
      (Array("Fl\u{FC}gel".unicodeScalars.map { UInt8($0.value) }), "Flügel"),
      (Array("7 ".utf8) + [0xB0] + Array("C".utf8), "7 °C"),
    ] {
      let tables = try [
        entries("device_id,cert\n", bytes, ",\(Self.base64[1])\n"),
        entries("[{\"device_id\":\"", bytes, "\",\"certificatePem\":\"\(Self.base64[1])\"}]", file: "a.json"),
      ]
      for found in tables {
        #expect(found.map(\.deviceID) == [name])
        #expect(found[0].isNameGuessed)
      }
    }
    let found = try entries("device_id,cert\n", Array("Gerät".utf8), ",\(Self.base64[1])\n")
    #expect(found.map(\.deviceID) == ["Gerät"] && !found[0].isNameGuessed)
  }

  private func errors(_ path: String) throws -> String {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    let capture = Capture()
    let status = Batch.verb(path, folder.path("r.csv")).run(
      Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .success)
    return capture.errors
  }

  @Test func `says once which encoding was taken`() throws {
    let folder = try TemporaryFolder()
    let row = { (number: Int) in Array("G".utf8) + [0xE4] + Array("\(number),\(Self.base64[number])\n".utf8) }
    let file = try folder.write("a.csv", Array("id,cert\n".utf8) + row(1) + row(2))
    let notes = try errors(file)
    #expect(notes.contains("a.csv:2 Gä1: the name is not UTF-8, and was read as Windows-1252\n"))
    #expect(notes.contains("iconv -f ") && !notes.contains("Gä2"))
  }

  @Test func `says which devices have several certificates`() throws {
    let folder = try TemporaryFolder()
    let rows = [("a", 0), ("b", 1), ("a", 2), ("b", 1), ("a", 3)].map { "\($0),\(Self.base64[$1])\n" }.joined()
    let file = try folder.write("a.csv", "id,cert\n" + rows)
    #expect(try errors(file).contains("1 device has several certificates: \(file):4 a\n"))
    let single = try folder.write("b.csv", "id,cert\na,\(Self.base64[0])\nb,\(Self.base64[1])\n")
    #expect(try !errors(single).contains("several"))
  }

  @Test func `says no more than it knows of many devices`() throws {
    let capture = Capture()
    var notes = NameNotes(Session(socketPath: "/nonexistent", console: capture.console()))
    let take = { (number: Int, name: String) in
      var entry = InputEntry(place: "\(number)", .emptyRow)
      entry.deviceID = name
      notes.take(InputCertificate(der: Sample.certificate(UInt8(number & 255)) + [UInt8(number >> 8 & 255)]), of: entry)
    }
    for number in 0..<60_000 { take(number, "d\(number)") }
    notes.conclude()
    #expect(capture.errors == "")
    take(1, "x")
    take(2, "x")
    notes.conclude()
    #expect(capture.errors == "at least 1 device has several certificates: 2 x\n")
  }

  @Test func `fails a certificate beside the ID of another one`() throws {
    let ids = (UInt8(0)..<4).map { SHA256.digest(of: Sample.certificate($0)).hex }
    for (heading, prefix) in [
      ("certificateId", ""), ("Certificate ARN", "arn:aws:iot:eu-central-1:123456789012:cert/"),
    ] {
      let found = try fileEntries(
        "a.csv",
        "id,\(heading),cert\nd1,\(prefix)\(ids[1]),\(Self.base64[1])\nd2,\(prefix)\(ids[3]),\(Self.base64[2])\n")
      #expect(found.compactMap(pem) == [Sample.certificatePEM(1)])
      #expect(found.compactMap(fault).map { $0.contains(ids[3]) } == [true])
      let object = "{\"\(heading)\":\"\(prefix)\(ids[3])\",\"cert\":\"\(Self.base64[2])\"}"
      #expect(try fileEntries("a.json", object).compactMap(fault).map { $0.contains(ids[3]) } == [true])
    }
    // A fingerprint can be that of the key.
    let fingerprint = "id,cert_fingerprint,cert\nd1,\(ids[3]),\(Self.base64[1])\n"
    #expect(try fileEntries("a.csv", fingerprint).compactMap(pem) == [Sample.certificatePEM(1)])
    // Objects within have IDs of their own, and of a chain any can be meant.
    let within =
      "{\"certificateId\":\"\(ids[1])\",\"cert\":\"\(Self.base64[1])\",\"old\":{\"cert\":\"\(Self.base64[2])\"}}"
    #expect(try fileEntries("a.json", within).compactMap(fault) == [])
    let chain = Sample.certificatePEM(1) + Sample.certificatePEM(2)
    #expect(try fileEntries("a.csv", "id,certificateId,cert\nd1,\(ids[2]),\"\(chain)\"\n").compactMap(fault) == [])
  }
}
