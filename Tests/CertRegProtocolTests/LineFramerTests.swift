import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

@Suite struct LineFramerTests {
  /// The lines of a framer for `input` in pieces of the given sizes. `drops` says after which pieces consumed
  /// bytes are dropped.
  private func frame(
    _ input: [UInt8], limit: Int, pieces: (Int) -> Int, drops: (Int) -> Bool = { _ in true }
  ) -> (lines: [String], isTooLong: Bool, rest: String?) {
    var framer = LineFramer(maxLineBytes: limit)
    var buffer: [UInt8] = []
    var lines: [String] = []
    var fed = 0
    var piece = 0
    while fed < input.count {
      let size = min(max(1, pieces(piece)), input.count - fed)
      buffer += input[fed..<fed + size]
      fed += size
      let memory = GuardedMemory(buffer)
      events: while true {
        switch framer.next(in: memory.readOnly) {
        case .line(let range): lines.append(String(decoding: memory.readOnly[range], as: UTF8.self))
        case .needsMore: break events
        case .tooLong:
          #expect(framer.next(in: memory.readOnly) == .tooLong)
          return (lines, true, nil)
        }
      }
      #expect(framer.pendingBytes == buffer.count - framer.consumedBytes)
      if drops(piece) { buffer.removeFirst(framer.consume()) }
      piece += 1
    }
    let memory = GuardedMemory(buffer)
    let rest = framer.remainder(in: memory.readOnly).map { String(decoding: memory.readOnly[$0], as: UTF8.self) }
    return (lines, false, rest)
  }

  @Test func `finds lines and skips blank ones`() {
    let framed = frame(Array("a\n\n\r\n \t \nbb\r\n c \n\n".utf8), limit: 10, pieces: { _ in 100 })
    #expect(framed.lines == ["a", "bb\r", " c "])
    #expect(!framed.isTooLong)
    #expect(framed.rest == nil)
  }

  @Test func `takes lines of exactly the limit and no longer ones`() {
    for pieces in [1, 2, 3, 10, 11, 100] {
      let line = String(repeating: "x", count: 10)
      #expect(frame(Array("\(line)\n\(line)\n".utf8), limit: 10, pieces: { _ in pieces }).lines == [line, line])
      let longer = frame(Array("a\n\(line)y\nb\n".utf8), limit: 10, pieces: { _ in pieces })
      #expect(longer.lines == ["a"])
      #expect(longer.isTooLong)
      #expect(!frame(Array(line.utf8), limit: 10, pieces: { _ in pieces }).isTooLong)
      #expect(frame(Array("\(line)y".utf8), limit: 10, pieces: { _ in pieces }).isTooLong)
      #expect(frame([UInt8](repeating: 0x20, count: 11), limit: 10, pieces: { _ in pieces }).isTooLong)
    }
  }

  @Test func `counts bytes and nothing else`() {
    let pair = #"\ud83d\ude00"#
    #expect(frame(Array("\(pair)\n".utf8), limit: 12, pieces: { _ in 5 }).lines == [pair])
    #expect(frame(Array("\(pair)\n".utf8), limit: 11, pieces: { _ in 5 }).isTooLong)
  }

  @Test func `hands out a last line without its end`() {
    #expect(frame(Array("a\nbc".utf8), limit: 10, pieces: { _ in 1 }).rest == "bc")
    #expect(frame(Array("a\n \r".utf8), limit: 10, pieces: { _ in 1 }).rest == nil)
    #expect(frame(Array("a\n".utf8), limit: 10, pieces: { _ in 1 }).rest == nil)
  }

  @Test func `needs more of nothing`() {
    var framer = LineFramer(maxLineBytes: 10)
    #expect(framer.next(in: UnsafeRawBufferPointer(start: nil, count: 0)) == .needsMore)
    #expect(framer.remainder(in: UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    #expect(framer.consume() == 0)
  }

  @Test func `finds the same lines however the bytes arrive and are dropped`() {
    var generator = SplitMix64.announced("pieces")
    for _ in 0..<400 {
      let input = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
        generator.pick(Array("ab \r\t\n\n".utf8))
      }
      let limit = Int.random(in: 1...30, using: &generator)
      let sizes = (0..<300).map { _ in Int.random(in: 1...40, using: &generator) }
      let drops = (0..<300).map { _ in generator.once(in: 2) }
      let framed = frame(input, limit: limit, pieces: { sizes[$0] }, drops: { drops[$0] })

      var expected: [String] = []
      var isTooLong = false
      var parts = input.split(separator: 0x0a, omittingEmptySubsequences: false)
      let last = parts.removeLast()
      for part in parts where !isTooLong {
        isTooLong = part.count > limit
        let isBlank = part.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
        if !isTooLong, !isBlank { expected.append(String(decoding: part, as: UTF8.self)) }
      }
      #expect(framed.lines == expected)
      #expect(framed.isTooLong == (isTooLong || last.count > limit))
    }
  }
}
