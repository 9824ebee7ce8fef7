package import CertRegCore

/// What a report says about certificates: where each is registered, and where it has failed and is not registered
/// since.
///
/// A report can have millions of rows. For each, this keeps eight bytes of a hash and one of state. The hash has a key
/// of this process, so that nobody can make two certificates that it takes for one.
package struct ImportHistory {
  /// What is known of a certificate in a target, or of an entry without a certificate.
  private struct State: OptionSet {
    var rawValue: UInt8

    /// The last word is that the certificate is registered.
    static let registered = State(rawValue: 1)
    /// The last word is a failure.
    static let failed = State(rawValue: 2)
    /// The certificate has failed, and is not registered since.
    static let owed = State(rawValue: 4)
    /// The report has a row of an earlier run.
    static let kept = State(rawValue: 8)
    /// This run has a row in place of the earlier one.
    static let settled = State(rawValue: 16)
    /// A row of an earlier run on a certificate has the name of this entry.
    static let named = State(rawValue: 32)
  }

  private var states: [UInt64: State] = [:]
  /// In how many targets each certificate is owed. Others have no element.
  private var owed: [UInt64: UInt32] = [:]
  private var registeredCount = 0
  /// The entries of the file of failed ones, by name and target, and whether this run has another outcome with a
  /// certificate for them.
  private var failedEntries: [UInt64: Bool] = [:]
  /// Rows of earlier runs that rows of this run replace.
  private(set) var replacedRows = 0
  private let remembersNames: Bool

  /// - Parameter remembersNames: Whether to keep the names of the entries with rows on certificates, for
  ///   `hasRow(entry:)`. They take as much memory as the certificates.
  package init(remembersNames: Bool = false) {
    self.remembersNames = remembersNames
  }

  /// Whether the report names no registered certificate.
  package var isEmpty: Bool { registeredCount == 0 }

  /// Takes in a row of an earlier run. A later row on the same certificate and target overrules an earlier one.
  package mutating func add(_ record: ImportRecord) {
    guard let key = ImportHistory.key(record) else { return }
    if remembersNames, record.isAboutTarget {
      states[ImportHistory.key(entry: record.name), default: []].insert(.named)
    }
    update(key, of: record.isAboutTarget ? record.certificate : nil, outcome: record.outcome)
  }

  /// Takes in a failure from the file of failed entries, after the report's rows: they may tell that it has passed.
  mutating func addFailed(_ id: CertificateID, _ record: ImportRecord) {
    failedEntries[ImportHistory.key(record.name, record.target)] = false
    let key = ImportHistory.key(id, record.target)
    guard states[key]?.contains(.registered) != true else { return }
    owe(key, id)
  }

  /// The targets of `asked` to ask for.
  ///
  /// - Parameter asksAgain: Whether to ask for registered certificates, too, since their status may be another one than
  ///   the one that is asked for.
  package func missing(_ id: CertificateID, of asked: [String], asksAgain: Bool = false) -> [String] {
    asksAgain ? asked : asked.filter { states[ImportHistory.key(id, $0)]?.contains(.registered) != true }
  }

  /// Whether the certificate has failed in a target and is not registered there since.
  func owes(_ id: CertificateID) -> Bool {
    owed[ImportHistory.key(id)] != nil
  }

  /// Whether a row of an earlier run stays: one for each certificate and target, with the last word on it.
  package mutating func keep(_ record: ImportRecord) -> Bool {
    guard let key = ImportHistory.key(record), let state = states[key], !state.contains(.kept) else { return false }
    let isRegistered = record.isAboutTarget && ImportRecord.registered.contains(record.outcome)
    guard state.contains(.registered) == isRegistered,
      state.contains(.failed) == (record.outcome == ImportRecord.failed)
    else { return false }
    states[key]?.insert(.kept)
    return true
  }

  /// Whether the row counts a certificate that is registered in all of these targets; one of its rows does.
  func countsAsDone(_ record: ImportRecord, in targets: [String]) -> Bool {
    guard record.isAboutTarget, record.target == targets.first, let id = record.certificate else { return false }
    return missing(id, of: targets).isEmpty
  }

  /// Whether an earlier run has a row on the entry and its certificate. Known only where names are remembered.
  func hasRow(entry name: String) -> Bool {
    states[ImportHistory.key(entry: name)]?.contains(.named) == true
  }

  /// Takes in a row of this run.
  ///
  /// - Parameter certificate: The certificate that was sent; `nil` where the entry has none.
  mutating func settle(_ record: ImportRecord, of certificate: CertificateID?) {
    if ImportRecord.registered.contains(record.outcome) { renew(entry: record.name, in: [record.target]) }
    guard !states.isEmpty else { return }
    replaceRow(ImportHistory.key(entry: record.name))
    guard record.isAboutTarget else { return }
    // A daemon can name another ID than the one by which certificates are looked up.
    for id in Set([certificate, record.certificate].compactMap(\.self)) {
      // A row without a target stands for those that were asked for.
      for target in Set([record.target, ""]) { replaceRow(ImportHistory.key(id, target)) }
      let key = ImportHistory.key(id, record.target)
      if states[key] != nil { update(key, of: id, outcome: record.outcome) }
    }
  }

  /// Notes that the entry needs nothing, so that it keeps no row that says otherwise.
  ///
  /// - Parameter targets: Where its certificate is registered.
  mutating func passOver(entry name: String, in targets: [String]) {
    replaceRow(ImportHistory.key(entry: name))
    renew(entry: name, in: targets + [""])
  }

  /// Notes that a certificate is registered in all targets that were asked for. Failures without a target have passed
  /// then.
  mutating func succeed(_ id: CertificateID, entry name: String) {
    renew(entry: name, in: [""])
    let key = ImportHistory.key(id, "")
    if states[key] != nil { redeem(key, id) }
  }

  /// Notes that this run has an outcome for an entry with a certificate, which may be another one than an earlier run
  /// had in the same place.
  mutating func renew(entry name: String, in targets: [String]) {
    guard !failedEntries.isEmpty else { return }
    for target in targets {
      let key = ImportHistory.key(name, target)
      if failedEntries[key] != nil { failedEntries[key] = true }
    }
  }

  /// Whether this run has another outcome for the entry of a failure, by its name.
  func isRenewed(_ record: ImportRecord) -> Bool {
    failedEntries[ImportHistory.key(record.name, record.target)] == true
  }

  /// Whether this run has a row in place of this one of an earlier run.
  func isReplaced(_ record: ImportRecord) -> Bool {
    ImportHistory.key(record).flatMap { states[$0] }?.contains(.settled) == true
  }

  private mutating func replaceRow(_ key: UInt64) {
    guard let state = states[key], state.contains(.kept), !state.contains(.settled) else { return }
    states[key]?.insert(.settled)
    replacedRows += 1
  }

  /// - Parameter certificate: `nil` for an entry without one.
  private mutating func update(_ key: UInt64, of certificate: CertificateID?, outcome: String) {
    let before = states[key] ?? []
    var state = before.subtracting([.registered, .failed])
    if outcome == ImportRecord.failed { state.insert(.failed) }
    if certificate != nil, ImportRecord.registered.contains(outcome) { state.insert(.registered) }
    states[key] = state
    registeredCount += (state.contains(.registered) ? 1 : 0) - (before.contains(.registered) ? 1 : 0)
    guard let certificate else { return }
    if state.contains(.registered) { redeem(key, certificate) }
    if state.contains(.failed) { owe(key, certificate) }
  }

  private mutating func owe(_ key: UInt64, _ id: CertificateID) {
    if states[key, default: []].insert(.owed).inserted { owed[ImportHistory.key(id), default: 0] += 1 }
  }

  private mutating func redeem(_ key: UInt64, _ id: CertificateID) {
    guard states[key]?.remove(.owed) != nil else { return }
    let count = owed[ImportHistory.key(id)] ?? 1
    owed[ImportHistory.key(id)] = count > 1 ? count - 1 : nil
  }

  /// The key of a row: its certificate and target, or its entry; `nil` for a damaged row.
  private static func key(_ record: ImportRecord) -> UInt64? {
    guard record.isAboutTarget else {
      return record.certificateID.isEmpty || record.certificate != nil ? key(entry: record.name) : nil
    }
    return record.certificate.map { key($0, record.target) }
  }

  private static func key(entry name: String) -> UInt64 {
    hash { hasher in
      hasher.combine(0)
      // As it stands in the report.
      hasher.combine(name.printable)
    }
  }

  private static func key(_ name: String, _ target: String) -> UInt64 {
    hash { hasher in
      hasher.combine(2)
      hasher.combine(name.printable)
      hasher.combine(target)
    }
  }

  private static func key(_ id: CertificateID, _ target: String) -> UInt64 {
    hash { hasher in
      hasher.combine(1)
      id.combineAll(into: &hasher)
      hasher.combine(target)
    }
  }

  private static func key(_ id: CertificateID) -> UInt64 {
    hash { id.combineAll(into: &$0) }
  }

  private static func hash(_ body: (inout Hasher) -> Void) -> UInt64 {
    var hasher = Hasher()
    body(&hasher)
    return UInt64(truncatingIfNeeded: hasher.finalize())
  }
}
