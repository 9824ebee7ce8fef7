import CertRegCodec
import CertRegTesting
import Testing

@testable import CertRegClient

/// Compares the cost of reading a file with that of an eighth of it: eight times as much if the cost is linear, 64
/// times as much if it is quadratic.
@Suite struct InputCostTests {
  /// More than is looked at to recognise a form, so that the files are read in several pieces.
  private static let full = 128 << 10
  private static let shorter = 48 << 10
  /// Where other processes take the caches away, a linear cost was seen to grow up to seventeen times.
  private static let most = 24.0

  /// A kind of file.
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The file of about so many bytes.
    var file: @Sendable (Int) -> [UInt8]

    init(_ name: String, file: @escaping @Sendable (Int) -> [UInt8]) {
      testDescription = name
      self.file = file
    }

    /// A file of `head`, as often `text` as there is room for, and `tail`.
    init(_ name: String, _ head: String, _ text: String, _ tail: String = "") {
      self.init(name) { bytes in
        Array(head.utf8) + Shape.filled(text, bytes - head.utf8.count) + Array(tail.utf8)
      }
    }

    /// A file of two halves.
    init(_ name: String, _ head: String, halves: (String, String), between: String, _ tail: String) {
      self.init(name) { bytes in
        Array(head.utf8) + Shape.filled(halves.0, bytes / 2) + Array(between.utf8) + Shape.filled(halves.1, bytes / 2)
          + Array(tail.utf8)
      }
    }

