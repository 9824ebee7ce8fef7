import CertRegCodec
import CertRegCore
import Foundation
import Synchronization

@testable import CertRegClient

/// Counts requests by certificate.
final class Register: Sendable {
  private let calls = Mutex<[String: Int]>([:])

  /// Counts a request, and returns how many there were for its certificate.
  func count(_ request: JSON) -> Int {
    calls.withLock { calls in
      calls[request["certificatePem"]?.string ?? "", default: 0] += 1
      return calls[request["certificatePem"]?.string ?? ""] ?? 0
    }
  }

  var total: Int { calls.withLock { $0.values.reduce(0, +) } }
  var certificates: Int { calls.withLock { $0.count } }
}

/// What tests of imports share.
enum Batch {
  /// The names of the targets that a request asks for.
  static func targets(_ request: JSON) -> [String] {
    request["target"]?.array?.compactMap(\.string) ?? [request["target"]?.string ?? "default"]
  }

  /// An answer that registers the certificate in every target that the request asks for, but not in those that fail.
  static func registered(_ request: JSON, failing: Set<String> = []) -> JSON {
    answer(request, failing: failing, success: { [("certificateArn", "arn:\($0)"), ("outcome", "created")] })
  }

  /// The answer to the same request where its caller does not wait.
  static func queued(_ request: JSON, failing: Set<String> = []) -> JSON {
    answer(request, failing: failing, success: { _ in [("outcome", "queued")] })
  }

  /// - Parameter success: The members of a result that is no error, for a certificate's ID.
  private static func answer(
    _ request: JSON, failing: Set<String>, success: (String) -> [(name: String, text: String)]
  ) -> JSON {
    let id = Value.pieces((request["certificatePem"]?.string ?? "").utf8).first?.certificate?.id.hex ?? ""
    let results = targets(request).map { target -> JSON in
      let error = JSON.failure(request)["error"] ?? .null
      return .object(
        [JSON.Member("target", .string(target)), JSON.Member("certificateId", .string(id))]
          + (failing.contains(target)
            ? [JSON.Member("error", error)]
            : success(id).map { JSON.Member($0.name, .string($0.text)) }))
    }
    guard results.count == 1 else {
      return JSON.answer(to: request, [("certificateId", .string(id)), ("results", .array(results))])
    }
    return JSON.answer(to: request, (results[0].members ?? []).map { ($0.name, $0.value) })
  }

  /// A table with so many certificates.
  static func write(_ folder: TemporaryFolder, _ count: Int) throws -> String {
    let rows = (0..<count).map { "\($0),\(Data(Sample.certificate(UInt8($0))).base64EncodedString())\n" }
    return try folder.write("batch.csv", "serial,cert\n" + rows.joined())
  }

  /// The entries of a source whose form its content tells.
  static func entries(of path: String) throws -> [InputEntry] { try allEntries(path) }

  static func verb(_ source: String, _ report: String) -> ImportVerb {
    var verb = ImportVerb(source: source)
    verb.reportPath = report
    verb.firstPause = .milliseconds(1)
    verb.patience = .milliseconds(20)
    return verb
  }
}

/// A report as a reader of CSV or JSON lines sees it.
struct ReportRows {
  var names: [String] = []
  var outcomes: [String: Int] = [:]
  /// Name and target of each row.
  var places: [String] = []

  init(_ path: String) throws {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    for line in path.hasSuffix(".csv") ? lines.dropFirst() : lines[...] {
      if path.hasSuffix(".csv") {
        let fields = line.dropFirst().dropLast().components(separatedBy: "\",\"")
        names.append(fields[0])
        places.append("\(fields[0]) \(fields[4])")
        outcomes[fields[2], default: 0] += 1
      } else {
        let json = try JSON(parsing: String(line))
        names.append(json["name"]?.string ?? "")
        outcomes[json["outcome"]?.string ?? "", default: 0] += 1
      }
    }
  }
}
