import CertRegCore

/// Who asked, as rows keep it: user and process as LEB128 numbers, the unit behind its length in one byte, and in a result
/// whatever else the row's column has to hold. A few bytes, since there may be ten million of them.
enum RequesterBytes {
  /// systemd's longest unit name (systemd.unit(5)); a longer one is none.
  private static let longestUnit = 255

  static func append(_ requester: Requester, to bytes: inout [UInt8]) {
    append(requester.uid, to: &bytes)
    append(UInt32(bitPattern: requester.pid), to: &bytes)
    let unit = Array((requester.unit ?? "").utf8)
    let isKept = unit.count <= longestUnit
    bytes.append(isKept ? UInt8(unit.count) : 0)
    if isKept { bytes += unit }
  }

  /// What stands at the beginning of `bytes`, which are left behind it; `nil` where they do not add up.
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
