import CertRegCodec
package import CertRegCore

extension PendingRegistration {
  /// The job as other hosts of a fleet read it, which may have to carry it out: JSON. Members may be added, never
  /// renamed. What is known of the certificate stays behind: each host goes by its own knowledge.
  package var record: [UInt8] {
    JSONValue.object(of: [
      "certificate": .string(Base64.encode(der)), "deviceId": deviceID.map { .string($0.text) },
      "enqueuedAt": .integer(enqueuedAt.millisecondsSinceEpoch),
      "namedStatus": namedStatus.map { .string($0.rawValue) },
      "notAfter": .integer(basis.notAfter.millisecondsSinceEpoch),
      "notBefore": .integer(basis.notBefore.millisecondsSinceEpoch),
      "overridesStatus": overridesStatus ? .bool(true) : nil,
      "policies": .string(String(basis.policyFingerprint)),
      "provisioning": provisioning?.json, "purpose": .string(purpose.rawValue),
      "status": status.map { .string($0.rawValue) }, "uid": .integer(requester.uid),
      "unit": requester.unit.map { .string($0) },
    ]).jsonBytes
  }

  /// Reads another host's record; `nil`: it is none, or says more than this version knows.
  ///
  /// - Parameters:
  ///   - record: The JSON.
  ///   - key: The certificate and this host's target.
  ///   - sequence: This host's number for the job.
  package init?(record: [UInt8], key: RegistrationKey, sequence: Int64) {
    guard let json = try? JSONValue(parsing: record), let text = json["certificate"]?.string,
      let der = try? Base64.decode(Array(text.utf8)), let enqueuedAt = json["enqueuedAt"]?.integer,
      let notAfter = json["notAfter"]?.integer, let notBefore = json["notBefore"]?.integer,
      let policies = json["policies"]?.string.flatMap({ Int64($0) }),
      let purpose = json["purpose"]?.string.flatMap({ JobPurpose(rawValue: $0) }),
      let uid = json["uid"]?.integer.flatMap({ UInt32(exactly: $0) })
    else { return nil }
    var provisioning: Provisioning?
    if let member = json["provisioning"] {
      guard let read = Provisioning(member) else { return nil }
      provisioning = read
    }
    var statuses: [String: CertificateStatus] = [:]
    for name in ["status", "namedStatus"] {
      guard let member = json[name] else { continue }
      guard let read = member.string.flatMap({ CertificateStatus(rawValue: $0) }) else { return nil }
      statuses[name] = read
    }
    self.init(
      key: key, sequence: sequence, purpose: purpose, der: der, status: statuses["status"],
      enqueuedAt: WallTime(millisecondsSinceEpoch: Int64(enqueuedAt)), callStarted: false, attempts: 0, lastError: nil,
      requester: Requester(uid: uid, unit: json["unit"]?.string),
      deviceID: json["deviceId"]?.string.flatMap { DeviceID($0) },
      basis: VerdictBasis(
        notBefore: WallTime(millisecondsSinceEpoch: Int64(notBefore)),
        notAfter: WallTime(millisecondsSinceEpoch: Int64(notAfter)), policyFingerprint: policies),
      provisioning: provisioning, namedStatus: statuses["namedStatus"],
      overridesStatus: json["overridesStatus"]?.bool ?? false)
  }
}
