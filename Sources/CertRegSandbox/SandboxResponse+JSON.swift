import CertRegCodec
import CertRegCore

// The outputs of the operations, with the names and forms of the service model's members. Points in time are seconds since
// the epoch, as AWS's JSON protocol writes them.
extension JSONValue {
  /// The output of RegisterCertificateWithoutCA.
  static func registration(of id: CertificateID, in account: SandboxAccount) -> JSONValue {
    .object(of: ["certificateArn": .string(account.arn(of: id)), "certificateId": .string(id.hex)])
  }

  /// The output of DescribeCertificate.
  static func description(of certificate: RegisteredCertificate, in account: SandboxAccount) -> JSONValue {
    let description = JSONValue.object(of: [
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
    return .object(of: ["certificateDescription": description])
  }

  /// The output of ListCertificates.
  static func list(
    of certificates: [RegisteredCertificate], next: PageMarker?, in account: SandboxAccount
  ) -> JSONValue {
    let elements = certificates.map { certificate in
      JSONValue.object(of: [
        "certificateArn": .string(account.arn(of: certificate.id)),
        "certificateId": .string(certificate.id.hex),
        "status": .string(certificate.status.rawValue),
        "certificateMode": .string("SNI_ONLY"),
        "creationDate": .seconds(certificate.createdAt),
      ])
    }
    return .object(of: ["certificates": .array(elements), "nextMarker": next.map { .string($0.text) }])
  }

  private static func seconds(_ time: WallTime) -> JSONValue {
    let (seconds, milliseconds) = time.millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 1000)
    return milliseconds == 0 ? .integer(seconds) : .number("\(Double(time.millisecondsSinceEpoch) / 1000)")
  }
}

extension SandboxResponse {
  /// A success with `output` as its body; `nil` for an operation that has no output.
  init(_ output: JSONValue?) {
    self.init(status: 200, headers: [], body: output?.jsonBytes ?? [])
  }

  /// The answer that tells of `error`: the type stands in a header, the rest in the body.
  init(_ error: SandboxError) {
    let body = JSONValue.object(of: [
      "message": .string(error.message), "resourceId": error.resourceID.map { .string($0) },
      "resourceArn": error.resourceARN.map { .string($0) },
    ])
    self.init(
      status: error.kind.httpStatus, headers: [("x-amzn-ErrorType", error.kind.rawValue)], body: body.jsonBytes)
  }
}
