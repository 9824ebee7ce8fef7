import CertRegCodec
import CertRegTesting
import Testing

@testable import CertRegClient

/// Bytes of certificates as programs and scripts write them, and several certificates beside one name.
@Suite struct WrittenBytesTests {
  /// A certificate as far as certregctl reads one, with bytes of all values.
  private static func certificate(_ number: UInt8 = 1, name: String = "d1", extensions: [UInt8] = []) -> [UInt8] {
    Sample.wholeCertificate(number, name: name, extensions: extensions)
  }

  private static func block(_ number: UInt8 = 1) -> String { PEM.certificate(der: certificate(number)) }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// What Python prints of bytes.
  private static func python(_ bytes: some Collection<UInt8>) -> String {
    let quote = bytes.contains(0x27) && !bytes.contains(0x22) ? "\"" : "'"
    let content = bytes.map { byte -> String in
      switch byte {
      case 0x09: "\\t"
      case 0x0A: "\\n"
      case 0x0D: "\\r"
      case 0x5C: "\\\\"
      case 0x27 where quote == "'": "\\'"
      case 0x20..<0x7F: String(decoding: [byte], as: UTF8.self)
      default: "\\x" + hexadecimal(byte)
      }
    }
    return "b" + quote + content.joined() + quote
  }

  private static func lines(_ bytes: [UInt8], perLine count: Int, _ word: (UInt8) -> String) -> String {
    stride(from: 0, to: bytes.count, by: count).map { start in
      bytes[start..<min(start + count, bytes.count)].map(word).joined(separator: " ") + "\n"
    }.joined()
  }

