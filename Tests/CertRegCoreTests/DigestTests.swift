import CertRegCore
import Testing

/// Digests as keys of tables.
@Suite struct DigestTests {
  @Test(arguments: 0..<4) func `ids that agree in all words but one do not collide`(word: Int) {
    let hashes = (0..<100 as Range<UInt64>).map { number in
      var words = [UInt64](repeating: 7, count: 4)
      words[word] = number
      return SHA256Digest(words: (words[0], words[1], words[2], words[3])).hashValue
    }
    #expect(Set(hashes).count > 90)
  }
}
