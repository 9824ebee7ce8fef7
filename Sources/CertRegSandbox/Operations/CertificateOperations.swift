import CertRegCodec
import CertRegCore
import CertRegCrypto

extension SandboxOperation {
  /// Certificates: `POST /certificate/register-no-ca` and `/certificates`.
  static let certificateOperations: [SandboxOperation] = [
    SandboxOperation(.registerCertificateWithoutCA, "POST", "/certificate/register-no-ca") {
      input, scope throws(SandboxError) in
      let body = try input.body()
      let pem = try body.required("certificatePem", .certificatePEM)
      let status = try body.text("status").map { text throws(SandboxError) in
        try CertificateStatus(member: text, at: "status")
      }
      if let status { try SandboxRegister.checkRegistrable(status) }
      let certificate = try scope.judge.judge(pem: pem, at: scope.now)
      try scope.store.change { content throws(SandboxError) in
        let generationID = content.nextID()
        try content.make(
          content.register.registration(
            of: certificate, status: status, at: scope.now, generationID: generationID))
      }
      let named = scope.draw.isLie ? SHA256.digest(of: "another than \(certificate.id.hex)") : certificate.id
      return .object(of: [
        "certificateArn": .string(scope.account.arn(of: named)), "certificateId": .string(named.hex),
      ])
    },

    SandboxOperation(.describeCertificate, "GET", "/certificates/{certificateId}") {
      input, scope throws(SandboxError) in
      let id = try input.certificateID()
      let certificate = try scope.store.read { register throws(SandboxError) in try register.describe(id) }
      return .object(of: ["certificateDescription": .description(of: certificate, in: scope.account)])
    },

    SandboxOperation(.listCertificates, "GET", "/certificates") { input, scope throws(SandboxError) in
      let request = try input.query.markerPage(ascending: try input.query.flag("isAscendingOrder") ?? false)
      let page = try scope.store.read { $0.page(request) }
      return .page(page, "certificates", next: "nextMarker") { .listed($0, in: scope.account) }
    },

    SandboxOperation(.updateCertificate, "PUT", "/certificates/{certificateId}") {
      input, scope throws(SandboxError) in
      guard let text = input.query["newStatus"] else { throw .missing("newStatus") }
      let id = try input.certificateID()
      let status = try CertificateStatus(member: text, at: "newStatus")
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.statusChange(of: id, to: status, at: scope.now))
      }
      return nil
    },

    SandboxOperation(.deleteCertificate, "DELETE", "/certificates/{certificateId}") {
      input, scope throws(SandboxError) in
      let id = try input.certificateID()
      let isForced = try input.query.flag("forceDelete") ?? false
      try scope.store.change { content throws(SandboxError) in
        try content.make(content.register.deletion(of: id, forced: isForced))
      }
      return nil
    },
  ]
}

extension JSONValue {
  /// `CertificateDescription`.
  fileprivate static func description(of certificate: RegisteredCertificate, in account: SandboxAccount) -> JSONValue {
    .object(of: [
      "certificateArn": .string(account.arn(of: certificate.id)),
      "certificateId": .string(certificate.id.hex),
      "status": .string(certificate.status.rawValue),
      "certificatePem": .string(PEM.certificate(der: certificate.der)),
      "ownedBy": .string(account.id),
      "creationDate": .seconds(certificate.createdAt),
      "lastModifiedDate": .seconds(certificate.lastModifiedAt),
      "customerVersion": .integer(1),
      "transferData": .object([]),
      "generationId": .string(certificate.generationID.description),
      "validity": .object(of: [
        "notBefore": .seconds(certificate.notBefore), "notAfter": .seconds(certificate.notAfter),
      ]),
      // A certificate that was registered without a CA is in this mode.
      "certificateMode": .string("SNI_ONLY"),
    ])
  }

  /// `Certificate`, the element of a list.
  fileprivate static func listed(_ certificate: RegisteredCertificate, in account: SandboxAccount) -> JSONValue {
    .object(of: [
      "certificateArn": .string(account.arn(of: certificate.id)),
      "certificateId": .string(certificate.id.hex),
      "status": .string(certificate.status.rawValue),
      "certificateMode": .string("SNI_ONLY"),
      "creationDate": .seconds(certificate.createdAt),
    ])
  }
}
