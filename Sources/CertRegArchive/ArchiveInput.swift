/// The bytes of an archive.
package protocol ArchiveInput: AnyObject {
  /// The size in bytes where the input can seek; `nil` for a stream.
  var size: Int? { get }

  /// The next bytes, at most `count`; empty at the end.
  ///
  /// - Throws: `ArchiveError` where the source cannot be read.
  func read(upTo count: Int) throws(ArchiveError) -> [UInt8]

  /// Goes on at `offset`, which can be beyond the end. Only called where ``size`` is not `nil`.
  ///
  /// - Throws: `ArchiveError` where the source cannot seek.
  func seek(to offset: Int) throws(ArchiveError)
}

extension ArchiveInput {
  /// Up to `count` bytes at `offset`, fewer at the end. Where the input goes on is undefined afterwards. Only for
  /// inputs that seek.
  ///
  /// - Throws: what the input throws.
  func bytes(at offset: Int, _ count: Int) throws(ArchiveError) -> [UInt8] {
    try seek(to: offset)
    var bytes: [UInt8] = []
    while bytes.count < count {
      let piece = try read(upTo: count - bytes.count)
      if piece.isEmpty { break }
      bytes += piece
    }
    return bytes
  }

  /// Whether something other than zeros is at `offset` or behind it. Only for inputs that seek.
  ///
  /// - Throws: what the input throws.
  func hasData(from offset: Int) throws(ArchiveError) -> Bool {
    try seek(to: offset)
    while true {
      let piece = try read(upTo: 65_536)
      if piece.isEmpty { return false }
      if piece.contains(where: { $0 != 0 }) { return true }
    }
  }
}

extension [UInt8] {
  /// The little-endian number of `count` bytes at `index`; the largest `Int` where it does not fit, 0 behind the end.
  func littleEndian(at index: Int, _ count: Int) -> Int {
    guard index >= 0, index + count <= self.count else { return 0 }
    return Int(clamping: self[index..<(index + count)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }
}

/// An archive in memory.
package final class BytesInput: ArchiveInput {
  private let bytes: [UInt8]
  private var position = 0

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package var size: Int? { bytes.count }

  package func read(upTo count: Int) -> [UInt8] {
    let piece = Array(bytes.dropFirst(position).prefix(count))
    position += piece.count
    return piece
  }

  package func seek(to offset: Int) {
    position = max(0, offset)
  }
}

/// A stream whose first bytes were read already.
final class PrefixedInput: ArchiveInput {
  private var beginning: ArraySlice<UInt8>
  private let rest: any ArchiveInput

  init(beginning: [UInt8], rest: any ArchiveInput) {
    self.beginning = beginning[...]
    self.rest = rest
  }

  var size: Int? { nil }

  func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    guard !beginning.isEmpty else { return try rest.read(upTo: count) }
    let piece = Array(beginning.prefix(count))
    beginning = beginning.dropFirst(count)
    return piece
  }

  func seek(to offset: Int) {}
}

/// The content of a reader's current member.
final class MemberInput: ArchiveInput {
  private let outer: ArchiveReader

  init(_ outer: ArchiveReader) {
    self.outer = outer
  }

  var size: Int? { nil }

  func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    try outer.read(upTo: count)
  }

  func seek(to offset: Int) {}
}
