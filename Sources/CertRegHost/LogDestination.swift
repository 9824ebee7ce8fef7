import CSystemd
import Glibc

/// Where the log goes.
package enum LogDestination: String, CaseIterable, Sendable {
  /// The journal where standard error is connected to it, else standard error.
  case automatic = "auto"
  case journal
  case standardError = "stderr"

  /// The meaning of `automatic`: `journal` or `standardError`.
  ///
  /// systemd.exec(5): `$JOURNAL_STREAM` is device and inode of the stream that standard error was when the service was
  /// started; it may have been redirected since, or be a parent's.
  /// - Parameters:
  ///   - journalStream: value of `$JOURNAL_STREAM`.
  ///   - standardErrorStream: `device:inode` of descriptor 2, in decimal; `nil` if it is closed.
  package func resolved(journalStream: String?, standardErrorStream: String?) -> LogDestination {
    switch self {
    case .journal, .standardError: self
    case .automatic:
      if let journalStream, journalStream == standardErrorStream { .journal } else { .standardError }
    }
  }

  /// `device:inode` of descriptor 2.
  package static func standardErrorStream() -> String? {
    FileIdentity(descriptor: STDERR_FILENO).map { "\($0.device):\($0.inode)" }
  }
}

/// The effects behind the destinations. They may block: for the writer's thread only.
enum LogOutput {
  /// The socket of journald (sd_journal_sendv(3)).
  static let journalSocket = "/run/systemd/journal/socket"

  /// Writes records to the journal, or to standard error.
  ///
  /// - Parameters:
  ///   - isForJournal: Standard error gets only what the journal does not take.
  ///   - identifier: `SYSLOG_IDENTIFIER` in the journal.
  ///   - journalSocket: Tells whether there is a journal.
  ///   - descriptor: Standard error.
  static func write(
    _ records: [LogRecord], isForJournal: Bool, identifier: String, format: LogFormat,
    journalSocket: String = journalSocket, descriptor: Int32 = STDERR_FILENO
  ) {
    // sd_journal_sendv(3) succeeds without a journal, too, and does nothing.
    let hasJournal = isForJournal && access(journalSocket, F_OK) == 0
    var text = ""
    for record in records
    where !(hasJournal && sendToJournal(JournalEntry.assignments(of: record, identifier: identifier))) {
      format.append(record, to: &text)
    }
    if !text.isEmpty { write(text, to: descriptor) }
  }

  /// Sends one entry to the journal, which has to be there. Returns whether the journal took it.
  private static func sendToJournal(_ assignments: [String]) -> Bool {
    let bytes = assignments.map { Array($0.utf8) }
    var vectors: [iovec] = []
    vectors.reserveCapacity(bytes.count)
    // One buffer for all fields keeps the pointers into it valid for the whole call; sd_journal_sendv(3) only reads.
    var joined = Array(bytes.joined())
    let result = joined.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard var next = buffer.baseAddress else { return 0 }
      for assignment in bytes {
        vectors.append(iovec(iov_base: next, iov_len: assignment.count))
        next += assignment.count
      }
      return sd_journal_sendv(vectors, Int32(vectors.count))
    }
    return result == 0
  }

  /// Writes all of `text` to `descriptor`, waiting where it has to. Gives up on any error: there is nowhere to report
  /// it.
  static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
        if count >= 0 {
          offset += count
        } else if errno == EAGAIN {
          // Another process that shares the descriptor made it non-blocking.
          var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          guard poll(&entry, 1, -1) >= 0 || errno == EINTR else { return }
        } else if errno != EINTR {
          return
        }
      }
    }
  }
}
