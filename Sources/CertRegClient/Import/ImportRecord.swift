import CertRegCodec
import CertRegCore

/// The outcome of one entry of an import, and of one target where there are several, as a line of the report.
package struct ImportRecord: Hashable, Sendable {
  /// The columns of a report, in their order.
  package static let columns = [
    "name", "certificateId", "outcome", "certificateArn", "target", "reason", "message",
    "deviceId", "commonName", "thingName", "place",
  ]
  /// The columns of reports that earlier versions wrote.
  static let earlierColumns = Array(columns.prefix(7))

  /// Outcomes that mean that a certificate is registered. `queued` does not: it can fail later.
  static let registered: Set = ["created", "existing", "cached"]
  /// Outcomes that mean that a certificate is not registered.
  static let failed = "failed"
  static let duplicate = "duplicate"
  static let valid = "valid"
  static let passedOver = "passed_over"

  /// The entry's name or place in the source.
  package var name: String
  /// 64 hexadecimal digits; empty where the certificate could not be read.
  package var certificateID: String
  /// `created`, `existing`, `cached`, `queued`, `valid`, `failed`, `duplicate` or `passed_over`.
  package var outcome: String
  /// The ARN as the daemon sent it; empty where the certificate is not registered.
  package var certificateARN: String
  /// The target that the daemon named or was asked for; empty where neither is known.
  package var target: String
  /// The reason of a failure.
  package var reason: String
  /// The message of a failure.
  package var message: String
  /// The caller's name for the device.
  package var deviceID = ""
  /// The common name of the certificate's subject.
  package var commonName = ""
  /// The thing that the daemon made for the device.
  package var thingName = ""
  /// Where the entry is in the source: `file!member:line`.
  package var place = ""

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
  init(_ line: ResultLine, _ entry: InputEntry) {
    self.init(entry, outcome: line.outcome, reason: line.error?.reason ?? "", message: line.error?.explanation ?? "")
    if let id = line.certificateID { certificateID = id }
    certificateARN = line.certificateARN ?? ""
    target = line.target ?? ""
    thingName = line.thingName ?? ""
  }

  /// The record for an entry that the daemon has not answered.
  init(_ entry: InputEntry, outcome: String, reason: String = "", message: String = "") {
    self.init(name: entry.name, outcome: outcome, reason: reason, message: message)
    deviceID = entry.deviceID ?? ""
    place = entry.place
    guard case .certificate(let certificate) = entry.content else { return }
    certificateID = certificate.digest?.hex ?? ""
    commonName = certificate.commonName ?? ""
  }

  /// The certificate; `nil` where it is not known.
  var certificate: CertificateID? { CertificateID(hex: Array(certificateID.utf8)) }

  /// Whether the record tells what became of a certificate in a target, not what became of an entry of the source.
  var isAboutTarget: Bool {
    switch outcome {
    case ImportRecord.duplicate, ImportRecord.valid, ImportRecord.passedOver: false
    default: !certificateID.isEmpty
    }
  }

  /// The columns' values without line ends: the report is read line by line, so that a line that breaks off harms no
  /// other.
  private var fields: [String] {
    [
      name, certificateID, outcome, certificateARN, target, reason, message, deviceID, commonName, thingName, place,
    ].map(\.printable)
  }

  /// The record as a line of CSV (RFC 4180) with its end. All fields are quoted, so that separators in names do no
  /// harm, and none is a formula for a spreadsheet.
  package var csv: String { csvFields + "\n" }

  /// The record as a line of CSV without its end.
  var csvFields: String {
    var line = ""
    for field in fields.map(\.guardedFromFormulas) {
      line += line.isEmpty ? "\"" : ",\""
      line += field.utf8.contains(UInt8(ascii: "\"")) ? ImportRecord.doublingQuotes(field) : field
      line += "\""
    }
    return line
  }

  private static func doublingQuotes(_ field: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in field.unicodeScalars {
      result.append(scalar)
      if scalar == "\"" { result.append(scalar) }
    }
    return String(result)
  }

  /// The record as an object, without empty members.
  package var json: JSON {
    .object(zip(ImportRecord.columns, fields).filter { !$0.1.isEmpty }.map { JSON.Member($0.0, .string($0.1)) })
  }

  /// Reads a line of CSV back; `nil` where columns are missing, as in a line that broke off.
  init?(fields cells: [String]) {
    let fields = cells.map(\.withoutFormulaGuard)
    guard fields.count == ImportRecord.columns.count || fields.count == ImportRecord.earlierColumns.count else {
      return nil
    }
    self.init(
      name: fields[0], certificateID: fields[1], outcome: fields[2], certificateARN: fields[3], target: fields[4],
      reason: fields[5], message: fields[6])
    guard fields.count == ImportRecord.columns.count else { return }
    deviceID = fields[7]
    commonName = fields[8]
    thingName = fields[9]
    place = fields[10]
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let outcome = json["outcome"]?.string else { return nil }
    self.init(
      name: name, certificateID: json["certificateId"]?.string ?? "", outcome: outcome,
      certificateARN: json["certificateArn"]?.string ?? "", target: json["target"]?.string ?? "",
      reason: json["reason"]?.string ?? "", message: json["message"]?.string ?? "")
    deviceID = json["deviceId"]?.string ?? ""
    commonName = json["commonName"]?.string ?? ""
    thingName = json["thingName"]?.string ?? ""
    place = json["place"]?.string ?? ""
  }
}
