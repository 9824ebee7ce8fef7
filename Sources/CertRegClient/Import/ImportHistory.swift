package import CertRegCore

/// What a report says about certificates: in which targets each is registered.
package struct ImportHistory {
  private var registered: [CertificateID: Set<String>] = [:]

  package init() {}

  /// Whether the report names no registered certificate.
  package var isEmpty: Bool { registered.isEmpty }

  /// Takes in a record. A later record on the same certificate and target overrules an earlier one.
  package mutating func add(_ record: ImportRecord) {
    guard let id = CertificateID(hex: Array(record.certificateID.utf8)) else { return }
    switch record.outcome {
    case ImportRecord.failed: registered[id]?.remove(record.target)
    case ImportRecord.duplicate, ImportRecord.valid, ImportRecord.passedOver: break
    default: registered[id, default: []].insert(record.target)
    }
  }

  /// The targets of `asked` in which the certificate is not registered.
  package func missing(_ id: CertificateID, of asked: [String]) -> [String] {
    guard let registered = registered[id] else { return asked }
    return asked.filter { !registered.contains($0) }
  }

  /// Whether a line stays in the report of a run that asks for these targets, because the run does not look at its
  /// certificate and target again.
  package func keeps(_ record: ImportRecord, asking targets: [String]) -> Bool {
    guard let id = CertificateID(hex: Array(record.certificateID.utf8)) else { return false }
    let isRegistered = registered[id]?.contains(record.target) == true
    switch record.outcome {
    case ImportRecord.duplicate, ImportRecord.valid, ImportRecord.passedOver: return false
    case ImportRecord.failed: return !isRegistered && !record.target.isEmpty && !targets.contains(record.target)
    default: return isRegistered
    }
  }

  /// Certificates that are registered in all of these targets.
  package func count(in targets: [String]) -> Int {
    registered.values.count { targets.allSatisfy($0.contains) }
  }
}
