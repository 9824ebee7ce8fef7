import CertRegCodec
package import CertRegCore

/// What became of one entry of an import (and target, where there are several), as the report has it.
package struct ImportRecord: Hashable, Sendable {
  /// The columns of a report, in their order.
  package static let columns = [
    "name", "certificateId", "outcome", "certificateArn", "target", "reason", "message",
  ]

  package var name: String
  package var certificateID: String
  /// `created`, `existing`, `cached`, `queued`, `valid`, `failed` or `duplicate`.
  package var outcome: String
  package var certificateARN: String
  package var target: String
  package var reason: String
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

  /// The record for a result of the daemon's.
  init(_ line: ResultLine, fingerprint: CertificateID) {
    self.init(
      name: line.name, certificateID: line.certificateID ?? fingerprint.hex, outcome: line.outcome,
      certificateARN: line.certificateARN ?? "", target: line.target ?? "", reason: line.error?.reason ?? "",
      message: line.error?.message ?? "")
  }

  /// The columns' values on one line each: the report is read line by line, so that one that breaks off harms no other.
  private var fields: [String] {
    [name, certificateID, outcome, certificateARN, target, reason, message].map(\.printable)
  }

  /// A record of CSV (RFC 4180), every field in quotes so that separators in names do no harm.
  package var csv: String {
    fields.map { "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }
      .joined(separator: ",") + "\n"
  }

  /// The record as an object.
  package var json: JSON {
    .object(zip(ImportRecord.columns, fields).filter { !$0.1.isEmpty }.map { JSON.Member($0.0, .string($0.1)) })
  }

  /// Reads a record back; `nil` for one that does not have all its columns, as one that broke off.
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

/// Which certificates a report says are done.
package struct ImportHistory {
  private var succeeded: Set<CertificateID> = []
  /// Targets for which the last word on a certificate was a failure.
  private var failedTargets: [CertificateID: Set<String>] = [:]

  package init() {}

  /// Takes in a record; a later one on the same certificate and target has the last word.
  package mutating func add(_ record: ImportRecord) {
    guard let id = CertificateID(hex: Array(record.certificateID.utf8)) else { return }
    switch record.outcome {
    case "failed":
      failedTargets[id, default: []].insert(record.target)
    case "duplicate", "valid":
      break
    default:
      succeeded.insert(id)
      failedTargets[id]?.remove(record.target)
    }
  }

  /// Whether the certificate was registered in every target that was asked for.
  package func isDone(_ id: CertificateID) -> Bool {
    succeeded.contains(id) && failedTargets[id]?.isEmpty != false
  }

  /// Whether a record says why its certificate is done.
  package func keeps(_ record: ImportRecord) -> Bool {
    guard let id = CertificateID(hex: Array(record.certificateID.utf8)) else { return false }
    return isDone(id) && !["failed", "duplicate", "valid"].contains(record.outcome)
  }

  /// Certificates that are done.
  package var count: Int {
    succeeded.count { isDone($0) }
  }
}
