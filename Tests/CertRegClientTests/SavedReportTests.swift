import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

/// Reports of imports that another program has saved.
@Suite struct SavedReportTests {
  private static let records = (UInt8(0)..<4).map { number in
    var record = ImportRecord(
      name: "b.csv:\(number + 2) d, \(number)", certificateID: VerifiedAccount.ids[Int(number)], outcome: "created",
      certificateARN: VerifiedAccount.arn(Int(number)), target: "factory", message: "a \"b\"; c")
    record.deviceID = "d, \(number)"
    record.thingName = "pump-\(number)"
    record.place = "b.csv:\(number + 2)"
    return record
  }

  /// The records as a table, with the columns and separators of a program.
  private func table(
    _ columns: [String], separator: String = ",", end: String = "\n", mark: String = "", dropsEmptyCells: Bool = false
  ) -> String {
    let rows = Self.records.map { record in
      var cells = columns.map { record.json[$0]?.string ?? "" }
      if dropsEmptyCells { while cells.last == "" { cells.removeLast() } }
      return cells.map { cell in
        let isPlain = !cell.contains { "\",;\t".contains($0) }
        return isPlain ? cell : "\"\(cell.replacing("\"", with: "\"\""))\""
      }
    }
    return mark + ([columns] + rows).map { $0.joined(separator: separator) + end }.joined()
  }

  private func entries(_ content: Data) throws -> [ReportEntries.Entry]? {
    let folder = try TemporaryFolder()
    let path = folder.path("b.import.csv")
    try content.write(to: URL(fileURLWithPath: path))
    guard var report = ReportEntries(path: path) else { return nil }
    var entries: [ReportEntries.Entry] = []
    while let entry = report.next() { entries.append(entry) }
    return entries
  }

  private func records(_ text: String) throws -> [ImportRecord] { try records(Data(text.utf8)) }

  private func records(_ content: Data) throws -> [ImportRecord] {
    try #require(try entries(content)).compactMap { entry in
      if case .certificate(_, _, let record) = entry { record } else { nil }
    }
  }

  @Test func `any line ends, marks, separators, encodings and added columns`() throws {
    let columns = ImportRecord.columns
    for (separator, end, mark) in [
      (",", "\r\n", ""), (",", "\n", "\u{FEFF}"), (";", "\r\n", "\u{FEFF}"), ("\t", "\r", ""),
      (";", "\r\n", "sep=;\r\n"),
    ] {
      #expect(try records(table(columns, separator: separator, end: end, mark: mark)) == Self.records)
    }
    let wide = try #require(table(columns, separator: "\t", end: "\r\n").data(using: .utf16))
    #expect(try records(wide) == Self.records)
    #expect(try records(table(columns + ["checked"])) == Self.records)
    #expect(try records(table(columns, dropsEmptyCells: true) + "\n\n") == Self.records)
    #expect(try records(table(columns.reversed())) == Self.records)
    #expect(try records(table(columns, end: "\r\n").uppercased()).map(\.certificateID).count == 4)
  }

  @Test func `moved and missing columns, in any order`() throws {
    var generator = SplitMix64.announced("columns of a saved report")
    for _ in 0..<50 {
      let more = ["certificateArn", "target", "reason", "message", "deviceId", "commonName", "thingName", "place"]
        .filter { _ in Bool.random(using: &generator) }
      let columns = (["name", "certificateId", "outcome"] + more).shuffled(using: &generator)
      let separator = [",", ";", "\t"].randomElement(using: &generator) ?? ","
      let found = try records(table(columns, separator: separator, end: "\r\n"))
      #expect(found.map(\.certificateID) == Self.records.map(\.certificateID), "\(columns)")
      if more.contains("thingName") { #expect(found.map(\.thingName) == Self.records.map(\.thingName)) }
    }
  }

  @Test func `a table without the columns, or with certificates, is no report`() throws {
    for columns in [["name", "outcome"], ["name", "certificateId"], ["name", "certificateId", "outcome", "cert"]] {
      #expect(try entries(Data(table(columns).utf8)) == nil)
    }
  }

  @Test func `is called a report where certificates are read`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("b.csv", table(ImportRecord.columns, separator: ";", end: "\r\n"))
    let entries = try Batch.entries(of: path)
    guard case .failure(let error)? = entries.first?.content else {
      Issue.record("\(entries)")
      return
    }
    #expect(entries.count == 1 && error.otherContent == .importReport)
  }

  @Test func `verbs take the certificates of such a report`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("b.csv", table(ImportRecord.columns, separator: ";", end: "\r\n", mark: "\u{FEFF}"))
    let account = VerifiedAccount()
    for number in 0..<4 { account.set(number) }
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(VerifyVerb(subjects: [path]).run(session) == .success)
    #expect(capture.errors.contains("4 certificates: 4 as expected"), "\(capture.errors)")
    #expect(LookupVerb(subjects: [path]).run(session) == .success && capture.outputLines.count == 4)
  }
}
