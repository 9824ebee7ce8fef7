import CertRegCore

/// A requester as rows keep it: user and process as LEB128 numbers, then the unit behind its length in one byte. These
/// are few bytes, since there may be ten million of them. The column of a row may hold more behind them.
enum RequesterBytes {
  /// systemd's longest unit name (systemd.unit(5)). A longer name is dropped.
  private static let longestUnit = 255

  /// Stands for no requester: five bytes that are no number.
  static let none = [UInt8](repeating: 0xff, count: 5)

  /// Appends the bytes of `requester`.
  static func append(_ requester: Requester, to bytes: inout [UInt8]) {
    append(requester.uid, to: &bytes)
    append(UInt32(bitPattern: requester.pid), to: &bytes)
    let unit = Array((requester.unit ?? "").utf8)
    let isKept = unit.count <= longestUnit
    bytes.append(isKept ? UInt8(unit.count) : 0)
    if isKept { bytes += unit }
  }

  /// Removes a requester, or ``none``, from the beginning of `bytes`; `nil` where they hold no requester.
  static func take(from bytes: inout ArraySlice<UInt8>) -> Requester? {
    guard let uid = takeNumber(from: &bytes), let pid = takeNumber(from: &bytes), let length = bytes.popFirst(),
      bytes.count >= Int(length)
    else { return nil }
    let unit = String(decoding: bytes.prefix(Int(length)), as: UTF8.self)
    bytes.removeFirst(Int(length))
    return Requester(uid: uid, pid: Int32(bitPattern: pid), unit: unit.isEmpty ? nil : unit)
  }

  private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private static func takeNumber(from bytes: inout ArraySlice<UInt8>) -> UInt32? {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 28, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return UInt32(exactly: number) }
    }
    return nil
  }
}
