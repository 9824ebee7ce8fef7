import CertRegCore
import CertRegHost
import Foundation
import Logging
import Testing

extension LogFormat {
  /// `record` as one line.
  func line(_ record: LogRecord) -> String {
    var text = ""
    append(record, to: &text)
    return text
  }
}

@Suite struct LogFormatTests {
  private func record(
    _ message: String, _ metadata: Logger.Metadata = [:], level: Logger.Level = .info, suppressed: Int = 0
  ) -> LogRecord {
    LogRecord(
      time: WallTime(millisecondsSinceEpoch: 1_795_507_750_123), level: level, label: "certregd", message: message,
      metadata: metadata, file: "M/F.swift", line: 7, suppressed: suppressed)
  }

  @Test func `text has the time, the level, the message and the fields`() {
    let line = LogFormat.text.line(
      record("registered", ["target": "default", "certificate_id": "7d2f", "note": "two words", "empty": ""]))
    #expect(
      line
        == "2026-11-24T08:09:10.123Z info registered certificate_id=7d2f empty=\"\" note=\"two words\" target=default\n"
    )
  }

  @Test func `a value cannot pose as another field`() {
    let line = LogFormat.text.line(record("m", ["a": "x b=y", "c": "say \"hi\"\nlevel=error"]))
    #expect(line.hasSuffix("m a=\"x b=y\" c=\"say \\\"hi\\\"\\nlevel=error\"\n"))
    #expect(line.filter { $0 == "\n" }.count == 1)
  }

  @Test func `JSON is one object a line and keeps the line's own members`() throws {
    let line = LogFormat.json.line(
      record("say \"hi\"\u{1B}\\", ["level": "fake", "target": "eu", "list": ["a", "b"]], suppressed: 3))
    #expect(line.filter { $0 == "\n" }.count == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    #expect(
      object == [
        "time": "2026-11-24T08:09:10.123Z", "level": "info", "logger": "certregd", "message": "say \"hi\"\\u{1B}\\\\",
        "target": "eu", "list": "[\"a\", \"b\"]", "suppressed": "3",
      ])
  }

  @Test(arguments: 0..<8)
  func `any record is one line of valid JSON`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func text() -> String {
      var scalars = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x2FF, using: &random)) { scalars.append(scalar) }
      }
      return String(scalars)
    }
    for _ in 0..<100 {
      let metadata = Dictionary((0..<3).map { _ in (text(), Logger.MetadataValue.string(text())) }) { $1 }
      let line = LogFormat.json.line(record(text(), metadata))
      #expect(line.utf8.filter { $0 == 0x0A }.count == 1 && line.utf8.last == 0x0A, "seed \(seed)")
      #expect(throws: Never.self, "seed \(seed)") { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }

  @Test func `everything in a record is bounded`() {
    let huge = String(repeating: "x", count: 100_000)
    let metadata = Dictionary(
      uniqueKeysWithValues: (0..<100).map { ("\($0)\(huge)", Logger.MetadataValue.string(huge)) })
    let bounded = record(huge, metadata)
    #expect(LogFormat.text.line(bounded).utf8.count < 25_000)
    #expect(bounded.fields.count == LogRecord.fieldLimit)
  }

  @Test func `the journal gets its fields, with the identifier of the event`() {
    let entry = JournalEntry.assignments(
      of: record("up\nMESSAGE_ID=fake", ["event": "ready", "peer_uid": "1000"], level: .notice), identifier: "certregd")
    #expect(
      entry == [
        "MESSAGE=up\\nMESSAGE_ID=fake", "PRIORITY=5", "SYSLOG_IDENTIFIER=certregd", "CODE_FILE=M/F.swift",
        "CODE_LINE=7",
        "LOGGER=certregd", "EVENT=ready", "MESSAGE_ID=\(EventID.ready.messageID)", "PEER_UID=1000",
      ])
  }

  @Test(arguments: [
    ("certificate_id", "CERTIFICATE_ID"), ("message", "CERTREG_MESSAGE"), ("priority", "CERTREG_PRIORITY"),
    ("message_id", "CERTREG_MESSAGE_ID"), ("_pid", "CERTREG__PID"), ("9lives", "CERTREG_9LIVES"), ("", "CERTREG_"),
    ("code_file", "CERTREG_CODE_FILE"), (String(repeating: "a", count: 99), String(repeating: "A", count: 64)),
  ])
  func `journal field names are valid and never the journal's own`(key: String, name: String) {
    #expect(JournalEntry.fieldName(key) == name)
  }

  @Test(arguments: [
    (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
  ])
  func `levels have their syslog priority`(level: Logger.Level, priority: Int) {
    #expect(JournalEntry.priority(of: level) == priority)
  }

  @Test func `event identifiers are well-formed and unique`() {
    #expect(Set(EventID.all.map(\.messageID)).count == EventID.all.count)
    for event in EventID.all {
      #expect(event.messageID.count == 32 && event.messageID.allSatisfy { "0123456789abcdef".contains($0) })
      #expect(EventID.named(event.name) == event)
    }
    #expect(EventID.named("no_such_event") == nil)
  }

  @Test(arguments: [
    (LogDestination.automatic, "8:123" as String?, "8:123" as String?, LogDestination.journal),
    (.automatic, "8:123", "8:124", .standardError), (.automatic, nil, "8:123", .standardError),
    (.automatic, nil, nil, .standardError), (.automatic, "8:123", nil, .standardError), (.journal, nil, nil, .journal),
    (.standardError, "8:123", "8:123", .standardError),
  ])
  func `the destination follows JOURNAL_STREAM`(
    destination: LogDestination, journal: String?, stream: String?, expected: LogDestination
  ) {
    #expect(destination.resolved(journalStream: journal, standardErrorStream: stream) == expected)
  }
}
