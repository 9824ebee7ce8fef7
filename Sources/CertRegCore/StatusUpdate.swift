/// A status that was set with UpdateCertificate at a caller's request.
package struct StatusUpdate: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The status that the certificate has since.
  package var status: CertificateStatus
  /// The certificate's ARN; `nil`: it is not known.
  package var certificateARN: String?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?
  /// When the upstream's answer came.
  package var finishedAt: WallTime
  /// The first caller.
  package var requester: Requester
  /// The device's name when the request came; `nil`: none was known.
  package var deviceID: DeviceID?

  package init(
    key: RegistrationKey, status: CertificateStatus, certificateARN: String?, requestID: String?,
    finishedAt: WallTime, requester: Requester, deviceID: DeviceID? = nil
  ) {
    self.key = key
    self.status = status
    self.certificateARN = certificateARN
    self.requestID = requestID
    self.finishedAt = finishedAt
    self.requester = requester
    self.deviceID = deviceID
  }

  /// What is known of the certificate after the update.
  ///
  /// - Parameter known: What was known before; `nil`: nothing. Then only its existence and its status are known.
  package func applied(to known: Registration?) -> Registration {
    var registration =
      known
      ?? Registration(
        key: key, certificateARN: nil, outcome: .existing, status: nil, requestID: requestID, finishedAt: finishedAt,
        basis: .none, requester: requester)
    registration.status = status
    registration.asked?.status = nil
    if registration.asked?.isEmpty == true { registration.asked = nil }
    registration.finishedAt = finishedAt
    return registration
  }
}
