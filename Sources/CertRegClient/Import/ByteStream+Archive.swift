import CertRegArchive

/// A pipe as the source of an archive.
final class StreamInput: ArchiveInput {
  private let stream: ByteStream

  init(_ stream: ByteStream) {
    self.stream = stream
  }

  var size: Int? { nil }

  func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    do throws(InputError) {
      return try stream.take(count)
    } catch {
      throw ArchiveError(.unreadable, detail: error.message)
    }
  }

  func seek(to offset: Int) {}
}

extension InputError {
  /// What is wrong with an archive or a member of one, with what helps.
  init(_ error: ArchiveError) {
    let advice: String? =
      switch error.reason {
      case .encrypted: "unpack the archive with its password and import the folder"
      case .notRead, .unsupportedMethod, .tooLarge, .tooDeep, .outOfMemory: "unpack the archive and import the folder"
      case .tooLargeToHold: "unpack the outer archive, or save the pipe's content, and give the name of the file"
      default: nil
      }
    self.init(.unreadable, error.description, advice: advice)
  }
}
