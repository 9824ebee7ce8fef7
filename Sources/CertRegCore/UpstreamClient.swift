/// A call to the upstream.
package enum UpstreamCall: Hashable, Sendable {
  case registerCertificateWithoutCA(RegisterCertificateCall)
  case updateCertificate(UpdateCertificateCall)
  case provision(ProvisioningCall)

  package var operation: UpstreamOperation {
    switch self {
    case .registerCertificateWithoutCA: .registerCertificateWithoutCA
    case .updateCertificate: .updateCertificate
    case .provision(let call): call.action.operation
    }
  }

  /// Where the upstream has to be; `nil`: wherever its target points.
  package var home: JobHome? {
    switch self {
    case .registerCertificateWithoutCA: nil
    case .updateCertificate(let call): call.home
    case .provision(let call): call.home
    }
  }
}

/// A call of RegisterCertificateWithoutCA.
package struct RegisterCertificateCall: Hashable, Sendable {
  /// SHA-256 digest of `der`. The upstream's answer has to name it.
  package var certificateID: CertificateID
  /// The certificate's DER encoding. It is sent as PEM with lines of 64 characters (RFC 7468 section 2).
  package var der: [UInt8]
  /// Sent as `status`; `nil` sends none.
  package var status: CertificateStatus?
  /// Whether the status of a certificate that exists already is needed, however the target is configured.
  package var needsStatus: Bool

  package init(certificateID: CertificateID, der: [UInt8], status: CertificateStatus?, needsStatus: Bool = false) {
    self.certificateID = certificateID
    self.der = der
    self.status = status
    self.needsStatus = needsStatus
  }
}

/// A call of UpdateCertificate (https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateCertificate.html). It can
/// be repeated without harm.
package struct UpdateCertificateCall: Hashable, Sendable {
  /// The certificate whose status is set.
  package var certificateID: CertificateID
  /// The status that it gets.
  package var status: CertificateStatus
  /// Where the certificate was registered; `nil`: not known.
  package var home: JobHome?

  package init(certificateID: CertificateID, status: CertificateStatus, home: JobHome?) {
    self.certificateID = certificateID
    self.status = status
    self.home = home
  }
}

/// A call that makes a part of a device. Each can be repeated without harm.
package struct ProvisioningCall: Hashable, Sendable {
  /// What is to be done.
  package var action: ProvisioningAction
  /// The certificate of the device.
  package var certificateID: CertificateID
  /// Its ARN in AWS IoT.
  package var certificateARN: String
  /// Where the certificate was registered; `nil`: not known.
  package var home: JobHome?

  package init(action: ProvisioningAction, certificateID: CertificateID, certificateARN: String, home: JobHome?) {
    self.action = action
    self.certificateID = certificateID
    self.certificateARN = certificateARN
    self.home = home
  }
}

/// The operations that make a device (https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html).
package enum ProvisioningAction: Hashable, Sendable {
  /// CreateThing. A thing of the same name, type and attributes is a success.
  case createThing(name: String, type: String?, attributes: [NamedText])
  /// AddThingToThingGroup.
  case addThingToThingGroup(thing: String, group: String)
  /// AttachPolicy, to the certificate.
  case attachPolicy(String)
  /// AttachThingPrincipal, of the certificate. `isExclusive`: the certificate can belong to no other thing.
  case attachThingPrincipal(thing: String, isExclusive: Bool)
  /// RegisterThing.
  case registerThing(FilledTemplate)

  /// Whose pace the call keeps to.
  package var operation: UpstreamOperation {
    switch self {
    case .createThing: .createThing
    case .addThingToThingGroup: .addThingToThingGroup
    case .attachPolicy: .attachPolicy
    case .attachThingPrincipal: .attachThingPrincipal
    case .registerThing: .registerThing
    }
  }
}

/// The upstream of one target: signs and sends calls, reads and classifies replies. Its user decides when to call and
/// whether to try again.
package protocol UpstreamClient: Sendable {
  /// Where the upstream is. Results of one location are never answered for another.
  var location: UpstreamLocation { get }

  /// Makes one call. If the target is configured so, or the call needs it, a second call asks for the status of a
  /// certificate that exists already. Each is at most two requests on the wire: the second uses other credentials or a
  /// corrected time. Each request ends within `requestTimeout`.
  func perform(_ call: UpstreamCall) async -> UpstreamReply

  /// As ``perform(_:)``, with the signer of the request that the reply answers: see ``TargetHomes/Note/signer``. `nil`:
  /// not known, or the reply names no ARN.
  func signedReply(to call: UpstreamCall) async -> (reply: UpstreamReply, signer: String?)

  /// Asks what the upstream says of a certificate. Nothing is changed there. Every request is sent, and sent again, as
  /// those of ``perform(_:)``.
  ///
  /// - Throws: The failure of the first call that had no result; one of the kind `resourceNotFound` if the upstream
  ///   does not have the certificate.
  func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> UpstreamCertificate

  /// Refuses further calls, waits for the end of those under way, and releases connections.
  func shutdown() async
}

extension UpstreamClient {
  /// An upstream without signers.
  package func signedReply(to call: UpstreamCall) async -> (reply: UpstreamReply, signer: String?) {
    (await perform(call), nil)
  }
}
