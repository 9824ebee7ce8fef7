import CertRegCodec
import Testing

@testable import CertRegClient

/// Blocks whose lines stand in rows one below the other, and blocks in cells that do not end.
@Suite struct SplitRowTests {
  private static let key = Sample.pem("PRIVATE KEY", Sample.privateKey)

  /// How a program writes the cells around the lines of a block.
  enum Way: CaseIterable {
    case nameFirst, nameEach, counted, behind, quoted, further

    func rows(_ name: String, _ text: String) -> String {
      text.split(separator: "\n").enumerated().map { index, line in
        let first = index == 0 ? name : ""
        switch self {
        case .nameFirst: return "\(first),\(line)\n"
        case .nameEach: return "\(name),\(line)\n"
        case .counted: return "\(name),\(index),\(line)\n"
        case .behind: return "\(line),\(first)\n"
        case .quoted: return "\"\(name)\",\"\(line)\"\n"
        case .further: return index == 0 ? "\(name),\(line),hall 7\n" : ",\(line),\n"
        }
      }.joined()
    }

    var headings: String {
      switch self {
      case .nameFirst, .nameEach, .quoted: "device_id,certificate\n"
      case .counted: "device_id,line,certificate\n"
      case .behind: "certificate,device_id\n"
      case .further: "device_id,certificate,site\n"
      }
    }
  }

  private func names(_ entries: [InputEntry]) -> [String] {
    entries.compactMap { entry in pem(entry).map { "\(entry.deviceID ?? "-") \($0)" } }
  }

  private func expected(_ numbers: ClosedRange<UInt8>) -> [String] {
    numbers.map { "d\($0) \(Sample.certificatePEM($0))" }
  }

  @Test(arguments: Way.allCases) func `reads a block whose lines are rows`(way: Way) throws {
    let rows = (UInt8(0)...2).map { way.rows("d\($0)", Sample.certificatePEM($0)) }.joined()
    for text in [way.headings + rows, way == .nameFirst ? rows : way.headings + rows] {
      let found = try fileEntries("a.csv", text)
      #expect(names(found) == expected(0...2))
      #expect(found.count == 3)
    }
  }

  @Test(arguments: Way.allCases) func `passes over the key behind such a block`(way: Way) throws {
    let rows = (UInt8(0)...2).map { way.rows("d\($0)", Sample.certificatePEM($0) + Self.key) }.joined()
    let found = try fileEntries("a.csv", way.headings + rows)
    #expect(names(found) == expected(0...2))
    #expect(found.compactMap(otherContent) == [.privateKey, .privateKey, .privateKey])
  }

  @Test func `a block that breaks off costs no other one`() throws {
    let way = Way.nameFirst
    let cut = way.rows("d9", "-----BEGIN CERTIFICATE-----\nMAowCKADAgEC\n")
    let found = try fileEntries(
      "a.csv",
      way.headings + way.rows("d0", Sample.certificatePEM(0)) + cut + way.rows("d1", Sample.certificatePEM(1)))
    let whole = found.filter {
      pem($0).map { $0 == Sample.certificatePEM(0) || $0 == Sample.certificatePEM(1) } ?? false
    }
    #expect(names(whole) == expected(0...1))
    #expect(found.count == 3 && found[1].deviceID == "d9")
  }

  @Test func `reads base64 whose lines are rows`() throws {
    let folder = try TemporaryFolder()
    let issuers = try ["one", "two"].map {
      try Issuer(folder, $0, options: ["-addext", "basicConstraints=critical,CA:FALSE"])
    }
    for way in [Way.nameFirst, .nameEach, .counted] {
      let rows = issuers.enumerated().map { way.rows("d\($0)", Sample.wrapped($1.der)) }.joined()
      let found = try fileEntries("a.csv", way.headings + rows)
      #expect(found.map(\.deviceID) == ["d0", "d1"])
      #expect(found.compactMap(pem) == issuers.map { PEM.certificate(der: $0.der) })
    }
    // A certificate that was cut does not go on in the next row.
    let text = Base64.encode(issuers[0].der)
    let found = try fileEntries("a.csv", "id,cert\nd0,\(text.prefix(200))\nd1,\(Base64.encode(issuers[1].der))\n")
    #expect(found.last.map { names([$0]) } == ["d1 " + PEM.certificate(der: issuers[1].der)])
  }

