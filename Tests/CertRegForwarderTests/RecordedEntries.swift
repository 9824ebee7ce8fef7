import Logging
import Synchronization

/// A log handler that keeps the metadata of each entry.
final class RecordedEntries: LogHandler {
  private let entries = Mutex<[Logger.Metadata]>([])

  var recorded: [Logger.Metadata] { entries.withLock { $0 } }

  func log(event: LogEvent) {
    entries.withLock { $0.append(event.metadata ?? [:]) }
  }

  // Loggers are values with their own level and metadata; this one has none.
  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }

  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  var metadataProvider: Logger.MetadataProvider? {
    get { nil }
    set {}
  }
}
