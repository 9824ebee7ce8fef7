extension Registration {
  /// The ARN without the certificate's ID at its end. `nil` if the ARN is not known, ends in another way, or holds a
  /// character that JSON has to escape: answers from memory write it as it is.
  package var arnPrefix: String? {
    guard let certificateARN else { return nil }
    let id = key.certificateID.hex
    let isPlain = certificateARN.hasOnly { (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }
    guard isPlain, certificateARN.hasSuffix(id) else { return nil }
    return String(Substring(certificateARN.utf8.dropLast(id.utf8.count)))
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
      requestID: nil, finishedAt: WallTime(secondsSinceEpoch: Int64(entry.finishedAt)), basis: known.basis,
      deviceTag: entry.deviceTag, provisioned: known.provisioned)
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

extension Registration {
  /// Whether all of a profile was applied to the certificate, with the same values.
  package func hasDevice(of provisioning: Provisioning) -> Bool {
    provisioned.map { $0.isComplete && $0.tag == provisioning.tag } ?? false
  }
}
