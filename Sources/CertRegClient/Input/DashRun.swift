/// Dashes in a row: hyphens, and those that word processors put in their place.
struct DashRun {
  var start: Int
  var end: Int
  /// Dashes of any kind.
  var count = 0
  /// Hyphens; none where the run has other dashes.
  var hyphens: Int { hasOther ? 0 : count }
  var hasOther = false

  init(startingAt index: Int, in text: ArraySlice<UInt8>) {
    start = index
    end = index
    while end < text.endIndex {
      if text[end] == UInt8(ascii: "-") {
        end += 1
      } else if let length = DashRun.otherDash(text[end...]) {
        hasOther = true
        end += length
      } else {
        break
      }
      count += 1
    }
  }

  init(endingAt index: Int, in text: ArraySlice<UInt8>) {
    start = index
    end = index
    while start > text.startIndex {
      if text[start - 1] == UInt8(ascii: "-") {
        start -= 1
      } else if start - 3 >= text.startIndex, DashRun.otherDash(text[(start - 3)...]) == 3 {
        hasOther = true
        start -= 3
      } else if DashRun.otherDash(text[(start - 1)...]) == 1 {
        hasOther = true
        start -= 1
      } else {
        break
      }
      count += 1
    }
  }

  /// The length of a dash other than the hyphen: U+2010 to U+2015 and U+2212 in UTF-8, 0x96 and 0x97 of Windows-1252.
  private static func otherDash(_ bytes: ArraySlice<UInt8>) -> Int? {
    if bytes.first == 0x96 || bytes.first == 0x97 { return 1 }
    let three = Array(bytes.prefix(3))
    guard three.count == 3, three[0] == 0xE2 else { return nil }
    return three[1] == 0x80 && (0x90...0x95).contains(three[2]) || three[1] == 0x88 && three[2] == 0x92 ? 3 : nil
  }
}
