import CertRegCodec
import CertRegCore

/// The outcome of one entry of an import, and of one target where there are several, as a line of the report.
package struct ImportRecord: Hashable, Sendable {
  /// The columns of a report, in their order.
  package static let columns = [
    "name", "certificateId", "outcome", "certificateArn", "target", "reason", "message",
  ]

  /// Outcomes that mean that a certificate is not registered.
  static let failed = "failed"
  static let duplicate = "duplicate"
  static let valid = "valid"

  /// The entry's name or place in the source.
  package var name: String
  /// 64 hexadecimal digits; empty where the certificate could not be read.
  package var certificateID: String
  /// `created`, `existing`, `cached`, `queued`, `valid`, `failed` or `duplicate`.
  package var outcome: String
  package var certificateARN: String
  /// The target that the daemon named; empty where it was not asked.
  package var target: String
  /// The reason of a failure.
  package var reason: String
  /// The message of a failure.
  package var message: String

  package init(
    name: String, certificateID: String = "", outcome: String, certificateARN: String = "", target: String = "",
    reason: String = "", message: String = ""
  ) {
    self.name = name
    self.certificateID = certificateID
    self.outcome = outcome
    self.certificateARN = certificateARN
    self.target = target
    self.reason = reason
    self.message = message
  }

  /// The record for a result in an answer.
  init(_ line: ResultLine, fingerprint: CertificateID) {
    self.init(
      name: line.name, certificateID: line.certificateID ?? fingerprint.hex, outcome: line.outcome,
      certificateARN: line.certificateARN ?? "", target: line.target ?? "", reason: line.error?.reason ?? "",
      message: line.error?.message ?? "")
  }

  /// The columns' values without line ends: the report is read line by line, so that a line that breaks off harms no other.
  private var fields: [String] {
    [name, certificateID, outcome, certificateARN, target, reason, message].map(\.printable)
  }

  /// The record as a line of CSV (RFC 4180). All fields are quoted, so that separators in names do no harm.
  package var csv: String {
    fields.map { "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }
      .joined(separator: ",") + "\n"
  }

  /// The record as an object, without empty members.
  package var json: JSON {
    .object(zip(ImportRecord.columns, fields).filter { !$0.1.isEmpty }.map { JSON.Member($0.0, .string($0.1)) })
  }

  /// Reads a record back; `nil` where columns are missing, as in a line that broke off.
  init?(fields: [String]) {
    guard fields.count == ImportRecord.columns.count else { return nil }
    self.init(
      name: fields[0], certificateID: fields[1], outcome: fields[2], certificateARN: fields[3], target: fields[4],
      reason: fields[5], message: fields[6])
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let outcome = json["outcome"]?.string else { return nil }
    self.init(
      name: name, certificateID: json["certificateId"]?.string ?? "", outcome: outcome,
      certificateARN: json["certificateArn"]?.string ?? "", target: json["target"]?.string ?? "",
      reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "")
  }
}
