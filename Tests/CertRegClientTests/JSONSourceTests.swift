import CertRegCodec
import Testing

@testable import CertRegClient

/// JSON as people and programs have it: nested, large, damaged, or nearly JSON.
@Suite struct JSONSourceTests {
  private func entries(_ text: String, _ name: String = "a.json") throws -> [InputEntry] {
    try fileEntries(name, text)
  }

  private func device(_ number: UInt8, _ more: String = "") -> String {
    "{\(more)\"certificatePem\":\"\(Sample.certificatePEM(number).replacing("\n", with: "\\n"))\"}"
  }

  private func names(_ text: String) throws -> [String?] {
    try entries(text).filter { pem($0) != nil }.map(\.deviceID)
  }

  @Test func `the nearest object names the device`() throws {
    let devices = "\(device(1, "\"id\":\"dev-1\","))"
    let list = "[\(devices),\(device(2, "\"id\":\"dev-2\","))]"
    #expect(try names("{\"name\":\"Order 77\",\"devices\":\(list)}") == ["dev-1", "dev-2"])
    #expect(try names("{\"deviceId\":\"gateway\",\"devices\":\(list)}") == ["dev-1", "dev-2"])
    #expect(try names("{\"name\":\"Order 77\",\"device\":\(devices)}") == ["dev-1"])
    #expect(try names("{\"name\":\"Order 77\",\"devices\":[\(devices)]}") == ["dev-1"])
    // What is around several devices names none of them.
    #expect(try names("{\"name\":\"Order 77\",\"devices\":[\(device(1)),\(device(2))]}") == [nil, nil])
    #expect(try names("{\"id\":\"dev-1\",\"certs\":[\(device(1)),{\"note\":\"none\"}]}") == ["dev-1"])
    // A certificate has a serial number of its own.
    #expect(try names("{\"thingName\":\"dev-1\",\"cert\":\(device(1, "\"serialNumber\":\"0A\","))}") == ["dev-1"])
  }

  @Test func `columns that the user names are inherited by all devices`() throws {
    var options = InputOptions()
    options.nameColumn = "lot"
    options.attributes = [try #require(AttributeRule("site=@hall"))]
    let text = "{\"lot\":\"L\",\"hall\":\"7\",\"devices\":[\(device(1)),\(device(2))]}"
    let found = try fileEntries("a.json", text, options)
    #expect(found.map(\.deviceID) == ["L", "L"])
    #expect(found.map { $0.attributes.map(\.value) } == [["7"], ["7"]])
  }

  @Test func `a key beside certificates is passed over, and the certificates are taken`() throws {
    let jwk = #"{"kty":"EC","crv":"P-256","d":"AAAA"}"#
    let found = try entries("[\(device(1, "\"deviceId\":\"a\",\"jwk\":\(jwk),")),\(device(2, "\"deviceId\":\"b\","))]")
    #expect(found.compactMap(pem).count == 2 && found.compactMap(otherContent) == [.privateKey])
    #expect(try names("[\(device(1, "\"deviceId\":\"a\",\"jwk\":\(jwk),"))]") == ["a"])
    let chain = #"{"kty":"EC","d":"AAAA","x5c":["\#(Base64.encode(Sample.certificate(1)))"]}"#
    #expect(try entries(chain).compactMap(pem).count == 1)
    for line in ["AGE-SECRET-KEY-1QQQQ", "PuTTY-User-Key-File-3: ssh-rsa"] {
      let bundle = try entries(line + "\n" + Sample.certificatePEM(1) + Sample.certificatePEM(2), "a.pem")
      #expect(bundle.compactMap(pem).count == 2 && bundle.compactMap(otherContent) == [.privateKey], "\(line)")
    }
    let mixed = try entries("ssh-rsa AAAAB3NzaC1yc2E x\n" + Sample.certificatePEM(1), "a.pem")
    #expect(mixed.map(pem) == [Sample.certificatePEM(1)])
    #expect(try entries(jwk).map(fault) == ["a private key, not a certificate"])
  }

  /// An object whose array has more devices than are kept in memory.
  private static let large = 5 << 20

  private func list(_ separator: String) -> (text: String, count: Int) {
    let filler = String(repeating: "x", count: 65_536)
    let count = Self.large / filler.utf8.count
    let devices = (0..<count).map { device(UInt8($0), "\"id\":\"d\($0)\",\"note\":\"\(filler)\",") }
    return ("[\(devices.joined(separator: separator))]", count)
  }

  @Test(arguments: ["", "\n  "]) func `reads the array of an object that is too long, element by element`(
    indent: String
  )
    throws
  {
    let (array, count) = list("," + indent)
    let hidden = #""key":{"kty":"EC","d":"AAAA"},"#
    var options = InputOptions()
    options.attributes = [try #require(AttributeRule("site=@hall"))]
    let text =
      "{\(indent)\"hall\":\"7\",\"name\":\"Order\",\(hidden)\"data\":{\"devices\":\(array),\"count\":1},\(hidden)\"more\":\(array)}"
    let found = try fileEntries("a.json", text, options)
    let devices = found.filter { pem($0) != nil }
    #expect(devices.map(\.deviceID) == (0..<2 * count).map { "d\($0 % count)" })
    #expect(devices.allSatisfy { $0.attributes.map(\.value) == ["7"] })
    #expect(found.compactMap(fault) == [] && found.compactMap(otherContent) == [.privateKey, .privateKey])
    // Without its end.
    let cut = try entries(String(text.dropLast(array.utf8.count / 2 + 100_000)))
    #expect(cut.last.flatMap(fault)?.contains("breaks off") == true)
  }

  @Test(arguments: [1, 4, 16, 17]) func `reads objects that are too long in each other's arrays, but not in any depth`(
    depth: Int
  ) throws {
    let folder = try TemporaryFolder()
    let inner = String(repeating: "{\"b\":1},", count: 20_000)
    let text = String(repeating: "{\"a\":[", count: depth) + inner + "{}" + String(repeating: "]}", count: depth)
    var elements = JSONElements(try ByteStream(path: FilePath(folder.write("a.json", text))), maximumBytes: 65_536)
    var count = 0
    let read = { () throws(InputError) in
      while try elements.next() != nil { count += 1 }
    }
    if depth <= 16 {
      try read()
      #expect(count == 20_001 + 2 * depth)
    } else {
      let error = #expect(throws: InputError.self) { try read() }
      #expect(error?.message.contains("16 deep") == true && count == 16)
    }
  }

  @Test func `advises how to take apart an object that is no list`() throws {
    let filler = String(repeating: "x", count: Self.large)
    let error = #expect(throws: InputError.self) { try entries("{\"a\":{\"b\":\"\(filler)\"}}") }
    #expect(error?.advice?.contains("jq -c") == true)
  }

  @Test(arguments: [",", ",\n", "\n,\n    "]) func `an element without its brace costs no other element`(
    separator: String
  )
    throws
  {
    var devices = (UInt8(0)..<40).map { device($0, "\"id\":\"d\($0)\",") }
    for index in 0..<30 { devices[index].removeLast() }
    let found = try entries("[\(devices.joined(separator: separator))]")
    #expect(found.compactMap(fault).count == 30)
    #expect(found.filter { pem($0) != nil }.map(\.deviceID) == (30..<40).map { "d\($0)" })
  }

  @Test func `takes the certificates of what is nearly JSON, and names the key`() throws {
    let certificate = Sample.certificatePEM(1).replacing("\n", with: "\\n")
    let key = Sample.pem("RSA PRIVATE KEY", Sample.privateKey).replacing("\n", with: "\\n")
    let texts = [
      "{'certificatePem': '\(certificate)', 'keyPair': {'PrivateKey': '\(key)'}, 'at': datetime.datetime(2026, 1, 1)}\n",
      "{\n  // of the device\n  certificatePem: \"\(certificate)\",\n  keyPair: {PrivateKey: \"\(key)\"},\n}\n",
      "{\"certificatePem\": \"\(certificate)\", \"keyPair\": {\"PrivateKey\": \"\(key)\",},}\n",
    ]
    for text in texts {
      let found = try entries(text)
      #expect(found.compactMap(pem) == [Sample.certificatePEM(1)], "\(text)")
      #expect(found.compactMap(otherContent) == [.privateKey] && found.compactMap(fault) == [], "\(text)")
    }
  }

  @Test func `an object over many lines with a row on each is one value`() throws {
    let rows = (UInt8(1)...3).map { device($0, "\"deviceId\":\"d-\($0)\",") }
    let split = rows[2].replacing(",", with: ",\n")
    for last in [rows[2], split] {
      for head in ["{\"total_rows\":3,\"rows\":[\n", "{\"rows\": [\n", "{ \"a\": 1,\n\"rows\":[\n"] {
        let found = try entries(head + [rows[0], rows[1], last].joined(separator: ",\n") + "\n]}\n")
        #expect(found.map(\.deviceID) == ["d-1", "d-2", "d-3"], "\(head)")
        #expect(found.compactMap(fault) == [], "\(head)")
      }
    }
    // A first line that was cut off costs none of the others.
    #expect(try names(rows[0].dropLast(20) + "\n" + rows[1] + "\n" + rows[2] + "\n").suffix(2) == ["d-2", "d-3"])
  }

  @Test func `an array of the lines of a block is one text`() throws {
    func list(_ text: String) -> String {
      "[" + text.split(separator: "\n").map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }
    let (one, two) = (Sample.certificatePEM(1), Sample.certificatePEM(2))
    let key = Sample.pem("PRIVATE KEY", Sample.privateKey)
    #expect(try entries("{\"id\":\"a\",\"stdout_lines\":\(list(one))}").map(\.deviceID) == ["a"])
    #expect(try entries("{\"stdout_lines\":\(list("subject=x\n" + one + two))}").compactMap(pem) == [one, two])
    #expect(try entries("{\"c\":[\(list(one)),\(list(two))]}").compactMap(pem) == [one, two])
    let mixed = try entries("{\"c\":\(list(one + key))}")
    #expect(mixed.compactMap(pem) == [one] && mixed.compactMap(otherContent) == [.privateKey])
    // Whole blocks, one in each string, stay apart.
    let blocks = [one, two].map { "\"" + $0.replacing("\n", with: "\\n") + "\"" }.joined(separator: ",")
    #expect(try entries("{\"c\":[\(blocks)]}").compactMap(pem) == [one, two])
  }

  @Test func `reads what Python prints`() throws {
    let block = Sample.certificatePEM(1)
    let parts = block.split(separator: "\n").map { "'\($0)\\n'" }
    let name = #"'G "1" O\'Neil \xe9'"#
    for certificate in [
      parts.joined(separator: "\n    "), "'\(block.replacing("\n", with: "\\n"))'",
    ] {
      for text in [
        "{'thingName': \(name),\n 'certificatePem': \(certificate),\n 'a': None, 'b': [True, False], 'n': 7}",
        "[{'thingName': \(name), 'certificatePem': \(certificate)}]\n",
      ] {
        let found = try entries(text)
        #expect(found.map(pem) == [block], "\(text)")
        #expect(found.map(\.deviceID) == [#"G "1" O'Neil é"#], "\(text)")
      }
    }
  }

  @Test func `reads values that DynamoDB writes with their types`() throws {
    let escaped = Sample.certificatePEM(1).replacing("\n", with: "\\n")
    let item = "{\"deviceId\":{\"S\":\"a\"},\"certificatePem\":{\"S\":\"\(escaped)\"},\"n\":{\"N\":\"7\"}}"
    var options = InputOptions()
    options.attributes = [try #require(AttributeRule("site=@n"))]
    for text in [item, "{\"Item\":\(item)}", "{\"Items\":[\(item)],\"Count\":1}"] {
      let found = try fileEntries("a.json", text, options)
      #expect(found.map(\.deviceID) == ["a"] && found.map(pem) == [Sample.certificatePEM(1)], "\(text)")
      #expect(found.map { $0.attributes.map(\.value) } == [["7"]], "\(text)")
    }
  }
}
