import CertRegCodec
import CertRegCore

/// Digits of base64 or hexadecimal outside of blocks that begin no encoding, and go on as a certificate does: its first
/// characters are damaged. The names of a certificate follow soon, and their object identifiers look the same in each.
struct HeadlessDigits {
  /// Fewer digits in a row are words, paths and digests of texts.
  private static let shortestRun = 40
  /// No certificate takes fewer digits.
  private static let shortestCertificate = 200
  /// So many digits tell everything.
  private static let maximumBytes = 4096
  /// The names begin within so many bytes of a certificate.
  private static let longestHead = 192
  /// Something else has more in front of a certificate than a character too many.
  private static let mostBytesInFront = 8
  /// So many of them make a certificate.
  private static let fewestIdentifiers = 2

  /// The object identifiers 2.5.4 and 2.5.29 with their tag and length (RFC 5280 appendix A.1, section 4.2.1), in
  /// hexadecimal digits and at each place within the groups of base64.
  private static let identifiers = [
    "06035504", "0603551d", "0603551D", "BgNVBA", "BgNVHQ", "BgNVHR", "YDVQQ", "YDVR0", "GA1UE", "GA1Ud",
  ].map { Array($0.utf8) }

  /// `CERTIFICATE` at each place within the groups of base64, as the boundaries of a block that is encoded have it.
  private static let words = ["Q0VSVElGSUNBVE", "NFUlRJRklDQVRF", "DRVJUSUZJQ0FUR"].map { Array($0.utf8) }

  private var text: [UInt8] = []
  private var firstLine = 0
  /// The length of the longest run so far.
  private var width = 0
  /// Whether the digits are the rest of an encoding that has failed.
  private var isRest = false

  /// Takes the longest run of digits on a line. Returns what ended before the line or with it.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int) -> [Piece] {
    let run = HeadlessDigits.longestRun(line)
    guard run.count >= HeadlessDigits.shortestRun else { return ended() }
    let isAlone = run.count >= HeadlessDigits.shortestCertificate
    var pieces = isAlone ? ended() : []
    if text.isEmpty { firstLine = number }
    let isLast = isAlone || run.count < width && text.count > width
    width = max(width, run.count)
    text += run.prefix(HeadlessDigits.maximumBytes - text.count)
    if isLast { pieces += ended() }
    return pieces
  }

  /// Ends the digits. Returns a failure if they are those of a certificate.
  mutating func ended() -> [Piece] {
    defer { drop() }
    guard !isRest, isCertificate else { return [] }
    let isHexadecimal = text.allSatisfy { $0.hexDigitValue != nil }
    let digits = isHexadecimal ? "hexadecimal digits" : "base64"
    let error = InputError(.damagedText, "\(digits) of a certificate whose first characters are damaged")
    return [Piece(line: firstLine, content: .damaged(error))]
  }

  /// Forgets the digits.
  mutating func drop() { (text, width, isRest) = ([], 0, false) }

  /// Says nothing of the digits that follow, up to their end: they are the rest of an encoding that has failed.
  mutating func passRest() {
    drop()
    isRest = true
  }

  private static func longestRun(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var longest = line.prefix(0)
    var start = line.startIndex
    for index in line.indices where !DressedLine.isDigit(line[index]) {
      if index - start > longest.count { longest = line[start..<index] }
      start = index + 1
    }
    return line.endIndex - start > longest.count ? line[start...] : longest
  }

  /// Whether the digits are those of a certificate without its beginning, or of a block with one.
  private var isCertificate: Bool {
    guard text.count >= HeadlessDigits.shortestCertificate else { return false }
    let isHexadecimal = text.allSatisfy { $0.hexDigitValue != nil }
    let longest = isHexadecimal ? HeadlessDigits.longestHead * 2 : HeadlessDigits.longestHead * 4 / 3
    if let first = firstPlace(HeadlessDigits.identifiers), first <= longest {
      return !holdsWhole(before: first, isHexadecimal)
    }
    // A whole text can speak of certificates.
    return firstPlace(HeadlessDigits.words).map { $0 <= longest && EncodingHeader(text[...]) == nil } ?? false
  }

  /// Where the first of the patterns stands; `nil` where there are not enough of them.
  private func firstPlace(_ patterns: [[UInt8]]) -> Int? {
    let places = text.indices.lazy.filter { index in
      "0BYGQND".utf8.contains(text[index]) && patterns.contains { text[index...].starts(with: $0) }
    }.prefix(HeadlessDigits.fewestIdentifiers)
    return places.count == HeadlessDigits.fewestIdentifiers ? places.first : nil
  }

  /// Whether a certificate begins that is not damaged, behind the bytes of something else, such as those of a keystore.
  private func holdsWhole(before end: Int, _ isHexadecimal: Bool) -> Bool {
    let head = text.prefix(end)
    return (0..<(isHexadecimal ? 2 : 4)).contains { offset in
      let digits = head.dropFirst(offset)
      let bytes =
        isHexadecimal
        ? WrittenNumber.hexadecimal(digits.prefix(digits.count / 2 * 2))
        : Base64.decodeAnyForm(digits.prefix(digits.count / 4 * 4))
      guard let bytes else { return false }
      return bytes.indices.dropFirst(HeadlessDigits.mostBytesInFront).contains {
        bytes[$0] == 0x30 && DERRun.beginsAsCertificate(bytes[$0...])
      }
    }
  }
}
