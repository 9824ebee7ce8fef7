import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Testing

@testable import CertRegClient

@Suite struct ImportSourceTests {
  private func entries(
    _ path: String, format: ImportFormat? = nil, column: String? = nil
  ) throws -> (ImportFormat, [ImportEntry]) {
    var (kind, source) = try ImportFormat.open(path, format: format, column: column)
    var entries: [ImportEntry] = []
    while let entry = try source.next() { entries.append(entry) }
    return (kind, entries)
  }

  @Test func `reads a table with its PEM in quotes, as Espressif writes it`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "batch.csv",
      "MAC,cert,note\r\n0001,\"\(Sample.certificatePEM(1))\",\"a \"\"b\"\", c\"\r\n\r\n0002,\"\(Sample.certificatePEM(2))\",\r\n0003,,x\r\n"
    )
    let (kind, found) = try entries(file)
    #expect(kind == .csv)
    #expect(found.map(\.name) == ["\(file):2 0001", "\(file):7 0002", "\(file):11 0003"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2), nil])
  }

  @Test func `takes the column that is named, and base64 and escaped line ends in it`() throws {
    let folder = try TemporaryFolder()
    let base64 = Data(Sample.certificate(1)).base64EncodedString()
    let escaped = Sample.certificatePEM(2).split(separator: "\n").joined(separator: "\\n")
    let file = try folder.write("a.txt", "serial;Device Cert\n1;\(base64)\n2;\(escaped)\n")
    for column in [nil, "device_cert", "2"] {
      let (_, found) = try entries(file, format: .csv, column: column)
      #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    }
    let error = #expect(throws: InputError.self) { _ = try entries(file, format: .csv, column: "other") }
    #expect(error?.message.contains("serial, Device Cert") == true)
  }

  @Test func `reads JSON lines`() throws {
    let folder = try TemporaryFolder()
    let lines = [
      JSON.object([
        JSON.Member("serialNumber", .string("7")), JSON.Member("certificatePem", .string(Sample.certificatePEM(1))),
      ]),
      JSON.string(Sample.certificatePEM(2)), JSON.object([JSON.Member("x", .null)]),
    ]
    let file = try folder.write("a.jsonl", lines.map { $0.serialized() + "\n" }.joined() + "\n{broken\n")
    let (kind, found) = try entries(file)
    #expect(kind == .jsonl)
    #expect(found.map(\.name) == ["\(file):1 7", "\(file):2", "\(file):3", "\(file):5"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2), nil, nil])
  }

  private func manifest(_ payloads: [String]) -> String {
    let elements = payloads.map { payload in
      let text = Data(payload.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      return
        "{\"payload\":\"\(text.replacing("=", with: ""))\",\"header\":{\"uniqueId\":\"h]\\\"[\"},\"signature\":\"x\"}"
    }
    return "[\n" + elements.joined(separator: ",\n") + "\n]\n"
  }

  @Test func `reads a Microchip manifest, the device's certificate of each key`() throws {
    let folder = try TemporaryFolder()
    let device = Data(Sample.certificate(1)).base64EncodedString()
    let signer = Data(Sample.certificate(9)).base64EncodedString()
    let file = try folder.write(
      "m.json",
      manifest([
        "{\"uniqueId\":\"0123\",\"publicKeySet\":{\"keys\":[{\"x5c\":[\"\(device)\",\"\(signer)\"]},{\"kid\":\"1\"}]}}",
        "{\"uniqueId\":\"0124\",\"publicKeySet\":{\"keys\":[]}}", "{}", "nonsense",
      ]))
    let (kind, found) = try entries(file)
    #expect(kind == .microchip)
    #expect(found.map(\.name) == ["\(file)[1] 0123", "\(file)[2] 0124", "\(file)[3] h]\"[", "\(file)[4]"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), nil, nil, nil])
  }

  @Test func `says that a manifest breaks off after handing out what is whole`() throws {
    let folder = try TemporaryFolder()
    let whole = manifest(["{}", "{}"])
    let file = try folder.write("m.json", String(whole.dropLast(6)))
    var (_, source) = try ImportFormat.open(file, format: nil, column: nil)
    #expect(try source.next() != nil)
    let error = #expect(throws: InputError.self) { _ = try source.next() }
    #expect(error?.message.contains("breaks off") == true)
  }

  @Test func `reads PEM block by block, and passes over keys`() throws {
    let folder = try TemporaryFolder()
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n"
    let text =
      "text\n" + Sample.certificatePEM(1) + Sample.pem("PRIVATE KEY", Sample.privateKey) + cut
      + Sample.certificatePEM(2)
    let file = try folder.write("all.pem", text)
    let (kind, found) = try entries(file, format: .pem)
    #expect(kind == .pem)
    #expect(found.map(pem) == [Sample.certificatePEM(1), cut, Sample.certificatePEM(2)])
    #expect(found.map(\.name) == ["\(file):2", "\(file):8", "\(file):10"])
  }

  @Test func `reads a tar archive with short and long names`() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "d/", count: 70) + "c.pem"
    try folder.write("in/a.der", Sample.certificate(1))
    try folder.write("in/\(long)", Sample.certificatePEM(2))
    try folder.write("in/key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    try folder.write("in/notes", "nothing")
    for format in ["ustar", "gnu", "pax"] {
      let archive = folder.path("\(format).tar")
      let result = Program.run(
        [
          "tar", "--format=\(format)", "--sort=name", "-cf", archive, "-C", folder.path("in"), "a.der", "d", "key.pem",
          "notes",
        ],
        environment: ProcessInfo.processInfo.environment, timeout: .seconds(30))
      try #require(result?.status == 0, "tar is needed for this test")
      let (kind, found) = try entries(archive)
      #expect(kind == .tar)
      #expect(found.map(\.name) == ["\(archive)/a.der", "\(archive)/\(long)"])
      #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    }
  }

  @Test(arguments: [
    ("a.pem", ImportFormat.pem), ("a.csv", .csv), ("a.ndjson", .jsonl), ("a.crt", .pem),
  ])
  func `goes by the name where the content does not tell`(name: String, expected: ImportFormat) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(name, "cert\n" + "x\n")
    #expect(try ImportFormat.open(file, format: nil, column: nil).0 == expected)
  }

  @Test func `says what to do with archives that it does not read`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a", Array("Rar!\u{1A}\u{07}\u{01}\0".utf8))
    let error = #expect(throws: InputError.self) { _ = try ImportFormat.open(file, format: nil, column: nil) }
    #expect(error?.message == "a rar archive, which is not read")
    #expect(error?.advice?.contains("unpack") == true)
  }

  @Test func `never crashes on damaged sources`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    let originals = [
      manifest(["{\"publicKeySet\":{\"keys\":[{\"x5c\":[\"MAo=\"]}]}}", "{}"]),
      "MAC,cert\n1,\"\(Sample.certificatePEM())\"\n2,\"x\"\n", Sample.certificatePEM() + Sample.certificatePEM(2),
    ].map { Array($0.utf8) }
    for format in [ImportFormat.microchip, .csv, .jsonl, .pem, .tar] {
      for round in 0..<60 {
        var bytes = originals.randomElement(using: &generator) ?? []
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
        let file = try folder.write("f\(round)", bytes)
        // An error is as good as entries; a crash or an endless loop is what this looks for.
        let count = (try? entries(file, format: format).1.count) ?? 0
        #expect(count <= bytes.count, "seed \(seed)")
      }
    }
  }
}

@Suite struct FingerprintTests {
  @Test func `names a certificate the same whatever its lines`() {
    let one = ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(1))
    #expect(one == SHA256.digest(of: Sample.certificate(1)))
    #expect(one == ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(1).replacing("\n", with: "\r\n")))
    #expect(one != ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(2)))
  }
}
