import CertRegTesting
import Testing

@testable import CertRegClient

/// Compares the cost of reading a file with that of an eighth of it: eight times as much if the cost is linear, 64
/// times as much if it is quadratic.
@Suite struct InputCostTests {
  /// More than is looked at to recognise a form, so that the files are read in several pieces.
  private static let full = 128 << 10
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

  /// A certificate with names and nothing else.
  private static func certificate(issuer: UInt8, subject: UInt8) -> [UInt8] {
    let names = [issuer, subject].map { [0x30, 0x03, 0x13, 0x01, $0] }
    let body = [0x02, 0x01, 0x01, 0x30, 0x00] + names[0] + [0x30, 0x00] + names[1] + [0x30, 0x00]
    return [0x30, UInt8(body.count + 2), 0x30, UInt8(body.count)] + body
  }

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

  @Test(arguments: ["MAUAAAAABEGINAAAAAAAAAAA", "MAUAAAAA--AAAAAAAAAAAAAA", "MAUAAAAABEGINAAA\nMAUAAAAABEGINAAA"])
  func `looking into a line of base64 with a word of a boundary ends`(text: String) {
    #expect(Value.pieces(text.utf8).isEmpty)
  }

  @Test(arguments: shapes) func `costs no more than in proportion to the length`(shape: Shape) throws {
    let folder = try TemporaryFolder()
    let files = try [
      Self.full / 8: folder.write("small", shape.file(Self.full / 8)),
      Self.full: folder.write("large", shape.file(Self.full)),
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
    var growth = ProcessorTime.growth(from: Self.full / 8, to: Self.full, runs: 1, read)
    // Other processes can take the caches away from one run.
    if growth >= Self.most { growth = ProcessorTime.growth(from: Self.full / 8, to: Self.full, runs: 5, read) }
    #expect(growth < Self.most)
  }
}
