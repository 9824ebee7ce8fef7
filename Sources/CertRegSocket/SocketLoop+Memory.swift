import CertRegCore
import CertRegProtocol

// Answers from memory.
extension SocketLoop {
  /// The remembered answer to a text, if it still holds.
  func remembered(_ hash: TextHash.Value, target: UInt16) -> AnswerMemo.Entry? {
    guard let entry = memo.find(hash, target: target), entry.epoch == cache.epochs.current(entry.certificateID),
      wallSeconds >= entry.notBefore && wallSeconds < entry.expiresAt
    else { return nil }
    return entry
  }

  /// Looks into the result cache and remembers the result for the next time.
  func lookUp(_ text: UnsafeRawBufferPointer, hash: TextHash.Value, target: UInt16) -> AnswerMemo.Entry? {
    let now = WallTime(secondsSinceEpoch: Int64(wallSeconds))
    // The epoch was read before the result: a change in between voids the remembered answer, not the change.
    guard let found = handling.known(certificatePem: text, target: target, now: now) else { return nil }
    var entry = AnswerMemo.Entry()
    entry.hash = hash
    entry.certificateID = found.entry.certificateID
    entry.epoch = found.epoch
    entry.notBefore = found.answerableFrom
    entry.expiresAt = found.expiresAt
    entry.arnPrefix = found.entry.arnPrefix
    note(found.arnPrefix, number: Int(found.entry.arnPrefix))
    entry.target = target
    entry.outcome = found.entry.outcome
    entry.status = found.entry.status
    entry.deviceTag = found.entry.deviceTag
    var provisioning: [UInt8] = []
    if let provisioned = found.provisioned, provisioned.isComplete {
      let text = AnswerEncoder.provisioning(provisioned)
      // A longer one is left to the workers.
      if text.count <= AnswerMemo.longestProvisioning {
        provisioning = text
        entry.provisioningTag = provisioned.tag.rawValue
      }
    }
    memo.remember(entry, provisioning: provisioning)
    return entry
  }

  func arnPrefix(_ entry: AnswerMemo.Entry) -> [UInt8] {
    arnPrefixes[Int(entry.arnPrefix)]
  }

  private func note(_ prefix: String, number: Int) {
    if number >= arnPrefixes.count {
      arnPrefixes += Array(repeating: [], count: number + 1 - arnPrefixes.count)
    }
    // The number stood for another prefix before: no answer with that one holds any more.
    if !arnPrefixes[number].elementsEqual(prefix.utf8) { arnPrefixes[number] = Array(prefix.utf8) }
  }
}
