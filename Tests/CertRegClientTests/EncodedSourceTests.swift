import CertRegCodec
import CertRegTesting
import Testing

@testable import CertRegClient

/// Files within mails and within base64.
@Suite struct EncodedSourceTests {
  private static func wrapped(_ bytes: [UInt8], width: Int = 76) -> String { Sample.wrapped(bytes, width: width) }

  private static func utf16(_ text: String) -> [UInt8] {
    [0xFF, 0xFE] + text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
  }

  /// Sources that name the devices d1 and d2.
  private static let tables: [(name: String, text: String)] = {
    let cells = [1, 2].map { Base64.encode(Sample.certificate($0)) }
    let blocks = [1, 2].map { Sample.certificatePEM($0) }
    let objects = [0, 1].map { index in
      "{\"deviceId\":\"d\(index + 1)\",\"certificatePem\":\"\(blocks[index].replacing("\n", with: "\\n"))\"}"
    }
    return [
      ("devices.csv", "device_id,certificate\r\nd1,\(cells[0])\r\nd2,\(cells[1])\r\n"),
      ("devices.csv", "device_id;certificate\nd1;\"\(blocks[0])\"\nd2;\"\(blocks[1])\"\n"),
      ("devices.json", "[\n\(objects[0]),\n\(objects[1])\n]\n"), ("devices.jsonl", "\(objects[0])\n\(objects[1])\n"),
    ]
  }()

  private static func mail(_ parts: [(name: String, content: [UInt8])], type: String = "application/octet-stream")
    -> String
  {
    let head = """
      From: a@example.com
      Subject: devices
      MIME-Version: 1.0
      Content-Type: multipart/mixed;
       boundary="=-=x"

      This is a multi-part message in MIME format.
      --=-=x
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: quoted-printable

      Please register these =
      devices.

      """
    let attached = parts.map { part in
      """
      --=-=x
      Content-Type: \(type); name="\(part.name)"
      Content-Transfer-Encoding: base64
      Content-Disposition: attachment; filename="\(part.name)"

      \(wrapped(part.content))
      """
    }
    return head + attached.joined() + "--=-=x--\n"
  }

  private static func names(_ entries: [InputEntry]) -> [String?] {
    entries.filter { pem($0) != nil }.map(\.deviceID)
  }

  @Test func `reads a table and JSON in base64 as what they are`() throws {
    for (name, text) in Self.tables {
      for content in [Array(text.utf8), Self.utf16(text)] {
        for width in [64, 76, 1_000_000] {
          let entries = try fileEntries("a.b64", Self.wrapped(content, width: width))
          #expect(Self.names(entries) == ["d1", "d2"], "\(name) \(width)")
        }
      }
    }
  }

  @Test func `reads the files that a mail has attached`() throws {
    for (name, text) in Self.tables {
      let entries = try fileEntries("a.eml", Self.mail([(name, Array(text.utf8))]))
      #expect(Self.names(entries) == ["d1", "d2"], "\(name)")
      #expect(entries.compactMap(otherContent) == [.text])
      #expect(entries.allSatisfy { $0.place.contains("!\(name)") || $0.place.contains("!part 1") })
    }
  }

  @Test func `reads an archive in base64, alone and in a mail`() throws {
    let table = Member(path: "devices.csv", content: Array(Self.tables[0].text.utf8))
    let archive = try ArchiveFixture(.zip, [table, Member(path: "k.pem", content: Array(Self.key.utf8))]).bytes()
    for text in [Self.wrapped(archive), Self.mail([("devices.zip", archive)])] {
      let entries = try fileEntries("a.eml", text)
      #expect(Self.names(entries) == ["d1", "d2"])
      #expect(entries.compactMap(otherContent).contains(.privateKey))
    }
  }

  private static let key =
    "-----BEGIN PRIVATE KEY-----\n\(Base64.encode(Sample.privateKey))\n-----END PRIVATE KEY-----\n"

