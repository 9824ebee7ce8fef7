import CertRegArchive
import CertRegCore
import CertRegTesting

/// A source that cannot seek, and gives a few bytes at a time.
final class StreamInput: ArchiveInput {
  private var bytes: ArraySlice<UInt8>
  private let step: Int

  init(_ bytes: [UInt8], step: Int = 1000) {
    self.bytes = bytes[...]
    self.step = step
  }

  var size: Int? { nil }

  func read(upTo count: Int) -> [UInt8] {
    let piece = Array(bytes.prefix(min(step, count)))
    bytes = bytes.dropFirst(piece.count)
    return piece
  }

  func seek(to offset: Int) {}
}

/// What reading an archive to its end gave.
struct Reading {
  var members: [Member] = []
  var errors: [ArchiveError] = []

  init(_ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits()) {
    self.init(BytesInput(bytes), limits: limits)
  }

  init(_ input: any ArchiveInput, limits: ArchiveLimits = ArchiveLimits()) {
    do throws(ArchiveError) {
      read(try ArchiveReader(input, limits: limits))
    } catch {
      errors.append(error)
    }
  }

  init(_ reader: ArchiveReader) {
    read(reader)
  }

  private mutating func read(_ reader: ArchiveReader) {
    while true {
      do throws(ArchiveError) {
        guard let member = try reader.next() else { return }
        members.append(Member(path: member.path, content: try reader.content(), kind: member.kind))
      } catch {
        errors.append(error)
        if error.endsArchive { return }
      }
    }
  }
}

extension ArchiveReader {
  /// The whole content of the current member.
  func content() throws(ArchiveError) -> [UInt8] {
    var content: [UInt8] = []
    while true {
      let piece = try read(upTo: 10_000)
      if piece.isEmpty { return content }
      content += piece
    }
  }
}

/// Bytes that do not compress, the same for each seed.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
  var generator = SplitMix64(seed: seed)
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}
