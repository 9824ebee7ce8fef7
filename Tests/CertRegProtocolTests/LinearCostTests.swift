import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

/// Compares the cost of a line of the greatest length with that of an eighth of it: eight times as much if the cost is
/// linear, 64 times as much if it is quadratic.
@Suite struct LinearCostTests {
  private static let full = 1 << 20
  private static let most = 24.0

  /// A kind of line: `text` fills `head` and `tail` up to a length.
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var head: String
    var text: String
    var tail: String

    init(_ name: String, _ head: String, _ text: String, _ tail: String) {
      testDescription = name
      (self.head, self.text, self.tail) = (head, text, tail)
    }

    func line(of bytes: Int) -> [UInt8] {
      let room = bytes - head.utf8.count - tail.utf8.count
      let piece = Array(text.utf8)
      var line = Array(head.utf8)
      line.reserveCapacity(bytes + 1)
      for _ in 0..<(room / piece.count) { line += piece }
      return line + Array(tail.utf8)
    }
  }

  private static let shapes = [
    Shape("plain text", #"{"certificatePem":""#, "a", #""}"#),
    Shape("line ends", #"{"certificatePem":""#, #"\n"#, #""}"#),
    Shape("halves of surrogate pairs", #"{"certificatePem":""#, #"\ud800"#, #""}"#),
    Shape("surrogate pairs", #"{"certificatePem":""#, #"\ud83d\ude00"#, #""}"#),
    Shape("characters of two bytes", #"{"certificatePem":""#, "é", #""}"#),
    Shape("characters of four bytes", #"{"certificatePem":""#, "😀", #""}"#),
    Shape("an escape between characters of two bytes", #"{"certificatePem":""#, #"é\t"#, #""}"#),
    Shape("a string without an end", #"{"certificatePem":""#, "a", ""),
    Shape("a long name", #"{""#, "n", #"":1}"#),
    Shape("a long name of escapes", #"{""#, #"\u0069"#, #"":1}"#),
    Shape("unknown members", "{", #""a":1,"#, #""b":1}"#),
    Shape("members given twice", "{", #""id":1,"#, #""id":1}"#),
    Shape("members given twice, by an escaped name", "{", #""\u0069d":1,"#, #""id":1}"#),
    Shape("targets", #"{"target":["#, #""eu","#, #""eu"]}"#),
    Shape("a long target", #"{"op":"watch","target":""#, "e", #""}"#),
    Shape("a long target of escapes", #"{"op":"watch","target":["# + "\"", #"\u00e9"#, #""]}"#),
    Shape("attributes", #"{"attributes":{"#, #""a":"","#, #""b":""}}"#),
    Shape("attributes that are no texts", #"{"attributes":{"#, #""a":[],"#, #""b":""}}"#),
    Shape("a long name of an attribute", #"{"attributes":{""#, #"\u0069"#, #"":""}}"#),
    Shape("a long value of an attribute", #"{"attributes":{"a":""#, #"\ud83d\ude00"#, #""}}"#),
    Shape("a long profile", #"{"provision":""#, "p", #""}"#),
    Shape("a long operation", #"{"op":""#, "register", #""}"#),
    Shape("a long status of flags", #"{"status":""#, "🇩🇪", #""}"#),
    Shape("a long certificateId", #"{"op":"lookup","certificateId":""#, #"\u0030"#, #""}"#),
    Shape("an id of digits", #"{"id":"#, "9", "}"),
    Shape("an id at the edge of a double", #"{"id":1.7976931348623157"#, "0", "e308}"),
    Shape("an id with a long exponent", #"{"id":1e"#, "0", "1}"),
    Shape("an id of zeros", #"{"id":0."#, "0", "e308}"),
    Shape("a long id of text", #"{"id":""#, "i", #"","op":"nope"}"#),
    Shape("a long number", #"{"timeoutMs":"#, "1", "}"),
    Shape("nested arrays", #"{"wait":["#, "[[[[[[[[1]]]]]]]],", "1]}"),
    Shape("nested objects", #"{"wait":["#, #"{"a":{"a":{"a":{"a":1}}}},"#, "1]}"),
    Shape("white space", "{", " ", "}"),
    Shape("white space after the object", "{}", "\t", ""),
    Shape("blank lines", "", "\r\n", ""),
    Shape("short lines", "", "{}" + String(repeating: " ", count: 60) + "\n", ""),
  ]

  @Test(arguments: shapes) func `costs no more than in proportion to the length`(shape: Shape) {
    let lines = [Self.full / 8: shape.line(of: Self.full / 8) + [0x0a], Self.full: shape.line(of: Self.full) + [0x0a]]
    let growth = ProcessorTime.growth(from: Self.full / 8, to: Self.full, runs: 1) { take(lines[$0] ?? []) }
    #expect(growth < Self.most)
  }

  /// The limit itself must not depend on the content of the line.
  @Test(arguments: ["a", #"\ud800"#, #"\ud83d\ude00"#, " ", "é"])
  func `finding out that a line is too long costs no more than in proportion to the limit`(text: String) {
    let growth = ProcessorTime.growth(from: Self.full / 8, to: Self.full) { limit in
      let tail = Array(repeating: Array(text.utf8), count: limit / text.utf8.count + 1).joined()
      let line = Array(repeating: UInt8(ascii: "a"), count: limit - 6) + tail
      line.withUnsafeBytes { line in
        var framer = LineFramer(maxLineBytes: limit)
        var event = LineFramer.Event.needsMore
        for end in stride(from: 0, through: line.count, by: 4096) where event == .needsMore {
          event = framer.next(in: UnsafeRawBufferPointer(rebasing: line[..<end]))
        }
        #expect(event == .tooLong)
      }
    }
    #expect(growth < Self.most)
  }

  /// Treats bytes that arrive in pieces as a connection does.
  private func take(_ input: [UInt8]) {
    input.withUnsafeBytes { input in
      var framer = LineFramer(maxLineBytes: Self.full)
      var arrived = 0
      while arrived < input.count {
        arrived = min(input.count, arrived + 64 * 1024)
        let buffer = UnsafeRawBufferPointer(rebasing: input[..<arrived])
        while case .line(let range) = framer.next(in: buffer) {
          answer(UnsafeRawBufferPointer(rebasing: input[range]))
        }
      }
    }
  }

  private func answer(_ line: UnsafeRawBufferPointer) {
    do throws(LineError) {
      let request = try LineParser.parse(line)
      if let text = request.certificatePem { _ = JSONTextDecoder.string(text, in: line) }
    } catch {
      _ = AnswerEncoder.error(error, in: line)
    }
  }
}
