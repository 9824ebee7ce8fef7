import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@Suite struct SWARTests {
  @Test func `finds the first byte that needs attention in a string`() {
    var generator = SplitMix64.announced("words")
    for _ in 0..<20_000 {
      let bytes = (0..<8).map { _ in
        generator.once(in: 6)
          ? UInt8.random(in: 0 ... .max, using: &generator)
          : generator.pick([0x20, 0x21, 0x23, 0x41, 0x5b, 0x5d, 0x7e, 0x7f])
      }
      let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let first = bytes.firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c || $0 >= 0x80 }
      let stops = SWAR.stringStops(word)
      #expect((stops == 0 ? nil : stops.trailingZeroBitCount / 8) == first, "\(bytes)")
      let backslash = bytes.firstIndex(of: 0x5c)
      let found = SWAR.backslashes(word)
      #expect((found == 0 ? nil : found.trailingZeroBitCount / 8) == backslash, "\(bytes)")
    }
  }

  @Test func `finds each byte in each place`() {
    for place in 0..<8 {
      for byte in UInt8.min ... .max {
        let word = 0x6161_6161_6161_6161 & ~(0xff << UInt64(place * 8)) | UInt64(byte) << UInt64(place * 8)
        let isStop = byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80
        #expect((SWAR.stringStops(word) != 0) == isStop)
        #expect((SWAR.backslashes(word) != 0) == (byte == 0x5c))
        #expect((SWAR.escapes(word) != 0) == (isStop || byte == 0x7f))
      }
    }
  }
}
