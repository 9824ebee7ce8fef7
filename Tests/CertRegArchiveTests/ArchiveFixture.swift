import CArchive
import CertRegArchive
import CertRegCore
import Glibc

/// A member to write, or one that was read.
struct Member: Hashable {
  var path: String
  var content: [UInt8]
  var kind = ArchiveMember.Kind.regular
}

/// Writes archives with libarchive.
struct ArchiveFixture {
  enum Format: String, CaseIterable {
    case ustar, v7 = "v7tar", gnu = "gnutar", pax, zip, sevenZip = "7zip", newc, odc, raw

    var kind: ArchiveKind? {
      switch self {
      case .ustar, .v7, .gnu, .pax: .tar
      case .zip: .zip
      case .sevenZip: .sevenZip
      case .newc, .odc: .cpio
      case .raw: nil
      }
    }
  }

  var format: Format
  var filter: ArchiveKind?
  var members: [Member]
  var options = ""

  init(_ format: Format, _ members: [Member], filter: ArchiveKind? = nil, options: String = "") {
    self.format = format
    self.filter = filter
    self.members = members
    self.options = options
  }

  func bytes() throws -> [UInt8] {
    // As the reader does, so that names are converted the same whatever locale the test runs in.
    let earlier = uselocale(certreg_utf8_locale())
    defer { uselocale(earlier) }
    let archive = try Self.unwrap(archive_write_new())
    let sink = Sink()
    // Freeing writes what is left, also after an error.
    defer { withExtendedLifetime(sink) { _ = archive_write_free(archive) } }
    let isCode =
      format == .raw
      ? archive_write_set_format_raw(archive) : archive_write_set_format_by_name(archive, format.rawValue)
    try Self.check(isCode, archive)
    if let filter { try Self.check(archive_write_add_filter_by_name(archive, filter.rawValue), archive) }
    if !options.isEmpty { try Self.check(archive_write_set_options(archive, options), archive) }
    archive_write_set_bytes_per_block(archive, 0)
    let status = withExtendedLifetime(sink) {
      archive_write_open(
        archive, Unmanaged.passUnretained(sink).toOpaque(), nil,
        { _, context, data, count in
          guard let context, let data else { return -1 }
          let bytes = UnsafeRawBufferPointer(start: data, count: count)
          Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().bytes.append(contentsOf: bytes)
          return count
        }, nil)
    }
    try Self.check(status, archive)
    for member in members { try write(member, to: archive) }
    try Self.check(archive_write_close(archive), archive)
    return withExtendedLifetime(sink) { sink.bytes }
  }

  private func write(_ member: Member, to archive: OpaquePointer) throws {
    let entry = try Self.unwrap(archive_entry_new())
    defer { archive_entry_free(entry) }
    archive_entry_set_pathname(entry, member.path)
    archive_entry_set_perm(entry, 0o644)
    archive_entry_set_size(entry, Int64(member.content.count))
    switch member.kind {
    case .directory: archive_entry_set_filetype(entry, 0o040000)
    case .link:
      archive_entry_set_filetype(entry, 0o120000)
      archive_entry_set_symlink(entry, "elsewhere")
    case .other: archive_entry_set_filetype(entry, 0o010000)
    case .regular: archive_entry_set_filetype(entry, 0o100000)
    }
    try Self.check(archive_write_header(archive, entry), archive)
    guard member.kind == .regular, !member.content.isEmpty else { return }
    let written = member.content.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
    guard written == member.content.count else { throw Failure(text: "short write") }
  }

  private final class Sink { var bytes: [UInt8] = [] }
  struct Failure: Error { var text: String }

  private static func unwrap(_ pointer: OpaquePointer?) throws -> OpaquePointer {
    guard let pointer else { throw Failure(text: "no memory") }
    return pointer
  }

  private static func check(_ status: Int32, _ archive: OpaquePointer) throws {
    guard status == ARCHIVE_OK else {
      throw Failure(text: archive_error_string(archive).map { String(cString: $0) } ?? "status \(status)")
    }
  }
}

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
