import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct LineBufferTests {
  @Test func `cuts lines wherever the pieces end`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let lines = (0..<300).map { number in
      "\(number):" + String(repeating: "x", count: Int.random(in: 0..<1000, using: &generator))
    }
    let ends = ["\n", "\r\n", "\n\n", "\n\r\n"]
    let stream = Array(lines.map { $0 + (ends.randomElement(using: &generator) ?? "\n") }.joined().utf8)
    var buffer = LineBuffer()
    var found: [String] = []
    var position = 0
    while position < stream.count {
      let end = min(stream.count, position + Int.random(in: 1...4000, using: &generator))
      buffer.append(stream[position..<end])
      while let line = buffer.nextLine() { found.append(String(decoding: line, as: UTF8.self)) }
      position = end
    }
    #expect(found == lines, "seed \(seed)")
    #expect(buffer.pendingBytes == 0)
  }

  @Test func `keeps an unfinished line until its end comes`() {
    var buffer = LineBuffer()
    buffer.append("ab".utf8)
    #expect(buffer.nextLine() == nil)
    #expect(buffer.pendingBytes == 2)
    buffer.append("c\nd".utf8)
    #expect(buffer.nextLine().map { String(decoding: $0, as: UTF8.self) } == "abc")
    #expect(buffer.nextLine() == nil)
    #expect(buffer.pendingBytes == 1)
  }
}
