import CertRegCore

/// The forms in which HTTP and AWS write times.
enum HTTPDate {
  /// Reads the preferred form of RFC 9110 section 5.6.7, `Tue, 24 Nov 2026 08:09:10 GMT`.
  static func imfFixdate(_ text: String) -> WallTime? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = digits(parts[1], 2), let month = months[String(parts[2])],
      let year = digits(parts[3], 4)
    else { return nil }
    let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let hour = digits(clock[0], 2), let minute = digits(clock[1], 2),
      let second = digits(clock[2], 2)
    else { return nil }
    return wallTime(year, month, day, hour, minute, second)
  }

  /// Reads the time stamps of RFC 3339 section 5.6: `2026-11-24T07:55:55Z`, with any fraction, and with an offset in
  /// place of `Z`, as some credential processes write it.
  static func rfc3339(_ text: String) -> WallTime? {
    let characters = Array(text.utf8)
    guard characters.count >= 20, characters[4] == UInt8(ascii: "-"), characters[7] == UInt8(ascii: "-"),
      [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(characters[10]),
      characters[13] == UInt8(ascii: ":"), characters[16] == UInt8(ascii: ":")
    else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      digits(String(decoding: characters[range], as: UTF8.self)[...], range.count)
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19),
      let time = wallTime(year, month, day, hour, minute, second)
    else { return nil }
    var rest = characters[19...]
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst().drop { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
    if rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8) { return time }
    let zone = String(decoding: rest, as: UTF8.self)
    guard zone.utf8.count == 6, zone.first == "+" || zone.first == "-", zone.dropFirst(3).first == ":",
      let hours = digits(zone.dropFirst().prefix(2), 2), let minutes = digits(zone.suffix(2), 2)
    else { return nil }
    let seconds = hours * 3600 + minutes * 60
    return time + .seconds(zone.first == "+" ? -seconds : seconds)
  }

  private static let months = Dictionary(
    uniqueKeysWithValues: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
      .enumerated().map { ($0.element, $0.offset + 1) })

  private static func digits(_ text: Substring, _ count: Int) -> Int? {
    guard text.utf8.count == count, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
      return nil
    }
    return Int(text)
  }

  private static func wallTime(
    _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int
  ) -> WallTime? {
    guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60 else { return nil }
    return CivilTime.wallTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
  }
}
