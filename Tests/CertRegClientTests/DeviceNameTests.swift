import CertRegCodec
import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegClient

/// Which texts beside a certificate name its device.
@Suite struct DeviceNameTests {
  private static let p256: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
  private static let ed25519: [UInt8] = [0x06, 0x03, 0x2B, 0x65, 0x70]
  private static let serial: [UInt8] = [0x0C] + (1...19).map { UInt8($0 * 13) }

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    (content.count < 0x80 ? [tag, UInt8(content.count)] : [tag, 0x81, UInt8(content.count)]) + content
  }

  private static func scalar(_ number: UInt8) -> [UInt8] {
    [number | 1] + (1..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + Int(number) * 101) }
  }

  /// A certificate of the key `scalar(number)`.
  private static func certificate(_ number: UInt8, serial: [UInt8] = serial, isEdwards: Bool = false) throws -> [UInt8]
  {
    let algorithm = isEdwards ? ed25519 : [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01] + p256
    let key = try #require(PrivateScalar.publicKey(of: scalar(number), algorithm: isEdwards ? ed25519 : p256))
    let body =
      element(0x02, serial) + element(0x30, [0x05, 0x00]) + element(0x30, [0x31, 0x00])
      + element(0x30, []) + element(0x30, [0x31, 0x00])
      + element(0x30, element(0x30, algorithm) + element(0x03, [0] + key))
    return element(0x30, element(0x30, body))
  }

  private static func base64(_ number: UInt8) throws -> String { Base64.encode(try certificate(number)) }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func names(_ found: [InputEntry]) -> [String?] { found.filter { pem($0) != nil }.map(\.deviceID) }

  private func names(_ text: String, _ file: String = "a.csv") throws -> [String?] {
    let found = try fileEntries(file, text)
    #expect(found.compactMap(fault) == [], "\(text)")
    return names(found)
  }

  /// Rows with the certificates 1 to 3 behind what `cells` gives.
  private func table(_ headings: String?, _ separator: String = ",", _ cells: (UInt8) throws -> String) throws -> String
  {
    let rows = try (UInt8(1)...3).map { "\(try cells($0))\(separator)\(try Self.base64($0))\n" }
    return (headings.map { $0 + "\n" } ?? "") + rows.joined()
  }

  // MARK: Private keys

  private static let forms: [@Sendable ([UInt8]) -> String] = [
    { hexadecimal($0) }, { hexadecimal($0).uppercased() }, { "0x" + hexadecimal($0) }, { "00" + hexadecimal($0) },
    { $0.map { hexadecimal([$0]) }.joined(separator: ":") }, { Base64.encode($0) },
    { Base64.encode($0).replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_") },
  ]

  @Test(arguments: forms.indices, ["a.csv", "a.txt"])
  func `the number of a private key names no device in a table without headings`(form: Int, file: String) throws {
    let text = try table(nil) { Self.forms[form](Self.scalar($0)) }
    let found = try fileEntries(file, text)
    #expect(names(found) == [nil, nil, nil] && found.compactMap(fault) == [])
    #expect(found.compactMap(otherContent) == [.privateKey, .privateKey, .privateKey])
    // Nor that of another key, or of a certificate that is damaged.
    let others = try fileEntries("a.csv", table(nil) { Self.hexadecimal(Self.scalar($0 + 50)) })
    #expect(names(others) == [nil, nil, nil] && others.compactMap(otherContent).count == 3)
    let damaged = try fileEntries(
      "a.csv", table(nil) { Self.forms[form](Self.scalar($0)) } + "\(Self.forms[form](Self.scalar(9))),x\n")
    #expect(damaged.allSatisfy { $0.deviceID == nil } && damaged.compactMap(otherContent).count == 4)
  }

  @Test(arguments: forms.indices)
  func `the number of a private key below any heading is passed over, and is no name and no attribute`(form: Int) throws
  {
    let key = { Self.forms[form](Self.scalar($0)) }
    for heading in ["Private Key", "priv_key", "Serial Number", "ID", "note", "key", "私钥"] {
      let text = try table("\(heading),Certificate") { key($0) }
      let found = try fileEntries("a.csv", text)
      #expect(names(found) == [nil, nil, nil] && found.compactMap(fault) == [], "\(heading)")
      #expect(found.compactMap(otherContent) == [.privateKey, .privateKey, .privateKey], "\(heading)")
      let object = "{\"\(heading)\":\"\(key(1))\",\"certificate\":\"\(try Self.base64(1))\"}"
      for json in [
        object, "[\(object)]", "{\"\(heading)\":\"\(key(1))\",\"data\":{\"cert\":\"\(try Self.base64(1))\"}}",
      ] {
        let found = try fileEntries("a.json", json)
        #expect(names(found) == [nil], "\(json)")
        #expect(found.count { otherContent($0) == .privateKey } <= 1, "\(json)")
        if json != object, !json.hasPrefix("[") { continue }
        #expect(found.compactMap(otherContent) == [.privateKey], "\(json)")
      }
      var options = InputOptions()
      options.attributes = [try #require(AttributeRule("site=@\(heading)"))]
      for (name, source) in [("a.csv", text), ("a.json", object)] {
        let found = try fileEntries(name, source, options)
        #expect(found.allSatisfy { $0.attributes.isEmpty && $0.deviceID == nil }, "\(heading) \(name)")
      }
      options = InputOptions()
      options.nameColumn = heading
      let refused = try fileEntries("a.csv", text, options)
      #expect(refused.allSatisfy { $0.deviceID == nil } && refused.compactMap(fault).count == 3)
    }
  }

  @Test func `a column of keys is passed over beside the names, whatever belongs to them`() throws {
    let block = Sample.pem("PRIVATE KEY", Self.scalar(7))
    let digits = Self.hexadecimal(Array(block.utf8))
    let encoded = try fileEntries("a.csv", table("id,key,cert") { "d\($0),\(digits)" })
    #expect(names(encoded) == ["d1", "d2", "d3"] && encoded.compactMap(otherContent).count == 3)
    for key in [Self.hexadecimal(Self.scalar(77)), Base64.encode(Self.scalar(77)), digits] {
      let found = try fileEntries("a.csv", table("Device ID,Private Key,Certificate") { "d\($0),\(key)" })
      #expect(names(found) == ["d1", "d2", "d3"])
      #expect(found.compactMap(otherContent) == [.privateKey, .privateKey, .privateKey])
      let object = "{\"deviceId\":\"d\",\"privateKey\":\"\(key)\",\"cert\":\"\(try Self.base64(1))\"}\n"
      #expect(try fileEntries("a.jsonl", object + object).compactMap(otherContent) == [.privateKey, .privateKey])
    }
  }

  @Test func `a digest is a name below the heading of a device`() throws {
    let digest = Self.hexadecimal(Self.scalar(99))
    let found = try fileEntries("a.csv", table("device_id,cert") { "\(digest.dropLast())\($0)" })
    #expect(names(found) == (1...3).map { "\(digest.dropLast())\($0)" } && found.compactMap(otherContent) == [])
    #expect(try names(table("key,id,cert") { "k-\($0),d\($0)" }) == ["d1", "d2", "d3"])
  }

  @Test func `a key of Ed25519 is told by its certificate`() throws {
    let certificate = Base64.encode(try Self.certificate(5, isEdwards: true))
    let found = try fileEntries("a.csv", "id,cert\n\(Self.hexadecimal(Self.scalar(5))),\(certificate)\n")
    #expect(names(found) == [nil] && found.compactMap(otherContent) == [.privateKey])
  }

  // MARK: Headings

  @Test(arguments: [
    "Seriennummer", "Gerätename", "Geräte-ID", "序列号", "设备名称", "设备ID", "Numéro de série", "Número de serie",
    "Serienummer", "シリアル番号", "N° de série", "Nº de serie", "Matricola", "MAC-Adresse", "MAC Adresse", "MAC地址",
    "MACアドレス", "adresse mac", "dirección mac", "MAC ID", "WiFi MAC", "BLE MAC", "Ethernet MAC", "eth0 mac",
    "MAC (WiFi)",
    "macaddr", "IMEI-Nummer", "IMEI 1", "设备序号", "端末ID", "製造番号", "device", "dev_id", "UID", "chip id", "EUI", "EUI64",
    "DevEUI", "ICCID", "hostname", "clientId", "registrationId", "serialNum", "Thing name (AWS)", "deviceId [string]",
    "device_id (S)", "DeviceId:string", "devices.device_id", "Device ID (hex)", "Serial No.",
  ])
  func `a usual heading of any language goes before the number of the row`(heading: String) throws {
    #expect(try names(table("ID;\(heading);Zertifikat", ";") { "\($0);SN\($0)" }) == ["SN1", "SN2", "SN3"])
    #expect(try names(table("\(heading);Zertifikat", ";") { "SN\($0)" }) == ["SN1", "SN2", "SN3"])
    let object = "[{\"id\":1,\"\(heading)\":\"SN1\",\"cert\":\"\(try Self.base64(1))\"}]"
    #expect(try names(object, "a.json") == ["SN1"])
  }

  @Test(arguments: ["registrationId", "thingName", "nodeId", "uniqueId", "mac", "serialNumber", "name", "hostname"])
  func `the device ID goes before all others`(heading: String) throws {
    let object = "[{\"\(heading)\":\"other\",\"deviceId\":\"SN1\",\"cert\":\"\(try Self.base64(1))\"}]"
    #expect(try names(object, "a.json") == ["SN1"])
  }

  @Test(arguments: [
    "Seriennummer", "Gerätename", "Geräte-ID", "序列号", "设备名称", "设备ID", "Numéro de série", "Número de serie",
    "Serienummer", "シリアル番号", "MAC-Adresse",
  ])
  func `a translated heading ranks as the English word does`(heading: String) throws {
    #expect(try names(table("Name;\(heading);Zertifikat", ";") { "Sensor X;SN\($0)" }) == ["SN1", "SN2", "SN3"])
    #expect(
      try names(table("\(heading),thingname,mac,cert") { "a\($0),b\($0),c\($0)" })
        == (1...3).map { row in
          // Only an ID of the device is more specific than the name of a thing.
          ["Geräte-ID", "设备ID"].contains(heading) ? "a\(row)" : "b\(row)"
        })
  }

  @Test func `words beside other things are no headings of names`() throws {
    for heading in ["序号", "Nr.", "MAC vendor", "certificate.id", "Serial Number (Certificate)", "issuer.name"] {
      #expect(try names(table("\(heading),cert") { "x\($0)" }) == [nil, nil, nil], "\(heading)")
    }
    #expect(try names(table("WiFi MAC,MAC,cert") { "w\($0),m\($0)" }) == ["m1", "m2", "m3"])
  }

  // MARK: Values

  @Test(arguments: ["#NAME?", "########", "#N/A", "#WERT!", "3.52656E+14", "\"3,52656E+14\"", "1E+10"])
  func `a value that a spreadsheet has damaged names no device, and neither does the number of its row`(value: String)
    throws
  {
    let found = try fileEntries("a.csv", table("ID,MAC,cert") { "\($0),\(value)" })
    #expect(names(found) == [nil, nil, nil] && found.compactMap(fault) == [])
    #expect(found.compactMap(otherContent) == [.lostName, .lostName, .lostName])
    var options = InputOptions()
    options.nameColumn = "MAC"
    #expect(try fileEntries("a.csv", table("ID,MAC,cert") { "\($0),\(value)" }, options).compactMap(fault).count == 3)
  }

  @Test(arguments: ["N/A", "NULL", "null", "None", "-", "NaN", "\\N", "(null)"])
  func `a placeholder names no device`(value: String) throws {
    let found = try fileEntries("a.csv", table("MAC,cert") { _ in value })
    #expect(names(found) == [nil, nil, nil] && found.compactMap(otherContent) == [.lostName, .lostName, .lostName])
    let other = try fileEntries("a.csv", table("MAC,Serial,cert") { "\(value),SN\($0)" })
    #expect(names(other) == ["SN1", "SN2", "SN3"] && other.compactMap(otherContent) == [])
    let object = "[{\"name\":\"\(value.replacing("\\", with: "\\\\"))\",\"cert\":\"\(try Self.base64(1))\"}]"
    let inJSON = try fileEntries("a.json", object)
    #expect(names(inJSON) == [nil] && inJSON.compactMap(otherContent) == [.lostName])
  }

  @Test(arguments: ["#7", "10E14", "34E518000000", "a+b", "1+1", "NULL-7", "N/A-1"])
  func `names that look like that stay names`(value: String) throws {
    #expect(try names("MAC,cert\n\(value),\(Self.base64(1))\n") == [value])
  }

  @Test func `the certificate's own serial number and ID name no device`() throws {
    let digits = Self.hexadecimal(Self.serial)
    let colons = Self.serial.map { Self.hexadecimal([$0]) }.joined(separator: ":")
    var decimal: [Int] = []
    for byte in Self.serial {
      var carry = Int(byte)
      for index in decimal.indices {
        carry += decimal[index] * 256
        decimal[index] = carry % 10
        carry /= 10
      }
      while carry > 0 {
        decimal.append(carry % 10)
        carry /= 10
      }
    }
    let number = decimal.reversed().map(String.init).joined()
    let id = SHA256.digest(of: try Self.certificate(1)).hex
    let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id)"
    let short = String(digits.dropFirst())
    let owns = [
      digits, digits.uppercased(), "00" + digits, "0x" + digits, short, "0x" + short, colons, number, id,
      id.uppercased(), arn,
    ]
    for own in owns {
      #expect(try names("Serial Number,cert\n\(own),\(Self.base64(1))\n") == [nil], "\(own)")
      #expect(try names("{\"id\":\"\(own)\",\"cert\":\"\(Self.base64(1))\"}", "a.json") == [nil], "\(own)")
      #expect(try names("Serial Number,Name,cert\n\(own),dev,\(Self.base64(1))\n") == ["dev"], "\(own)")
      // A heading that names a device says that it is called so.
      #expect(try names("Thing Name,cert\n\(own),\(Self.base64(1))\n") == [own], "\(own)")
    }
    #expect(try names("Serial Number,cert\n\(digits)0,\(Self.base64(1))\n") == [digits + "0"])
    // Numbers that are counted are those of the devices, too.
    let counted = Base64.encode(try Self.certificate(1, serial: [0x03, 0xE9]))
    #expect(try names("Serial Number,cert\n1001,\(counted)\n") == ["1001"])
  }

  @Test func `a Terraform state names no devices, and has each certificate once`() throws {
    let id = SHA256.digest(of: try Self.certificate(1)).hex
    let block = PEM.certificate(der: try Self.certificate(1)).replacing("\n", with: "\\n")
    let resource =
      #"{"mode":"managed","type":"aws_iot_certificate","name":"dev","instances":"#
      + #"[{"attributes":{"id":"\#(id)","certificate_pem":"\#(block)"}}]}"#
    let state =
      #"{"version":4,"terraform_version":"1.5.7","serial":3,"outputs":{"cert":{"value":"\#(block)"}},"resources":[\#(resource)]}"#
    let found = try fileEntries("terraform.tfstate", state)
    #expect(names(found) == [nil, nil] && found.compactMap(fault) == [])
    var seen = SeenCertificates()
    let verdicts = found.compactMap { entry -> Bool? in
      guard case .certificate(let certificate) = entry.content else { return nil }
      if case .conflict = seen.take(certificate, of: entry) { return false }
      return true
    }
    #expect(verdicts == [true, true])
  }

  // MARK: Places

  @Test func `the path of a resource goes behind an ID`() throws {
    let path = "projects/p/locations/l/registries/r/devices/2800"
    let certificate = try Self.base64(1)
    #expect(try names("[{\"name\":\"\(path)\",\"id\":\"pump-0\",\"cert\":\"\(certificate)\"}]", "a.json") == ["pump-0"])
    #expect(try names("[{\"name\":\"\(path)\",\"cert\":\"\(certificate)\"}]", "a.json") == [path])
    #expect(try names("[{\"name\":\"a/b\",\"id\":\"1\",\"cert\":\"\(certificate)\"}]", "a.json") == ["a/b"])
  }

  @Test func `an object beside the certificate can describe the device`() throws {
    let item = { (number: UInt8) in
      "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"dev-\(number)\",\"uid\":7},"
        + "\"data\":{\"tls.crt\":\"\(try Self.base64(number))\"}}"
    }
    #expect(
      try names("{\"kind\":\"List\",\"items\":[\(item(1)),\(item(2))]}", "a.json") == ["dev-1", "dev-2"])
    let sibling = { (number: UInt8) in
      "{\"name\":\"order\",\"device\":{\"id\":\"t\(number)\"},\"credential\":{\"cert\":\"\(try Self.base64(number))\"}}"
    }
    #expect(try names("[\(sibling(1)),\(sibling(2))]", "a.json") == ["t1", "t2"])
    // One with a certificate of its own says nothing about others.
    let pair =
      "{\"device\":{\"id\":\"a\",\"cert\":\"\(try Self.base64(1))\"},\"spare\":{\"cert\":\"\(try Self.base64(2))\"}}"
    #expect(try names(pair, "a.json") == ["a", nil])
  }

  @Test(arguments: [
    "2026-01-15 10:22:0", "2026-01-15T10:22:0", "[2026-01-15 10:22:0", "15.01.2026 10:22:0", "1/15/2026 10:22:0",
    "10:22:0", "Jan 15 10:22:0",
  ])
  func `times in front of rows make a log`(time: String) throws {
    for file in ["a.log", "a.csv"] {
      #expect(try names(table(nil) { "\(time)\($0),pump-\($0)" }, file) == [nil, nil, nil], "\(file)")
      #expect(try names(table(nil) { "\(time)\($0).5,INFO,prov" }, file) == [nil, nil, nil], "\(file)")
    }
  }

  @Test func `the host and the program that wrote a line of a log are no devices`() throws {
    let line = { (number: UInt8, member: String) in
      "{\"\(member)\":\"issuer\",\"msg\":\"issued\",\"pem\":\"\(try Self.base64(number))\"}\n"
    }
    for member in ["hostname", "name"] {
      #expect(try names(line(1, member) + line(2, member), "a.log") == [nil, nil])
    }
  }

  @Test func `the numbers of rows name no devices, and what follows them does`() throws {
    for first in [UInt8(0), 1] {
      let number = { (row: UInt8) in row - 1 + first }
      for file in ["a.csv", "a.txt"] {
        let found = try names(table(nil, ";") { "\(number($0));34:85:18:00:00:0\($0)" }, file)
        #expect(found == (1...3).map { "34:85:18:00:00:0\($0)" }, "\(file)")
      }
      #expect(try names(table(nil) { "\(number($0))" }) == [nil, nil, nil])
      #expect(try names(table(nil) { "\(number($0)),," }) == [nil, nil, nil])
    }
    #expect(try names(table(nil) { "100\($0),x" }) == ["1001", "1002", "1003"])
    #expect(try names(table(nil) { "34:85:18:00:00:0\($0),x" }) == (1...3).map { "34:85:18:00:00:0\($0)" })
  }
}
