/// What the upstream says of a certificate: the parts of DescribeCertificate's answer
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_CertificateDescription.html) that `describe` passes on, and
/// what is attached to the certificate.
package struct UpstreamCertificate: Hashable, Sendable {
  /// The certificate's ARN in AWS IoT.
  package var certificateARN: String
  /// Its status now.
  package var status: CertificateStatus
  /// `certificateMode`: `DEFAULT`, or `SNI_ONLY` for a certificate without a CA; `nil`: not told.
  package var mode: String?
  /// `creationDate`; `nil`: not told.
  package var createdAt: WallTime?
  /// The certificate's validity; `nil`: not told.
  package var validity: Validity?
  /// Names of the things that it is attached to; `nil`: the daemon's identity may not list them.
  package var things: [String]?
  /// Names of the policies that are attached to it; `nil`: the daemon's identity may not list them.
  package var policies: [String]?
  /// The signer of the request that this answers: see ``TargetHomes/Note/signer``; `nil`: not known.
  package var signer: String?

  /// The time in which a certificate is valid.
  package struct Validity: Hashable, Sendable {
    /// Its first moment.
    package var notBefore: WallTime
    /// Its last moment.
    package var notAfter: WallTime

    package init(notBefore: WallTime, notAfter: WallTime) {
      self.notBefore = notBefore
      self.notAfter = notAfter
    }
  }

  package init(
    certificateARN: String, status: CertificateStatus, mode: String? = nil, createdAt: WallTime? = nil,
    validity: Validity? = nil, things: [String]? = nil, policies: [String]? = nil
  ) {
    self.certificateARN = certificateARN
    self.status = status
    self.mode = mode
    self.createdAt = createdAt
    self.validity = validity
    self.things = things
    self.policies = policies
  }
}
