import CFuzzer

/// Changes DER and corrects the lengths around each change. Changes of single bytes seldom get past the decoder.
struct DERMutator {
  /// A triplet whose value is either bytes or further triplets.
  private indirect enum Node {
    case primitive(tag: UInt8, [UInt8])
    case constructed(tag: UInt8, [Node])

    var tag: UInt8 {
      switch self {
      case .primitive(let tag, _), .constructed(let tag, _): tag
      }
    }
  }

  private var generator: SplitMix64

  private init(seed: UInt32) {
    generator = SplitMix64(state: UInt64(seed))
  }

  /// Changes the `count` bytes at `data`, which has room for `maximum`, and returns their new number.
  static func mutate(_ data: UnsafeMutablePointer<UInt8>, _ count: Int, _ maximum: Int, seed: UInt32) -> Int {
    var mutator = DERMutator(seed: seed)
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    guard seed % 4 != 0, var nodes = nodes(of: bytes[...], depth: 0) else {
      return LLVMFuzzerMutate(data, count, maximum)
    }
    for _ in 0...mutator.below(3) {
      let pool = mutator.pick(from: nodes)
      mutator.change(&nodes, inserting: pool)
    }
    let encoded = encode(nodes)
    guard !encoded.isEmpty, encoded.count <= maximum else { return LLVMFuzzerMutate(data, count, maximum) }
    _ = UnsafeMutableBufferPointer(start: data, count: encoded.count).update(fromContentsOf: encoded)
    return encoded.count
  }

  /// The triplets in `bytes`; `nil` if `bytes` is not a sequence of triplets.
  private static func nodes(of bytes: ArraySlice<UInt8>, depth: Int) -> [Node]? {
    var nodes: [Node] = []
    var rest = bytes
    while let tag = rest.popFirst() {
      guard tag & 0x1f != 0x1f, let first = rest.popFirst() else { return nil }
      var length = Int(first)
      if first >= 0x80 {
        guard first > 0x80, first <= 0x83, rest.count >= Int(first & 0x7f) else { return nil }
        length = rest.prefix(Int(first & 0x7f)).reduce(0) { $0 << 8 | Int($1) }
        rest.removeFirst(Int(first & 0x7f))
      }
      guard length <= rest.count else { return nil }
      let content = rest.prefix(length)
      rest.removeFirst(length)
      // Keys and extensions are inside strings, so the mutator decodes strings, too.
      let skipped = tag == 0x03 && content.first == 0 ? 1 : 0
      let mayNest = tag & 0x20 != 0 || (tag == 0x04 || skipped == 1) && content.dropFirst(skipped).first == 0x30
      if mayNest, depth < 40, skipped == 0, let inside = self.nodes(of: content, depth: depth + 1), !inside.isEmpty {
        nodes.append(.constructed(tag: tag, inside))
      } else {
        nodes.append(.primitive(tag: tag, Array(content)))
      }
    }
    return nodes
  }

  private static func encode(_ nodes: [Node]) -> [UInt8] {
    var bytes: [UInt8] = []
    for node in nodes {
      let content: [UInt8]
      switch node {
      case .primitive(_, let value): content = value
      case .constructed(_, let inside): content = encode(inside)
      }
      bytes.append(node.tag)
      switch content.count {
      case ..<0x80: bytes.append(UInt8(content.count))
      case ..<0x100: bytes += [0x81, UInt8(content.count)]
      case ..<0x10000: bytes += [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)]
      default:
        bytes.append(0x83)
        bytes += [16, 8, 0].map { UInt8(truncatingIfNeeded: content.count >> $0) }
      }
      bytes += content
    }
    return bytes
  }

  private mutating func below(_ bound: Int) -> Int {
    Int.random(in: 0..<bound, using: &generator)
  }

  /// A node from anywhere in the tree.
  private mutating func pick(from nodes: [Node]) -> Node {
    guard !nodes.isEmpty else { return .primitive(tag: 0x05, []) }
    let node = nodes[below(nodes.count)]
    if case .constructed(_, let inside) = node, below(4) != 0 { return pick(from: inside) }
    return node
  }

  /// Changes one place of the tree.
  private mutating func change(_ nodes: inout [Node], inserting other: Node) {
    guard !nodes.isEmpty else {
      nodes.append(other)
      return
    }
    let index = below(nodes.count)
    if case .constructed(let tag, var inside) = nodes[index], below(6) != 0 {
      change(&inside, inserting: other)
      nodes[index] = .constructed(tag: tag, inside)
      return
    }
    switch below(8) {
    case 0: nodes.remove(at: index)
    case 1: nodes.insert(other, at: index)
    case 2: nodes[index] = other
    case 3: nodes.insert(contentsOf: Array(repeating: nodes[index], count: 1 + below(40)), at: index)
    case 4: nodes[index] = .constructed(tag: [0x30, 0x31, 0xa0, 0xa3, 0x24][below(5)], [nodes[index]])
    default:
      switch nodes[index] {
      case .primitive(let tag, let value):
        nodes[index] = below(4) == 0 ? .primitive(tag: changed(tag), value) : .primitive(tag: tag, changed(value))
      case .constructed(let tag, let inside): nodes[index] = .constructed(tag: changed(tag), inside)
      }
    }
  }

  private mutating func changed(_ tag: UInt8) -> UInt8 {
    let common: [UInt8] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1c, 0x1e, 0x30, 0x31]
    return below(2) == 0 ? common[below(common.count)] : tag ^ UInt8(1) << UInt8(below(8))
  }

  private mutating func changed(_ value: [UInt8]) -> [UInt8] {
    let room = value.count + [1, 8, 64, 1024][below(4)]
    return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      _ = buffer.update(fromContentsOf: value)
      count = LLVMFuzzerMutate(buffer.baseAddress, value.count, room)
    }
  }
}

/// The same numbers for the same seed.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
}

private let isDERTarget = CommandLine.arguments.dropFirst().first == "der"

/// libFuzzer finds this function by its name.
@_cdecl("LLVMFuzzerCustomMutator")
func customMutator(_ data: UnsafeMutablePointer<UInt8>, _ count: Int, _ maximum: Int, _ seed: UInt32) -> Int {
  isDERTarget ? DERMutator.mutate(data, count, maximum, seed: seed) : LLVMFuzzerMutate(data, count, maximum)
}