    private static func filled(_ text: String, _ bytes: Int) -> [UInt8] {
      Array(Array(repeating: Array(text.utf8), count: max(1, bytes / text.utf8.count)).joined())
    }
  }

  /// A certificate with names and nothing else but the algorithm of its key.
  private static func certificate(issuer: UInt8, subject: UInt8, algorithm: [UInt8] = []) -> [UInt8] {
    let names = [issuer, subject].map { [0x30, 0x03, 0x13, 0x01, $0] }
    let identifier = [0x06, UInt8(algorithm.count)] + algorithm
    let key =
      algorithm.isEmpty
      ? [0x30, 0x00]
      : [0x30, UInt8(identifier.count + 6), 0x30, UInt8(identifier.count)] + identifier + [0x03, 0x02, 0x00, 0x01]
    let body = [0x02, 0x01, 0x01, 0x30, 0x00] + names[0] + [0x30, 0x00] + names[1] + key
    return [0x30, UInt8(body.count + 2), 0x30, UInt8(body.count)] + body
  }

  /// The beginning of a private key.
  private static let key = "MC4CAQAwBQYDK2VwBCIE"
  private static let line = String(repeating: "MIIBIDCBx6ADAgEC", count: 4)
  private static let begin = "-----BEGIN CERTIFICATE-----"
  private static let end = "-----END CERTIFICATE-----"

  private static let shapes = [
    // The header of a SEQUENCE of 6 MiB.
    Shape("wrapped base64 that does not end", "MIQAYAAA" + line + "\n", line + "AAAAAAAA\n"),
    Shape("wrapped base64 of a text that does not end", "LS0tLS1CRUdJTiBD" + line + "\n", line + "TE9STEM=\n"),
    Shape("short lines of base64", "MIQAYAAA" + line + "\n", "AAAA\n"),
    Shape("base64 on one line", "MIQAYAAA", line),
    Shape("base64 with a blank after each group", "MIQAYAAA", "AAAA "),
    Shape("hexadecimal digits", "3084", "00"),
    Shape("hexadecimal digits with colons", "30:84", ":00"),
    Shape("BEGIN lines", "", begin + "\n"),
    Shape("END lines", "", end + "\n"),
    Shape("BEGIN and END lines", "", begin + "\n" + end + "\n"),
    Shape("BEGIN lines joined", "", begin),
    Shape("BEGIN lines with line ends in words", "", begin + "\\n"),
    Shape("damaged BEGIN lines", "", "----BEGIN CERTIFICATE-----\n" + line + "\n"),
    Shape("hyphens", "", "-"),
    Shape("lines of hyphens", "", "-----\n"),
    Shape("a block without an end", begin + "\n", line + "\n"),
    Shape("a block without an end, indented", "\t" + begin + "\n", "\t" + line + "\n"),
    Shape("a block of one line without an end", begin, line),
    Shape("a block of escaped lines", begin + "\\n", line + "\\n", end),
    Shape("a block of blank lines", begin + "\n", "\n", end),
    Shape("blocks without content in quotes", "", "\"" + begin + "\\n\"\n"),
    Shape("labels", "", "-----BEGIN A-----\n-----END B-----\n"),
    Shape("a long label", "-----BEGIN ", "X", "-----\n"),
    Shape("header lines in a block", begin + "\n", "Proc-Type: 4,ENCRYPTED\n"),
    Shape("binary data behind a block", begin + "\n" + end + "\n", "0\u{1}\u{2}\n"),
    Shape("text that may be of another encoding") { bytes in
      [UInt8](repeating: 0x41, count: 2048).flatMap { [$0, 0] } + [UInt8](repeating: 0x4E, count: bytes)
    },
    Shape("strings that Python prints", "{'a': ", "'x' "),
    Shape("an array of the lines of a block", "{\"a\":[\"" + begin + "\"", ",\"" + line + "\"", "]}"),
    Shape("C literals", "const char c[] =\n", "\"" + line + "\\n\"\n"),
    Shape("a cell without an end", "name,certificate\nd,\"", line + "\n"),
    Shape("quotation marks", "name,certificate\n", "\""),
    Shape("cells of quotation marks", "name,certificate\n", "\"\",\"\"\"\"\n"),
    Shape("rows", "name,certificate\n", "d,x\n"),
    Shape("empty rows", "name,certificate\n", ",\n"),
    Shape("one row of many cells", "name,certificate\n", "a,"),
    Shape("a heading of many cells", "", "certificate,", "\nx\n"),
    Shape("rows of base64", "name,certificate\n", "d,\(line)\n"),
    Shape("rows with a block that does not end", "name,certificate\n", "d,\"" + begin + "\n" + line + "\"\n"),
    Shape("an array that does not end", "[", "{\"a\":1},"),
    Shape("an object that does not end", "{", "\"a\":1,"),
    Shape("a string that does not end", "{\"certificatePem\":\"", line),
    Shape("a string of escapes", "{\"certificatePem\":\"", "\\n", "\"}"),
    Shape("a string of blocks", "{\"certificatePem\":\"", begin + "\\n", "\"}"),
    Shape("arrays in arrays", "[", "[", ""),
    Shape("many members", "{", "\"certificatePem\":\"x\",", "\"a\":1}"),
    Shape("members with base64", "{", "\"cert\":\"\(line)\",", "\"a\":1}"),
    Shape("lines of objects", "", "{\"cert\":\"x\"}\n"),
    Shape("lines of objects that do not end", "", "{\"cert\":\n"),
    Shape("lines of strings", "", "\"\(line)\"\n"),
    Shape(
      "a signed entry", "{\"payload\":\"", "eyJh",
      "\",\"protected\":\"e30\",\"signature\":\"AA\",\"header\":{\"uniqueId\":\"1\"}}"),
    Shape("text", "", "word "),
    Shape("lines of text", "", "word\n"),
    Shape("line ends", "", "\n"),
    Shape("line ends of CR", "", "\r"),
    Shape("blanks", "", " "),
    Shape("byte-order marks", "", "\u{feff}"),
    Shape("characters of four bytes", "", "😀"),
    Shape("markup", "<html>", "<p>"),
    Shape("SEQUENCEs in SEQUENCEs", "", "0~"),
    Shape("short SEQUENCEs", "", "0\u{2}\u{5}\u{0}"),
    Shape("short SEQUENCEs that are numbers", "", "0\u{3}\u{2}\u{1}\u{1}"),
    Shape("objects in an object", "{", "\"d\":{\"cert\":\"x\"},", "\"a\":1}"),
    Shape(
      "objects with certificates in an object", "{", "\"d\":{\"pem\":\"\(begin)\\n\(line)\\n\(end)\"},", "\"a\":1}"),
    Shape("many members and many strings", "{", halves: ("\"m\":1,", "\"x\","), between: "\"a\":[", "\"x\"]}"),
    Shape("many members and many objects", "{", halves: ("\"m\":1,", "{\"x\":\"y\"},"), between: "\"a\":[", "1]}"),
    Shape("a long heading above rows", "certificate,", halves: ("x", "a,b\n"), between: "\n", ""),
    Shape("headings of names without cells", "certificate,", halves: ("mac1,", "x\n"), between: "\n", ""),
    Shape("blanks, a letter and quotation marks", "name,certificate\n", halves: (" ", "\""), between: "x", "\n"),
    Shape("blanks and quotation marks in cells", "name,certificate\n", "  x\"\","),
    Shape("certificates of one issuer's name, and issuers of that name") { bytes in
      let pairs = max(1, bytes / 2 / certificate(issuer: 1, subject: 2).count)
      return Array(Array(repeating: certificate(issuer: 1, subject: 2), count: pairs).joined())
        + Array(repeating: certificate(issuer: 3, subject: 1), count: pairs).joined()
    },
    Shape("parts in parts of a mail, and lines that may end them") { bytes in
      let lines = (10_000..<10_000 + bytes / 128).map { "Content-Type: multipart/mixed; boundary=b\($0)\n\n--b\($0)\n" }
      return Array((lines.joined() + String(repeating: "--z\n", count: bytes / 8)).utf8)
    },
    Shape("a damaged block of lines that begin as keys", begin + "\n!", "MC4CAQAwBQYDK2VwBCIE\n", end),
    Shape("a damaged block of numbers", begin + "\n!", "0x30, 0x77, 48:", "\n" + end),
    Shape("a damaged block of base64 of base64", begin + "\n!", "TUlJQklEQ0N4NkFE", "\n" + end),
    Shape("base64 outside of blocks", begin + "\n" + end + "\ntext\n", line + "\n"),
    Shape("encodings outside of blocks", begin + "\n" + end + "\n", "MAowCKADAgECAgEB\n"),
    Shape("dressed base64", "text\n", "key: \(line)\n"),
    Shape("dressed base64 on one line", "text\nkey: ", "\"\(line)\", "),
    Shape("dressed base64 that goes on", "text\nkey: MIQAYAAA" + line + "\n", " " + line + "\n"),
    Shape("dressed base64 in short lines", "text\nkey: MIQAYAAA" + line + "\n", " MIIA\n"),
    Shape("encoded text in short lines", "text\n", "key: LS0tLS1CRUdJTiBDRVJU\n  LS0t\n"),
    Shape("hexadecimal bytes", "text\n", "30 82 01 00 30 82 00 80\n"),
    Shape("hexadecimal bytes on one line", "text\n", "30 84 01 "),
    Shape("hexadecimal bytes that break off", "text\nkey: 30 84 01 00 00 00 30 82\n", "z 30 ab, "),
    Shape("numbers", "text\n", "48, 130, 1, 0, 48, 130, "),
    Shape("numbers that begin nothing", "text\n", "48 x "),
    Shape("numbers that break off", "text\n", "48 1 2 3 4 5 6 999 "),
    Shape("the number 48", "", "48 "),
    Shape("the number 48 and blanks", "x", "48         "),
    Shape("words of assemblers", "", "db "),
    Shape("words of Java in each other", "text\n", "(by(byte)te)48 "),
    Shape("markup outside of blocks", begin + "\n" + end + "\n", "<br>&#10;%0A\n"),
    Shape("quoted BEGIN lines", "", "see '" + begin + "'\n"),
    Shape("headings", begin + "\n", "--- a certificate ---\n"),
    Shape("rows without a closing quotation mark", "name,certificate\n", "d,\"x\n"),
    Shape("rows of two quotation marks and one", "name,certificate\n", "d,\"x\ny\"\nd,\"x\n"),
    Shape("elements without a brace", "[", "{\"a\":1,"),
    Shape("separators", "", "a,b;c|d\te\n"),
    Shape("zeros", begin + "\n" + end + "\n", "\0"),
    Shape("escape sequences", begin + "\n", "\u{1b}[0m"),
    Shape("escape sequences that do not end", begin + "\n", "\u{1b}]0\u{1b}[1"),
    Shape("tags in a block", begin + "\n", "<p>"),
    Shape("tags in a block that do not end", begin + "\n", "<p "),
    Shape("lines within tags", begin + "\n", "<p\na='b'>\(line)"),
    Shape("hexadecimal digits of a text", "text\n", "2d2d2d2d2d424547494e2d2d\n"),
    Shape("hexadecimal bytes of a text with a label", "text\n", "[1] RX: 2d 2d 2d 2d 2d 42 45 47\n"),
    Shape("a log in JSON", "{\"log\":\"" + begin + "\"}\n", "{\"log\":\"\(line)\"}\n"),
    Shape(
      "digits with the identifiers of certificates", "text\n", "a: " + String(repeating: "BgNVBAMM", count: 40) + "\n"),
    Shape("lines of digits with such identifiers", "text\n", String(repeating: "BgNVBAMM", count: 8) + "\n"),
    Shape("blocks behind a line of JSON", "{\"a\":1}\n", begin + "\n\(line)\n\(end)\n{\"a\":1}\n"),
    Shape("a damaged block of one long line", begin + "\n!", line, "\n" + end),
  ]

  /// Kinds of files that show their cost where they are shorter.
  private static let shorterShapes = [
    Shape("sentences with boundaries on one line", "", "copy everything from \(begin) to the end of it and "),
    Shape("BEGIN lines joined, and blanks", "", halves: (begin, " "), between: "", "\n"),
    Shape("a block behind many blanks", "x", halves: (" ", "MIIB\n"), between: begin + "\n", end),
    Shape(
      "a row of many cells above the lines of its block", "certificate,name\n\(key),d\n" + begin,
      halves: (",", "MIIB\n"), between: "\n", ""),
    Shape(
      "a row of many cells above blocks", "certificate,name\n\(key),d\n" + begin,
      halves: (",", end + "\n" + begin + "\n"), between: "x\n", ""),
    Shape("rows with a heading below many headings") { bytes in
      let headings = (0..<bytes / 16).map { "h\($0)," }.joined()
      return Array("certificate,\(headings)\n\(String(repeating: "cert,x\n", count: bytes / 14))".utf8)
    },
    Shape(
      "rows with the first of the headings, of which another is long", "certificate,",
      halves: ("x", "certificate,b\n"), between: "\n", ""),
    Shape("keys below many headings of IDs", "certificate,", halves: ("certid,", key + "\n"), between: "\n", ""),
    Shape(
      "keys in an object of a long name", "{\"",
      halves: ("x", "\"a\":\"\(key)\","), between: "\":{", "\"b\":1}}"),
    Shape(
      "objects with keys beside a long name", "{\"id\":\"",
      halves: ("x ", "\"d\":{\"pem\":\"\(key)\"},"), between: "\",", "\"a\":1}"),
    Shape("a manifest of a long name") { bytes in
      let keys = String(repeating: "{\"x5c\":[\"\(key)\"]},", count: bytes / 64)
      let name = String(repeating: "x ", count: bytes / 4)
      let payload = "{\"uniqueId\":\"\(name)\",\"publicKeySet\":{\"keys\":[\(keys){}]}}"
      return Array("{\"payload\":\"\(Base64.encode(Array(payload.utf8)))\",\"signature\":\"AA\"}".utf8)
    },
    Shape("certificates beside a long name") { bytes in
      let certificates = Array(repeating: certificate(issuer: 1, subject: 2), count: bytes / 80).joined()
      let name = String(repeating: "x ", count: bytes / 4)
      return Array("serial,certificate\n\(name),\(Base64.encode(Array(certificates)))\n".utf8)
    },
    Shape("certificates of many algorithms beside numbers") { bytes in
      let certificates = (0..<bytes / 128).flatMap { number in
        certificate(issuer: 1, subject: 2, algorithm: [0x2A, UInt8(number & 0x7F), UInt8(number >> 7)])
      }
      let numbers = String(repeating: ",\(String(repeating: "ab", count: 32))", count: bytes / 130)
      return Array("certificate,a\n\(Base64.encode(certificates))\(numbers)\n".utf8)
    },
  ]

  @Test(arguments: ["MAUAAAAABEGINAAAAAAAAAAA", "MAUAAAAA--AAAAAAAAAAAAAA", "MAUAAAAABEGINAAA\nMAUAAAAABEGINAAA"])
  func `looking into a line of base64 with a word of a boundary ends`(text: String) {
    #expect(Value.pieces(text.utf8).isEmpty)
  }

  @Test func `lines that are put back cost no more than in proportion to what is in memory`() {
    let read = { (size: Int) in
      let line = Array("\"x\n".utf8)
      let stream = ByteStream(Array(Array(repeating: line, count: size / line.count).joined()))
      while (try? stream.nextLine()) != nil {
        stream.putBack(line[...])
        _ = try? stream.nextLine()
      }
    }
    #expect(ProcessorTime.growth(from: 32 << 10, to: 256 << 10, runs: 3, read) < Self.most)
  }

  @Test func `a text whose encoding changes often costs no more than in proportion to its length`() {
    let words = Array("the certificate of the device number seven: ".utf8)
    let wide: [UInt8] = [0xFF, 0xFE] + words.flatMap { [$0, UInt8(0)] }
    let text = wide + "MIIBIDCBx6ADAgECAgECMAoGCCqGSM49BAMCMA0xCzAJBg==\n\n".utf8
    let read = { (count: Int) in
      let found = TextEncoding.text(of: Array(Array(repeating: text, count: count).joined()))
      #expect(found?.count { $0 == UInt8(ascii: "=") } == 2 * count)
    }
    #expect(ProcessorTime.growth(from: 1000, to: 8000, runs: 1, read) < Self.most)
  }

  @Test(arguments: shapes) func `costs no more than in proportion to the length`(shape: Shape) throws {
    try check(shape, upTo: Self.full)
  }

  @Test(arguments: shorterShapes) func `costs no more than in proportion to a short length`(shape: Shape) throws {
    try check(shape, upTo: Self.shorter)
  }

  private func check(_ shape: Shape, upTo full: Int) throws {
    let folder = try TemporaryFolder()
    let files = try [
      full / 8: folder.write("small", shape.file(full / 8)),
      full: folder.write("large", shape.file(full)),
    ]
    let read = { (size: Int) in
      guard let path = files[size] else { return }
      do throws(InputError) {
        var source = try InputSource([path])
        while source.next() != nil {}
      } catch {
        Issue.record("the file is refused: \(error.message)")
      }
    }
    var growth = ProcessorTime.growth(from: full / 8, to: full, runs: 1, read)
    // Other processes can take the caches away from one run.
    if growth >= Self.most { growth = ProcessorTime.growth(from: full / 8, to: full, runs: 5, read) }
    #expect(growth < Self.most)
  }
}