  @Test func `reads blocks of which the quotation marks are missing`() throws {
    let rows = (UInt8(0)...2).map { "d\($0),\(Sample.certificatePEM($0))" }
    #expect(names(try fileEntries("a.csv", "id,cert\n" + rows.joined())) == expected(0...2))
    #expect(names(try fileEntries("a.csv", rows.joined())) == expected(0...2))
    let further = rows.map { $0.dropLast() + ",\(Self.key)" }.joined()
    let found = try fileEntries("a.txt", "id,cert,key\n" + further)
    #expect(names(found) == expected(0...2))
    #expect(found.compactMap(otherContent) == [.privateKey, .privateKey, .privateKey])
    // A sentence before a block names no device.
    let text = "Dear all,\nyours sincerely, \(Sample.certificatePEM(1))"
    #expect(names(try fileEntries("a.txt", text)) == ["- \(Sample.certificatePEM(1))"])
  }

  // MARK: Quotation marks that are missing

  private static let good = (UInt8(0)...1).map { "d\($0),\"\(Sample.certificatePEM($0))\"\n" }.joined()

  @Test(arguments: ["", "\n"]) func `takes a missing quotation mark to stand behind the block`(end: String) throws {
    let block = Sample.certificatePEM(2).dropLast()
    for next in ["", "d3,\"\(Sample.certificatePEM(3))\"\n", "d3,\(Base64.encode(Sample.certificate(3)))\n"] {
      if end.isEmpty, !next.isEmpty { continue }
      let found = try fileEntries("a.csv", "id,cert\n\(Self.good)d2,\"\(block)\(end)\(next)")
      #expect(names(found) == expected(0...(next.isEmpty ? 2 : 3)))
      #expect(found.compactMap(fault) == [])
    }
    let only = try fileEntries("a.csv", "id,cert\nd2,\"\(block)\(end)")
    #expect(names(only) == expected(2...2))
    let further = try fileEntries("a.csv", "id,cert,site\nd2,\"\(block),hall\(end)")
    #expect(names(further) == expected(2...2))
  }

  @Test func `names the line of a quotation mark that is not closed`() throws {
    let cut = "d2,\"-----BEGIN CERTIFICATE-----\nMAowCKADAgEC"
    let found = try fileEntries("a.csv", "id,cert\n\(Self.good)\(cut)")
    #expect(names(found) == expected(0...1))
    #expect(found.compactMap(fault) == ["the quotation mark that begins a cell in this row is not closed"])
    #expect(found.last?.place.hasSuffix("a.csv:10") == true && found.last?.deviceID == "d2")
    let rows = "d3,\"\(Sample.certificatePEM(3))\"\n"
    #expect(
      names(try fileEntries("a.csv", "id,cert\n\(Self.good)\(cut)\n\(rows)")) == expected(0...1) + expected(3...3))
  }

  /// Rows of which a character before or in the key is missing.
  private static let withKeys: [String] = {
    let line = String(repeating: "MHcCAQEEIAbCdEf0", count: 4)
    let block = "-----BEGIN EC PRIVATE KEY-----\n\(line)\n\(line)\nAb0=\n-----END EC PRIVATE KEY-----\n"
    let certificate = Sample.certificatePEM(2)
    return [
      "d2,\"\(certificate)\",\"\(block)\n", "d2,\"\(certificate.dropLast())\",\"\(block)\n",
      "d2,\"\(certificate),\"\(block)\"\n", "d2,\"\(certificate)\",\(block)\"\n",
      "d2,\"\(certificate)\",\"-----BEGIN EC PRIVATE KEY-----\n\(line)\n\(line)",
      "\(line)\nAb0=\n-----END EC PRIVATE KEY-----\"\n",
      "d2\(line),\(Base64.encode(Sample.certificate(2)))\n", "d2\(line),x\n",
      "d2\(String(repeating: "0a1b", count: 16)),x\n", "private-2\(line),x\n",
    ]
  }()

  @Test(arguments: withKeys) func `no line of a key is a name`(row: String) throws {
    for text in ["id,cert,key\n\(Self.good)\(row)", "\(Self.good)\(row)", "\(row)\(Self.good)"] {
      for entry in try fileEntries("a.csv", text) {
        #expect(entry.deviceID.map { $0.count < 4 } ?? true)
        #expect(!(fault(entry) ?? "").contains("MHcC"))
      }
    }
  }
}
