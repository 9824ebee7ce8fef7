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

  /// What of a device is attached to the certificate still, as far as the upstream tells. The thing is attached last.
  fileprivate func attached(of device: Provisioned) -> DeviceResources {
    var attached = device.resources
    if let things, device.isComplete, let thing = attached.thingName, !things.contains(thing) {
      (attached.thingName, attached.thingARN, attached.groups) = (nil, nil, [])
    }
    if let policies { attached.policies.removeAll { !policies.contains($0) } }
    return attached
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

extension Registration {
  /// What is known once the upstream has described the certificate. Of a device that is not whole any more all steps
  /// are made again when it is asked for.
  ///
  /// - Parameters:
  ///   - certificate: What the upstream says.
  ///   - now: The time of its answer.
  /// - Returns: `nil` if it says nothing else than what is known.
  package func corrected(by certificate: UpstreamCertificate, now: WallTime) -> Registration? {
    let attached = provisioned.map { certificate.attached(of: $0) }
    let isWhole = attached == provisioned?.resources
    guard status != certificate.status || !isWhole else { return nil }
    var corrected = self
    corrected.noteAsked(found: certificate.status, hasDevice: isWhole)
    if let attached, !isWhole {
      corrected.provisioned?.completedSteps = 1
      corrected.provisioned?.resources = attached
    }
    // Whoever deactivates the certificate from now on had it ACTIVE with its device.
    if provisioned?.isComplete == true, [status, certificate.status].contains(.active) {
      corrected.provisioned?.isActivated = true
    }
    corrected.status = certificate.status
    corrected.finishedAt = now
    return corrected
  }
}
