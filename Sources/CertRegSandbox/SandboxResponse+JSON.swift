import CertRegCore
import FoundationEssentials

/// The outputs of the operations, with the members' names and forms of the service model; points in time are seconds since
/// the epoch, as its JSON protocol has them.
enum SandboxOutput {
  struct RegisterCertificateWithoutCA: Encodable {
    var certificateArn: String
    var certificateId: String
  }

  struct DescribeCertificate: Encodable {
    var certificateDescription: Description
  }

  struct Description: Encodable {
    struct Validity: Encodable {
      var notBefore: Double
      var notAfter: Double
    }

    struct TransferData: Encodable {}

    var certificateArn: String
    var certificateId: String
    var status: CertificateStatus
    var certificatePem: String
    var ownedBy: String
    var creationDate: Double
    var lastModifiedDate: Double
    var customerVersion = 1
    var transferData = TransferData()
    var generationId: String
    var validity: Validity
    /// A certificate that was registered without a CA is in this mode.
    var certificateMode = "SNI_ONLY"

    init(_ certificate: RegisteredCertificate, of account: SandboxAccount) {
      certificateArn = account.arn(of: certificate.id)
      certificateId = certificate.id.hex
      status = certificate.status
      certificatePem = PEM.certificate(der: certificate.der)
      ownedBy = account.id
      creationDate = certificate.createdAt.secondsWithFraction
      lastModifiedDate = certificate.lastModifiedAt.secondsWithFraction
      generationId = certificate.generationID.description
      validity = Validity(
        notBefore: certificate.notBefore.secondsWithFraction, notAfter: certificate.notAfter.secondsWithFraction)
    }
  }

  struct ListCertificates: Encodable {
    var certificates: [Summary]
    var nextMarker: String?
  }

  struct Summary: Encodable {
    var certificateArn: String
    var certificateId: String
    var status: CertificateStatus
    var certificateMode = "SNI_ONLY"
    var creationDate: Double

    init(_ certificate: RegisteredCertificate, of account: SandboxAccount) {
      certificateArn = account.arn(of: certificate.id)
      certificateId = certificate.id.hex
      status = certificate.status
      creationDate = certificate.createdAt.secondsWithFraction
    }
  }

  /// The body of an error; its type stands in a header.
  struct Failure: Encodable {
    var message: String
    var resourceId: String?
    var resourceArn: String?
  }
}

extension WallTime {
  fileprivate var secondsWithFraction: Double { Double(millisecondsSinceEpoch) / 1000 }
}

extension SandboxResponse {
  /// A success with `output` as JSON; `nil` for an operation that has no output.
  init(_ output: (any Encodable)?) throws(SandboxError) {
    self.init(status: 200, headers: [], body: try output.map { value throws(SandboxError) in try json(value) } ?? [])
  }

  init(_ error: SandboxError) {
    let failure = SandboxOutput.Failure(
      message: error.message, resourceId: error.resourceID, resourceArn: error.resourceARN)
    // Strings can always be encoded; an empty body says no less than the header does.
    let body = (try? json(failure)) ?? []
    self.init(status: error.kind.httpStatus, headers: [("x-amzn-ErrorType", error.kind.rawValue)], body: body)
  }
}

private func json(_ value: any Encodable) throws(SandboxError) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .withoutEscapingSlashes
  do {
    return Array(try encoder.encode(value))
  } catch {
    throw SandboxError(.internalFailure, "The answer could not be written as JSON")
  }
}
