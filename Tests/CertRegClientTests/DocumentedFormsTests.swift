import Foundation
import Testing

@testable import CertRegClient

/// Every sample of docs/input-files.md is read as the page says.
@Suite struct DocumentedFormsTests {
  /// A file of the page and how many certificates, failures and things passed over it has.
  struct Sample: Sendable {
    var file: String
    var counts: [Int]
    var text: String
  }

  static func samples() throws -> [Sample] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/input-files.md"), encoding: .utf8)
    return page.matches(
      of:
        /<!-- sample (?<file>[^:]+): (?<good>\d+) certificates?, (?<failed>\d+) failed, (?<other>\d+) passed over -->\n```text\n(?<text>[^`]+)```/
    ).map { match in
      Sample(
        file: String(match.file),
        counts: [match.good, match.failed, match.other].compactMap { Int($0) }, text: String(match.text))
    }
  }

  @Test func `reads each sample as the page says`() throws {
    let samples = try Self.samples()
    #expect(samples.count >= 12)
    for sample in samples {
      let folder = try TemporaryFolder()
      let entries = try allEntries(try folder.write(sample.file, sample.text))
      let counts = [
        entries.count { pem($0) != nil }, entries.count { fault($0) != nil }, entries.count { otherContent($0) != nil },
      ]
      #expect(counts == sample.counts, "\(sample.file): \(entries.map(\.content))")
      for entry in entries {
        if case .certificate(let certificate) = entry.content { #expect(certificate.commonName == "device-1") }
      }
    }
  }
}