  @Test func `accounts for each part of a mail, and for what is no device's`() throws {
    let parts: [(String, [UInt8])] = [
      ("a.pem", Array(Sample.certificatePEM(1).utf8)), ("b.der", Sample.certificate(2)),
      ("k.pem", Array(Self.key.utf8)), ("empty.txt", []),
    ]
    let entries = try fileEntries("a.eml", Self.mail(parts))
    #expect(entries.compactMap(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    #expect(entries.compactMap(otherContent) == [.text, .privateKey, .empty])
    let signature = try fileEntries(
      "a.eml", Self.mail([("smime.p7s", Sample.certificate(1))], type: "application/pkcs7-signature"))
    #expect(signature.compactMap(pem).isEmpty && signature.compactMap(otherContent) == [.text, .notSelected])
  }

  @Test func `reads mails within mails, and the mails of a mailbox`() throws {
    let inner = Self.mail([("devices.csv", Array(Self.tables[0].text.utf8))])
    let outer = Self.mail([("forwarded.eml", Array(inner.utf8))])
    #expect(Self.names(try fileEntries("a.eml", outer)) == ["d1", "d2"])
    let mails = [1, 2].map { Self.mail([("\($0).pem", Array(Sample.certificatePEM($0).utf8))]) }
    let mailbox = mails.map { "From a@example.com Mon Jan  5 12:00:00 2026\n\($0)\n" }.joined()
    #expect(try fileEntries("mbox", mailbox).compactMap(pem) == [1, 2].map { Sample.certificatePEM($0) })
  }

  @Test func `a damaged part fails, and costs no other one`() throws {
    let text = Self.mail([("a.csv", Array(Self.tables[0].text.utf8)), ("b.pem", Array(Sample.certificatePEM(3).utf8))])
    let digits = Self.wrapped(Array(Self.tables[0].text.utf8)).prefix(40)
    let damaged = text.replacing(digits, with: digits.dropLast(2) + "!?")
    let entries = try fileEntries("a.eml", damaged)
    #expect(entries.compactMap(fault) == ["a part in base64 that is damaged"])
    #expect(entries.compactMap(pem) == [Sample.certificatePEM(3)])
  }

  @Test func `does not decode without end`() throws {
    var content = Array(Self.tables[0].text.utf8)
    for _ in 0..<8 { content = gzipped(Array(Self.wrapped(content).utf8)) }
    let entries = try fileEntries("a.b64", Self.wrapped(content))
    #expect(entries.compactMap(pem).isEmpty && entries.count == 1)
  }

  @Test func `reads texts in UTF-16 that are in base64`() throws {
    let text = Base64.encode(Self.utf16(Sample.certificatePEM(1).replacing("\n", with: "\r\n")))
    let unmarked = Base64.encode(Array(Self.utf16(Sample.certificatePEM(1)).dropFirst(2)))
    let key = Base64.encode(Self.utf16(Self.key))
    for certificate in [text, unmarked] {
      let secret = try fileEntries("a.yaml", "data:\n  tls.crt: \(certificate)\n  tls.key: \(key)\n")
      #expect(secret.compactMap(pem).count == 1 && secret.compactMap(otherContent) == [.privateKey])
      #expect(try fileEntries("a.csv", "device_id,cert\nd1,\(certificate)\n").map(\.deviceID) == ["d1"])
    }
  }

  @Test func `reads JSON in strings, with the names of its devices`() throws {
    let objects = Self.tables[3].text.split(separator: "\n")
    let strings = objects.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
    #expect(Self.names(try fileEntries("a.json", strings[0])) == ["d1"])
    let records = strings.map { "{\"messageId\":\"7\",\"body\":\($0)}" }.joined(separator: ",")
    #expect(Self.names(try fileEntries("a.json", "{\"Records\":[\(records)]}")) == ["d1", "d2"])
    let body = Base64.encode(Array(objects[1].utf8))
    #expect(Self.names(try fileEntries("a.json", "{\"isBase64Encoded\":true,\"body\":\"\(body)\"}")) == ["d2"])
  }
}
