import CZlib

/// Decompresses gzip (RFC 1952) or an entry of a zip archive (RFC 1951), piece by piece.
final class Inflater {
  enum Wrapping: Int32 {
    case gzip = 31
    case none = -15
  }

  /// The size of one piece of output.
  private static let pieceBytes = 65_536

  /// Owned. zlib remembers the address and refuses to continue when it changes, so this cannot be a stored struct.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Whether the compressed data have ended.
  private(set) var isAtEnd = false

  init(_ wrapping: Wrapping) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = certreg_inflate_init(stream, wrapping.rawValue)
    // Fails only without memory, or with another version of zlib than at build time. Neither can be handled.
    precondition(status == Z_OK, "inflateInit2 failed: \(status)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Takes bytes from `input` and returns what they decompress to, at most 64 KiB. The result is empty where `input` is used up or
  /// the data have ended.
  ///
  /// - Throws: `InputError` for damaged data.
  func inflate(_ input: inout ArraySlice<UInt8>) throws(InputError) -> [UInt8] {
    guard !isAtEnd else { return [] }
    var output = [UInt8](repeating: 0, count: Inflater.pieceBytes)
    let source = input
    var status = Z_OK
    source.withUnsafeBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        // zlib only reads through next_in; its type has no const.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(target.count)
        status = CZlib.inflate(stream, Z_NO_FLUSH)
      }
    }
    input.removeFirst(input.count - Int(stream.pointee.avail_in))
    output.removeLast(Int(stream.pointee.avail_out))
    isAtEnd = status == Z_STREAM_END
    // Z_BUF_ERROR means that there was no input or no room, which is not an error.
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
      throw InputError(.unreadable, "the compressed data are damaged")
    }
    return output
  }

  /// Starts again, for the next member of a gzip file.
  func reset() {
    inflateReset(stream)
    isAtEnd = false
  }

  /// CRC-32 as gzip and zip define it.
  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    UInt32(truncatingIfNeeded: CZlib.crc32(0, bytes, UInt32(bytes.count)))
  }
}
