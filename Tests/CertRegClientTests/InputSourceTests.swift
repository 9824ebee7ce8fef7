import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

@Suite struct InputSourceTests {
  @Test func `reads a table with its PEM in quotes, as Espressif writes it`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "batch.csv",
      "MAC,cert,note\r\n0001,\"\(Sample.certificatePEM(1))\",\"a \"\"b\"\", c\"\r\n\r\n0002,\"\(Sample.certificatePEM(2))\",\r\n0003,,x\r\n"
    )
    let found = try allEntries(file)
    #expect(found.map(\.name) == ["\(file):2 0001", "\(file):7 0002", "\(file):11 0003"])
    #expect(found.map(\.deviceID) == ["0001", "0002", "0003"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2), nil])
  }

  @Test func `takes the column that is named, and base64 and escaped line ends in it`() throws {
    let folder = try TemporaryFolder()
    let base64 = Data(Sample.certificate(1)).base64EncodedString()
    let escaped = Sample.certificatePEM(2).split(separator: "\n").joined(separator: "\\n")
    let file = try folder.write("a.txt", "serial;Device Cert\n1;\(base64)\n2;\(escaped)\n")
    for column in [nil, "device_cert", "2"] {
      #expect(
        try importEntries(file, format: .csv, column: column).map(pem) == [
          Sample.certificatePEM(1), Sample.certificatePEM(2),
        ])
    }
    let error = #expect(throws: InputError.self) { _ = try importEntries(file, format: .csv, column: "other") }
    #expect(error?.message.contains("serial, Device Cert") == true)
  }

  @Test(arguments: 16...80) func `reads base64 in lines of any length, one encoding or text after the other`(width: Int)
    throws
  {
    func wrapped(_ bytes: [UInt8]) -> String { Sample.wrapped(bytes, width: width) }
    let folder = try TemporaryFolder()
    let encodings = (1...3).map { number in
      [0x30, 0x82, 0x01, 0x00] + Sample.certificate(number).dropFirst(2) + [0x04, 0x81, 0xF3]
        + [UInt8](repeating: number, count: 243)
    }
    let blocks = encodings.map(PEM.certificate)
    let texts = wrapped(Array((blocks[0] + blocks[1]).utf8)) + wrapped(Array(blocks[2].utf8))
    #expect(try importEntries(folder.write("texts", texts)).map(pem) == blocks)
    #expect(try importEntries(folder.write("encodings", encodings.map(wrapped).joined())).map(pem) == blocks)
  }

  @Test func `passes over titles above the headings, and headings that come again`() throws {
    let folder = try TemporaryFolder()
    let base64 = (1...2).map { Base64.encode(Sample.certificate($0)) }
    let table =
      "Acme delivery\n;;\nSerial;Certificate;Note\nA1;\(base64[0]);ok\nSerial;Certificate;Note\nA2;\(base64[1]);\n"
    for title in ["", "Hall 7;;\n", "one line\n"] {
      let entries = try allEntries(folder.write("a.csv", title + table))
      #expect(entries.compactMap(pem) == [1, 2].map { Sample.certificatePEM($0) }, "\(title)")
      #expect(entries.filter { pem($0) != nil }.map(\.deviceID) == ["A1", "A2"], "\(title)")
      let titles = title.isEmpty ? [] : [OtherContent.text]
      #expect(entries.compactMap(otherContent) == titles + [.text, .emptyRow, .headings], "\(title)")
    }
  }

  @Test func `reads blocks below a line that looks like headings`() throws {
    let folder = try TemporaryFolder()
    let block = Sample.certificatePEM(1).replacing("\n", with: "\n    ")
    #expect(try importEntries(folder.write("a.yaml", "cert: |\n    \(block)")).map(pem) == [Sample.certificatePEM(1)])
    #expect(try importEntries(folder.write("a.csv", "id,cert\n1,\(Sample.certificatePEM(1))")).map(pem).count == 1)
  }

  @Test func `reads a block in a web page, and names a page without`() throws {
    let folder = try TemporaryFolder()
    let page = "<!DOCTYPE html><html><pre>\n\(Sample.certificatePEM(1))</pre></html>"
    #expect(try importEntries(folder.write("a.pem", page)).map(pem) == [Sample.certificatePEM(1)])
    let error = try allEntries(folder.write("b.pem", "<html>502, bad; gateway</html>")).first.flatMap(fault)
    #expect(error == "an HTML page, not a certificate")
  }

  @Test func `names office documents`() throws {
    let folder = try TemporaryFolder()
    let content = Array(Sample.certificatePEM(1).utf8)
    let packages = ["[Content_Types].xml", "_rels/.rels", "mimetype", "word/numbering.xml", "xl/drawings/1.xml"].map {
      [Member(path: $0, content: []), Member(path: "xl/sharedStrings.xml", content: content)]
    }
    for members in packages {
      let path = try folder.write("table.bin", ArchiveFixture(.zip, members).bytes())
      #expect(try allEntries(path).map(fault) == ["an office document, not a certificate"], "\(members[0].path)")
    }
    let text = try folder.write("a.rtf", "{\\rtf1\\ansi \(Sample.certificatePEM(1))}")
    #expect(try allEntries(text).map(fault) == ["an office document, not a certificate"])
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
    let found = try allEntries(file)
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
        "{\"version\":2,\"uniqueId\":\"0125\"}",
      ]))
    let found = try allEntries(file)
    #expect(
      found.map(\.name) == [
        "\(file)[1] 0123", "\(file)[1] 0123", "\(file)[2] 0124", "\(file)[3] h]\"[", "\(file)[4] h]\"[",
        "\(file)[5] 0125",
      ])
    #expect(found.map(pem) == [Sample.certificatePEM(1), nil, nil, nil, nil, nil])
    #expect(found.map(otherContent) == [nil, .issuer, nil, nil, nil, nil])
    #expect(fault(found[5])?.contains("version 2") == true)
  }

  @Test func `says that a manifest breaks off after handing out what is whole`() throws {
    let folder = try TemporaryFolder()
    let device = Data(Sample.certificate(1)).base64EncodedString()
    let entry = "{\"uniqueId\":\"0123\",\"publicKeySet\":{\"keys\":[{\"x5c\":[\"\(device)\"]}]}}"
    let whole = manifest([entry, entry])
    let found = try allEntries(try folder.write("m.json", String(whole.dropLast(8))))
    #expect(found.map(pem) == [Sample.certificatePEM(1), nil])
    #expect(fault(found[1])?.contains("breaks off") == true)
    // Without the brackets of the array, and from its middle.
    let fragment = try folder.write("f.json", String(whole.dropFirst(2).dropLast(3)) + ",\n")
    #expect(try allEntries(fragment).map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(1)])
  }

  @Test func `reads PEM block by block, and accounts for keys`() throws {
    let folder = try TemporaryFolder()
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n"
    let text =
      "text\n" + Sample.certificatePEM(1) + Sample.pem("PRIVATE KEY", Sample.privateKey) + cut
      + Sample.certificatePEM(2)
    let file = try folder.write("all.pem", text)
    let found = try allEntries(file)
    #expect(found.map(pem) == [Sample.certificatePEM(1), nil, cut, Sample.certificatePEM(2)])
    #expect(found.map(otherContent) == [nil, .privateKey, nil, nil])
    #expect(found.map(\.name) == ["\(file):2", "\(file):5", "\(file):8", "\(file):10"])
  }

  @Test func `walks folders in order, and accounts for every file`() throws {
    let folder = try TemporaryFolder()
    try folder.write("b.pem", Sample.certificatePEM(2))
    try folder.write("a/z.der", Sample.certificate(1))
    try folder.write("a/key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    try folder.write("a/notes.txt", "nothing")
    try folder.write(".hidden.pem", Sample.certificatePEM(9))
    try folder.write("c.bin", Sample.certificatePEM(3) + Sample.certificatePEM(4))
    try folder.write("d.pem", "")
    let found = try allEntries(folder.root)
    #expect(
      found.map { $0.place.replacing(folder.root + "/", with: "") } == [
        ".hidden.pem", "a/key.pem", "a/notes.txt", "a/z.der", "b.pem", "c.bin:1", "c.bin:4", "d.pem",
      ])
    #expect(found.map(otherContent) == [.hidden, .privateKey, .text, nil, nil, nil, nil, .empty])
    #expect(found.compactMap(pem) == (1...4).map { Sample.certificatePEM($0) })
  }

  @Test func `tells each argument that brings nothing and goes on`() throws {
    let folder = try TemporaryFolder()
    let key = try folder.write("key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    let good = try folder.write("good.pem", Sample.certificatePEM())
    try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: false)
    var source = try InputSource([folder.path("none"), key, folder.path("empty"), good])
    var found: [InputEntry] = []
    while let entry = source.next() { found.append(entry) }
    #expect(found.map(\.place) == [folder.path("none"), key, folder.path("empty"), good])
    #expect(found.map { fault($0) == nil } == [false, false, false, true])
    #expect(source.account.total == 4)
  }

  @Test func `says what to do with archives that it does not read`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a", Array("Rar!\u{1A}\u{07}\u{01}\0".utf8))
    #expect(fault(try allEntries(file)[0]) == "a rar archive, which is not read")
  }

  @Test func `never crashes on damaged sources`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    let originals = [
      manifest(["{\"publicKeySet\":{\"keys\":[{\"x5c\":[\"MAo=\"]}]}}", "{}"]),
      "MAC,cert\n1,\"\(Sample.certificatePEM())\"\n2,\"x\"\n", Sample.certificatePEM() + Sample.certificatePEM(2),
    ].map { Array($0.utf8) }
    for format in [InputFormat.microchip, .csv, .jsonl, .pem, .base64, nil] {
      for round in 0..<60 {
        var bytes = originals.randomElement(using: &generator) ?? []
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
        let file = try folder.write("f\(round)", bytes)
        // An error is as good as entries; a crash or an endless loop is what this looks for.
        let count = (try? importEntries(file, format: format).count) ?? 0
        #expect(count <= bytes.count, "seed \(seed)")
      }
    }
  }
}

@Suite struct CertificateIDTests {
  @Test func `names a certificate the same whatever its lines`() {
    let ids = [Sample.certificatePEM(1), Sample.certificatePEM(1).replacing("\n", with: "\\n")].map { text in
      Value.pieces(text.utf8).first?.certificate?.id
    }
    #expect(ids == [SHA256.digest(of: Sample.certificate(1)), SHA256.digest(of: Sample.certificate(1))])
  }
}
