package import Logging

/// A record in the form of the journal: `NAME=value` assignments (systemd.journal-fields(7)).
package enum JournalEntry {
  /// The assignments of `record`, each once.
  package static func assignments(of record: LogRecord, identifier: String) -> [String] {
    var entry = [
      "MESSAGE=\(record.message)",
      "PRIORITY=\(priority(of: record.level))",
      "SYSLOG_IDENTIFIER=\(identifier)",
      "CODE_FILE=\(LogText.escaped(record.file))",
      "CODE_LINE=\(record.line)",
      "LOGGER=\(LogText.escaped(record.label))",
    ]
    for field in record.fields {
      entry.append("\(fieldName(field.name))=\(field.value)")
      if field.name == LogField.event, let event = EventID.named(field.value) {
        entry.append("MESSAGE_ID=\(event.messageID)")
      }
    }
    return entry
  }

  /// The syslog level (syslog(3)).
  package static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  /// The journal takes capitals, digits and `_`, no digit or `_` at the beginning, and at most 64 characters, and drops
  /// the rest without a word. A key that would pose as one of the journal's well-known fields gets a prefix, too.
  package static func fieldName(_ name: String) -> String {
    let upper = name.uppercased()
    let first = upper.unicodeScalars.first
    let needsPrefix = first.map { !("A"..."Z").contains($0) } ?? true
    let full = needsPrefix || wellKnown.contains(upper) || upper.hasPrefix("CODE_") ? "CERTREG_" + upper : upper
    return String(full.prefix(64))
  }

  private static let wellKnown: Set<String> = [
    "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SYSLOG_PID", "SYSLOG_RAW",
    "SYSLOG_TIMESTAMP", "ERRNO", "LOGGER", "TID", "UNIT", "USER_UNIT", "OBJECT_PID", "DOCUMENTATION", "INVOCATION_ID",
    "USER_INVOCATION_ID",
  ]
}
