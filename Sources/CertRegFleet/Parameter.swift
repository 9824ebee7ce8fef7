import CertRegCore

/// A parameter of a statement. Arrays are in PostgreSQL's binary form: it takes half the bytes of the text form of
/// `bytea`, and nothing in it has to be quoted.
enum Parameter {
  case text(String)
  case binary([UInt8])

  /// The types of elements, by their numbers in PostgreSQL's catalogue, which never change.
  private enum Element: UInt32 {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case text = 25
    case float8 = 701
  }

  static func integer(_ number: some BinaryInteger) -> Parameter { .text(String(number)) }

  static func bytes(_ elements: some Collection<[UInt8]>) -> Parameter {
    array(.bytea, elements) { $0 += $1 }
  }

  static func integers(_ elements: some Collection<Int64>) -> Parameter {
    array(.int8, elements) { $0.append(bigEndian: $1) }
  }

  static func bools(_ elements: some Collection<Bool>) -> Parameter {
    array(.bool, elements) { $0.append($1 ? 1 : 0) }
  }

  /// An array of numbers, `nil` for NULL.
  static func doubles(_ elements: some Collection<Double?>) -> Parameter {
    array(.float8, elements, isNull: { $0 == nil }) { $0.append(bigEndian: $1?.bitPattern ?? 0) }
  }

  /// An array of texts, `nil` for NULL.
  static func texts(_ elements: some Collection<String?>) -> Parameter {
    array(.text, elements, isNull: { $0 == nil }) { bytes, text in
      let start = bytes.count
      bytes.append(contentsOf: (text ?? "").utf8)
      // No text of PostgreSQL has a zero byte.
      if bytes[start...].contains(0) { bytes.replaceSubrange(start..., with: bytes[start...].filter { $0 != 0 }) }
    }
  }

  static func texts(_ elements: some Collection<String>) -> Parameter { texts(elements.map { $0 as String? }) }

  /// What PostgreSQL's `array_recv` reads: the number of dimensions, whether there may be NULLs, the type of the
  /// elements, their count and the first index; then each element behind its length.
  private static func array<Value>(
    _ type: Element, _ elements: some Collection<Value>, isNull: (Value) -> Bool = { _ in false },
    _ write: (inout [UInt8], Value) -> Void
  ) -> Parameter {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + 36 * elements.count)
    bytes.append(bigEndian: UInt32(elements.isEmpty ? 0 : 1))
    bytes.append(bigEndian: UInt32(1))
    bytes.append(bigEndian: type.rawValue)
    if !elements.isEmpty {
      bytes.append(bigEndian: UInt32(elements.count))
      bytes.append(bigEndian: UInt32(1))
    }
    for element in elements {
      let place = bytes.count
      // The length of a NULL.
      bytes.append(bigEndian: UInt32.max)
      guard !isNull(element) else { continue }
      write(&bytes, element)
      bytes.replace(at: place, bigEndian: UInt32(bytes.count - place - 4))
    }
    return .binary(bytes)
  }
}

extension Parameter {
  /// The certificates and targets of keys, as two arrays.
  static func keys(_ keys: [FleetKey]) -> [Parameter] {
    [.bytes(keys.map(\.certificateID.bytes)), .texts(keys.map(\.target))]
  }
}

extension [UInt8] {
  fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
    for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  fileprivate mutating func replace(at place: Int, bigEndian number: UInt32) {
    for offset in 0..<4 { self[place + offset] = UInt8(truncatingIfNeeded: number >> (24 - 8 * offset)) }
  }
}
