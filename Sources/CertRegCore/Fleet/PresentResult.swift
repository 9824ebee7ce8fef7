/// What this host knows of a result, compared with what others say.
package struct PresentResult: Sendable {
  /// What the host has noted of it.
  package var note: FleetNote?
  /// `nil`: no result of the certificate is on disk.
  package var content: SharedResult.Content?

  package init(note: FleetNote?, content: SharedResult.Content?) {
    self.note = note
    self.content = content
  }

  /// Whether the disk has a result of the certificate.
  var isKnown: Bool { content != nil }

  /// Another host's result as this host keeps it; `nil`: what is on disk is not older.
  func completed(by result: SharedResult) -> SharedResult? {
    guard isOlder(than: result) else { return nil }
    var completed = result
    completed.content = result.content.map(completing)
    return completed
  }

  /// Another host's result with what this host knows better: that a call of its own made the registration, and what goes
  /// with the ARN.
  private func completing(_ told: SharedResult.Content) -> SharedResult.Content {
    guard let content else { return told }
    var completed = told
    if content.outcome == .created { completed.outcome = .created }
    if told.certificateARN == nil, let arn = content.certificateARN {
      // The other host has set the status, and knows nothing else.
      completed.certificateARN = arn
      completed.requestID = content.requestID
      completed.basis = content.basis
      completed.deviceID = content.deviceID
      completed.provisioned = content.provisioned
    }
    return completed
  }

  private func isOlder(than result: SharedResult) -> Bool {
    // A result that no client asked this host for stays in the database only.
    guard let content else { return false }
    if let note, note.stamp > result.stamp { return false }
    guard let told = result.content else { return true }
    return note?.stamp != result.stamp || content.outcome != told.outcome || content.status != told.status
      || content.certificateARN != told.certificateARN
  }
}
