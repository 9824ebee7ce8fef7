/// Writes DER (X.690), and on request what is not DER.
enum DERWriter {
  /// `tag`, the shortest length, and `parts` as the value.
  static func tlv(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
    let content = parts.flatMap { $0 }
    return [tag] + length(content.count) + content
  }

  /// The same with three length octets, however short the value is: BER.
  static func longTLV(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    [tag, 0x83, UInt8(content.count >> 16), UInt8(content.count >> 8 & 255), UInt8(content.count & 255)] + content
  }

  /// The same with an indefinite length: BER.
  static func indefiniteTLV(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    [tag, 0x80] + content + [0, 0]
  }

  static func length(_ count: Int) -> [UInt8] {
    switch count {
    case ..<0x80: [UInt8(count)]
    case ..<0x100: [0x81, UInt8(count)]
    case ..<0x10000: [0x82, UInt8(count >> 8), UInt8(count & 255)]
    default: [0x83, UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
    }
  }

  static func sequence(_ parts: [UInt8]...) -> [UInt8] { tlv(0x30, parts.flatMap { $0 }) }
  static func set(_ parts: [UInt8]...) -> [UInt8] { tlv(0x31, parts.flatMap { $0 }) }
  static func integer(_ octets: [UInt8]) -> [UInt8] { tlv(0x02, octets) }
  static func bitString(_ octets: [UInt8]) -> [UInt8] { tlv(0x03, [0], octets) }
  static func octetString(_ octets: [UInt8]) -> [UInt8] { tlv(0x04, octets) }
  static func utcTime(_ text: String) -> [UInt8] { tlv(0x17, Array(text.utf8)) }
  static func generalizedTime(_ text: String) -> [UInt8] { tlv(0x18, Array(text.utf8)) }
  static func explicit(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { tlv(0xa0 | number, content) }
  static let null: [UInt8] = [0x05, 0x00]

  /// An OBJECT IDENTIFIER from its arcs in decimal.
  static func identifier(_ dotted: String) -> [UInt8] {
    let arcs = dotted.split(separator: ".").compactMap { UInt64($0) }
    var octets: [UInt8] = []
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2...] {
      var septets = [UInt8(arc & 0x7f)]
      var left = arc >> 7
      while left > 0 {
        septets.insert(UInt8(left & 0x7f) | 0x80, at: 0)
        left >>= 7
      }
      octets += septets
    }
    return tlv(0x06, octets)
  }

  /// An AlgorithmIdentifier.
  static func algorithm(_ dotted: String, _ parameters: [UInt8] = []) -> [UInt8] {
    sequence(identifier(dotted), parameters)
  }

  /// A Name with one attribute for each pair, each in a SET of its own.
  static func name(_ attributes: [(type: String, tag: UInt8, value: [UInt8])]) -> [UInt8] {
    tlv(0x30, attributes.flatMap { set(sequence(identifier($0.type), tlv($0.tag, $0.value))) })
  }
}