  @Test(arguments: [1, 2, 4, 7, 16])
  func `reads hexadecimal bytes on any number of lines`(perLine: Int) throws {
    let words: [(UInt8) -> String] = [
      { Self.hexadecimal($0) }, { "0x\(Self.hexadecimal($0))," }, { "0x\(String($0, radix: 16).uppercased())," },
    ]
    for word in words {
      let arrays = [1, 2].map { "a[] = {\n" + Self.lines(Self.certificate($0), perLine: perLine, word) + "};\n" }
      let entries = try fileEntries("a.c", arrays.joined())
      #expect(entries.compactMap(pem) == [Self.block(1), Self.block(2)], "\(word(7))")
    }
    let key = [0x30, 0x2E, 0x02, 0x01, 0x01, 0x04] + [UInt8](repeating: 0x41, count: 42)
    let entries = try fileEntries("a.c", Self.lines(key, perLine: perLine) { "0x\(Self.hexadecimal($0))," })
    #expect(entries.compactMap(fault) == ["a private key, not a certificate"])
    let cut = Self.lines(Self.certificate(7).dropLast(40), perLine: min(perLine, 7), Self.hexadecimal)
    #expect(
      try fileEntries("a.c", "x {\n\(cut)}\n").compactMap(fault)
        == ["hexadecimal numbers of a certificate that break off"])
  }

  @Test(arguments: [16, 32, 48])
  func `an element that fills a line is a part of the certificate`(perLine: Int) throws {
    // It looks like a key.
    let element = Sample.sequence([0x02, 0x01, 0x00] + [UInt8](repeating: 0x41, count: perLine - 5))
    for length in 1...perLine {
      let name = String(repeating: "n", count: length)
      let certificates = [1, 2].map { Self.certificate($0, name: name, extensions: element) }
      let blocks = certificates.map { PEM.certificate(der: $0) }
      let dumps = [
        certificates.map { Self.lines($0, perLine: perLine, Self.hexadecimal) },
        certificates.map { Self.lines($0, perLine: perLine, Self.hexadecimal).replacing(" ", with: "") },
        certificates.map { Sample.wrapped($0, width: perLine / 3 * 4) },
      ]
      for dump in dumps {
        #expect(try fileEntries("a.txt", dump.joined(separator: "\n")).map(pem) == blocks, "\(length): \(dump[0])")
      }
    }
  }

  @Test func `bytes behind the symbols of a debugger are read`() throws {
    let rows = Self.lines(Self.certificate(), perLine: 8) { "\t0x\(Self.hexadecimal($0))" }.split(separator: "\n")
    let dump = rows.enumerated().map { index, row in
      "0x2000\(index < 2 ? "0" : "")\(String(index * 8, radix: 16)) <device_cert\(index == 0 ? "" : "+\(index * 8)")>:\(row.replacing(" ", with: ""))\n"
    }
    #expect(try fileEntries("gdb.txt", dump.joined()).map(pem) == [Self.block()])
  }

  @Test func `numbers one to a line are read behind base64 of any text`() throws {
    let text = Array("a remark of some length that is in base64, and no certificate at all".utf8)
    for spare in 0..<4 {
      let remark = Base64.encode(text + [UInt8](repeating: 0x21, count: spare))
      for head in ["x\n\(remark)\n", "\(remark)\n", "token: \(remark)\n", Sample.wrapped(text, width: 64)] {
        for word in [{ String($0) }, { "\($0)," }, Self.hexadecimal, { "0x\(Self.hexadecimal($0))," }] {
          let numbers = Self.lines(Self.certificate(), perLine: 1, word)
          #expect(try fileEntries("a.txt", head + numbers).map(pem) == [Self.block()], "\(head) \(word(7))")
        }
      }
    }
    let encoded = Base64.encode(Self.certificate(2)) + "\n"
    let numbers = Self.lines(Self.certificate(1), perLine: 1) { String($0) }
    #expect(Set(try fileEntries("a.txt", encoded + numbers).map(pem)) == [Self.block(2), Self.block(1)])
    // A number is no part of the base64 of a certificate behind it.
    #expect(try fileEntries("a.txt", "x\n48\n130\n1\n\(encoded)48\n").map(pem) == [Self.block(2)])
  }

  @Test func `reads what Python and other languages print of bytes`() throws {
    let bytes = Self.certificate()
    let printed = Self.python(bytes)
    let octal = bytes.map { byte -> String in
      let digits = String(byte, radix: 8)
      return (0x20..<0x7F).contains(byte) && byte != 0x22 && byte != 0x5C
        ? String(decoding: [byte], as: UTF8.self) : "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
    let parts = stride(from: 0, to: bytes.count, by: 40).map { bytes[$0..<min($0 + 40, bytes.count)] }
    let sources = [
      printed, "CERT = \(printed)\n", "bytearray(\(printed))\n", "cert: \"\(octal.joined())\";\n",
      "CERT = (\n" + parts.map { "    \(Self.python($0))\n" }.joined() + ")\n",
    ]
    for source in sources {
      #expect(try fileEntries("a.txt", source).map(pem) == [Self.block()], "\(source)")
    }
    let two = "A = \(printed)\nB = \(Self.python(Self.certificate(2)))\n"
    #expect(try fileEntries("a.py", two).map(pem) == [Self.block(1), Self.block(2)])
    let second = Self.python(Self.block(2).utf8)
    let list = "[{'device_id': 'd1', 'cert': \(printed)}, {'device_id': 'd2', 'cert': \(second)}]"
    let entries = try fileEntries("a.txt", list)
    #expect(entries.map(pem) == [Self.block(1), Self.block(2)] && entries.map(\.deviceID) == ["d1", "d2"])
    let row = "device_id,cert\nd1,\"\(printed.replacing("\"", with: "\"\""))\"\n"
    #expect(try fileEntries("a.csv", row).map(\.deviceID) == ["d1"])
  }

  @Test func `reads the records of an Intel HEX file, and what browsers print of bytes`() throws {
    let bytes = Self.certificate()
    let records = stride(from: 0, to: bytes.count, by: 16).map { start in
      let data = Array(bytes[start..<min(start + 16, bytes.count)])
      let record = [UInt8(data.count), UInt8(start >> 8), UInt8(start & 255), 0] + data
      return ":" + (record + [0 &- record.reduce(0, &+)]).map(Self.hexadecimal).joined().uppercased() + "\n"
    }
    let file = ":020000040800F2\n" + records.joined() + ":00000001FF\n"
    #expect(try fileEntries("a.hex", file).map(pem) == [Self.block()])
    let members = bytes.enumerated().map { "\"\($0)\":\($1)" }.joined(separator: ",")
    let entries = try fileEntries("a.json", "{\"deviceId\":\"d1\",\"cert\":{\(members)}}")
    #expect(entries.map(pem) == [Self.block()] && entries.map(\.deviceID) == ["d1"])
  }

  @Test func `takes no key from a string of bytes, and says where one breaks off`() throws {
    let key = Self.python([0x30, 0x2E, 0x02, 0x01, 0x01, 0x04] + [UInt8](repeating: 0x41, count: 42))
    let entries = try fileEntries("a.py", "k = \(key)\nc = \(Self.python(Self.certificate()))\n")
    #expect(entries.compactMap(otherContent) == [.privateKey] && entries.compactMap(pem) == [Self.block()])
    let cut = "c = \(Self.python(Self.certificate(7).dropLast(40)))\nn = 1\n\(Self.block(2))"
    let damaged = try fileEntries("a.py", cut)
    #expect(damaged.compactMap(fault) == ["bytes of a certificate in a string that breaks off"])
    #expect(damaged.compactMap(pem) == [Self.block(2)])
  }

  @Test(arguments: [">>dev.pem", " >> \"C:\\out dir\\dev.pem\"", ">dev.pem", " 1>>dev.pem"])
  func `reads blocks that a script writes line by line`(redirection: String) throws {
    let lines = (Self.block(1) + Self.block(2)).split(separator: "\n")
    for command in ["echo ", "@ECHO ", "  echo "] {
      let script = lines.map { "\(command)\($0)\(redirection)\r\n" }.joined()
      #expect(try fileEntries("a.bat", "@echo off\r\n\(script)").map(pem) == [Self.block(1), Self.block(2)])
    }
  }

  @Test func `one of several certificates has the name that stands beside them`() throws {
    func text(_ number: UInt8, _ name: String) -> String { Base64.encode(Self.certificate(number, name: name)) }
    let (own, other) = (text(1, "d1"), text(2, "other"))
    let objects = [
      "{\"deviceId\":\"d1\",\"cert\":\"\(own)\",\"bootstrap\":{\"cert\":\"\(other)\"}}",
      "{\"deviceId\":\"d1\",\"bootstrap\":{\"x\":{\"cert\":\"\(other)\"}},\"cert\":\"\(own)\"}",
      "{\"deviceId\":\"d1\",\"certificates\":[\"\(other)\",\"\(own)\"]}",
      "{\"deviceId\":\"d1\",\"deviceCertificate\":\"\(other)\",\"clientCertificate\":\"\(own)\"}",
    ]
    for object in objects {
      let entries = try fileEntries("a.json", object)
      #expect(entries.count == 2 && entries.allSatisfy { pem($0) != nil }, "\(object)")
      let own = entries.filter { $0.deviceID == "d1" }.compactMap(pem)
      #expect(own == [PEM.certificate(der: Self.certificate(1, name: "d1"))], "\(object)")
      #expect(entries.contains { $0.deviceID == nil })
    }
    // Nothing tells which one it is.
    let list = try fileEntries("a.json", "{\"deviceId\":\"d9\",\"certificates\":[\"\(other)\",\"\(own)\"]}")
    #expect(list.compactMap(pem).count == 2 && list.compactMap(\.deviceID).isEmpty)
    let unknown = "{\"deviceId\":\"d9\",\"oldCert\":\"\(own)\",\"newCert\":\"\(other)\"}"
    let message = "several members hold certificates of devices, beside one name of a device"
    #expect(try fileEntries("a.json", unknown).map(fault) == [message, message])
    var options = InputOptions()
    options.column = "newCert"
    let chosen = try fileEntries("a.json", unknown, options)
    #expect(chosen.compactMap(pem).count == 1 && chosen.first?.deviceID == "d9")
  }
}
