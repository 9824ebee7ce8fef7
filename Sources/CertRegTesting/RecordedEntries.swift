package import Logging
import Synchronization

/// A log handler that keeps the message and metadata of each entry.
package final class RecordedEntries: LogHandler {
  /// An entry of the log.
  package struct Entry: Sendable {
    /// The message.
    package var message: String
    package var metadata: Logger.Metadata
  }

  private let entries = Mutex<[Entry]>([])

  package init() {}

  /// The entries so far.
  package var recorded: [Entry] { entries.withLock { $0 } }

  /// A line for each entry so far, with its message and metadata.
  package var text: String { recorded.map { "\($0.message) \($0.metadata)" }.joined(separator: "\n") }

  package func log(event: LogEvent) {
    let entry = Entry(message: "\(event.message)", metadata: event.metadata ?? [:])
    entries.withLock { $0.append(entry) }
  }

  // Loggers are values with their own level and metadata; this one has none.
  package subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  package var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }

  package var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  package var metadataProvider: Logger.MetadataProvider? {
    get { nil }
    set {}
  }
}
