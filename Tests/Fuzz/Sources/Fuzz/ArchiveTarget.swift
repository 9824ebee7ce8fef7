import CertRegArchive

/// Archives, from a file and from a pipe, with the archives in them.
enum ArchiveTarget {
  /// Small enough that every limit is reached within the time of a round.
  private static let limits: ArchiveLimits = {
    var limits = ArchiveLimits()
    limits.members = 200
    limits.contentBytes = 4 << 20
    limits.freeBytes = 1 << 20
    limits.ratio = 100
    limits.heldBytes = 1 << 20
    limits.directoryBytes = 10_000
    return limits
  }()

  static func run(_ input: UnsafeRawBufferPointer) -> Int32 {
    let bytes = Array(input)
    for archive in [BytesInput(bytes), Pipe(bytes)] as [any ArchiveInput] {
      do throws(ArchiveError) {
        read(try ArchiveReader(archive, limits: limits))
      } catch {
        check(error)
      }
    }
    return 0
  }

  private static func read(_ reader: ArchiveReader) {
    require(reader.depth <= limits.depth, "\(reader.depth) deep")
    var calls = 0
    while true {
      // Each call takes a member, or finds damage that has bytes of its own.
      calls += 1
      require(calls < 2000, "no end")
      do throws(ArchiveError) {
        guard let member = try reader.next() else { return }
        require(member.path.utf8.count <= limits.pathBytes, "a path of \(member.path.utf8.count) bytes")
        require(member.size ?? 0 >= 0, "a negative size")
        let head = try reader.read(upTo: 1000)
        if Archive.kind(of: head) != nil {
          read(try reader.nested(beginning: head))
        } else {
          var total = head.count
          while true {
            let piece = try reader.read(upTo: 50_000)
            if piece.isEmpty { break }
            total += piece.count
          }
          require(total <= limits.contentBytes, "\(total) bytes of a member")
        }
      } catch {
        check(error)
        if error.endsArchive { return }
      }
    }
  }

  private static func check(_ error: ArchiveError) {
    require(error.description.utf8.count < 400, "a long message: \(error.description)")
    requirePrintable(error.description)
  }

  /// A source that cannot seek.
  private final class Pipe: ArchiveInput {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
      self.bytes = bytes[...]
    }

    var size: Int? { nil }

    func read(upTo count: Int) -> [UInt8] {
      let piece = Array(bytes.prefix(min(300, count)))
      bytes = bytes.dropFirst(piece.count)
      return piece
    }

    func seek(to offset: Int) {}
  }
}
