extension Registration {
  /// The ARN without the certificate's ID at its end; `nil` where it does not end so.
  package var arnPrefix: String? {
    let id = key.certificateID.hex
    return certificateARN.hasSuffix(id) ? String(certificateARN.dropLast(id.utf8.count)) : nil
  }
}

extension WallTime {
  /// Seconds since 1970, cut to what 32 bits hold.
  package var seconds32: UInt32 { UInt32(clamping: secondsSinceEpoch) }
}

extension Registration {
  /// A result as memory has it: without its request ID and requester, and with times in whole seconds.
  package init(_ known: ResultCache.Known, target: TargetName) {
    let entry = known.entry
    self.init(
      key: RegistrationKey(certificateID: entry.certificateID, target: target),
      certificateARN: known.arnPrefix + entry.certificateID.hex, outcome: entry.outcome, status: entry.status,
      requestID: nil, finishedAt: WallTime(secondsSinceEpoch: Int64(entry.finishedAt)), basis: known.basis)
  }
}

extension ResultCache.Known {
  /// What the verdict on the certificate depended on.
  package var basis: VerdictBasis {
    VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: Int64(entry.notBefore)),
      notAfter: entry.notAfter == .max
        ? WallTime(millisecondsSinceEpoch: .max) : WallTime(secondsSinceEpoch: Int64(entry.notAfter)),
      policyFingerprint: policyFingerprint)
  }
}
