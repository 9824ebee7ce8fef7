/// The result of an earlier registration of a certificate that is registered again.
package struct EarlierResult: Hashable, Sendable {
  /// Whether an earlier registration created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// `nil`: not known.
  package var status: CertificateStatus?
  /// The profile that was applied to the certificate last, or the part of it that was; `nil`: none.
  @Boxed package var provisioned: Provisioned?
  /// Whether a 409 leaves `outcome` as it is. Otherwise the certificate is an existing one then.
  package var keepsOutcome: Bool
  /// The ARN, where the upstream is asked for nothing but the status: then a 409 leaves `provisioned` as it is, too.
  package var certificateARN: String?
  /// Whether the upstream has said since that it does not have the certificate.
  package var isGone: Bool

  package init(
    outcome: RegistrationOutcome, status: CertificateStatus?, provisioned: Provisioned? = nil,
    keepsOutcome: Bool = false, certificateARN: String? = nil, isGone: Bool = false
  ) {
    self.outcome = outcome
    self.status = status
    self.provisioned = provisioned
    self.keepsOutcome = keepsOutcome
    self.certificateARN = certificateARN
    self.isGone = isGone
  }

  /// Whether the upstream is asked for nothing but the status.
  package var lacksOnlyStatus: Bool { certificateARN != nil }

  /// A known result.
  init(_ registration: Registration) {
    self.init(
      outcome: registration.outcome, status: registration.status, provisioned: registration.provisioned)
  }
}

/// The progress of a job. The queue's row on disk holds it, so that a restart goes on from it.
package struct JobFacts: Hashable, Sendable {
  /// The result that was known before the request; `nil` if there was none.
  package var earlier: EarlierResult?
  /// The number of steps of the plan that succeeded; the next one is under way.
  package var completedSteps: Int
  /// The certificate as it is registered, once RegisterCertificateWithoutCA has succeeded or where the request found it
  /// in memory.
  package var registered: RegisteredCertificate?
  /// Where `registered` belongs, as the upstream's reply told it. It stays there if the target is pointed elsewhere:
  /// later steps call no other upstream. `nil`: not known.
  package var home: JobHome?
  /// Where the target pointed when the request came, or when a call was answered last: there `earlier` belongs, and a
  /// call may have taken effect. Unlike `home` it is known before anything is registered. `nil`: not known. On disk `nil`
  /// stands for the location of the target's first home.
  package var place: JobHome?
  /// Whether `registered` is only what was known before. Otherwise the upstream has told it to this job, or to one
  /// before it.
  package var isRecalled: Bool
  /// Whether the job registers the certificate once more, since a later step found that the upstream may have lost it.
  package var isBegunAnew: Bool
  /// Whether the upstream has to be asked about the certificate, whatever jobs before this one established.
  package var asksAnew: Bool

  package init(
    earlier: EarlierResult? = nil, completedSteps: Int = 0, registered: RegisteredCertificate? = nil,
    home: JobHome? = nil, place: JobHome? = nil, isRecalled: Bool = false, isBegunAnew: Bool = false,
    asksAnew: Bool = false
  ) {
    self.earlier = earlier
    self.completedSteps = completedSteps
    self.registered = registered
    self.home = home
    self.place = place
    self.isRecalled = isRecalled
    self.isBegunAnew = isBegunAnew
    self.asksAnew = asksAnew
  }

  /// The certificate as it is registered, while the upstream is asked for nothing but its status; `nil`: it is not.
  var lackingOnlyStatus: RegisteredCertificate? {
    guard let earlier, let arn = earlier.certificateARN else { return nil }
    return RegisteredCertificate(
      certificateARN: arn, outcome: earlier.outcome, status: earlier.status, requestID: nil,
      provisioned: earlier.provisioned)
  }

  /// A call was answered there.
  ///
  /// - Returns: Whether what an earlier call may have done belongs elsewhere. Of another account at the same location
  ///   that is not certain: the account that was known when the request came need not be that of the earlier call.
  mutating func moved(to home: JobHome) -> Bool {
    defer { place = home }
    guard let place, home.differs(from: place) else { return false }
    earlier = nil
    return home.location != place.location
  }

  /// Whether what the job knows belongs elsewhere.
  func belongElsewhere(than place: JobHome?) -> Bool { (home ?? self.place)?.differs(from: place) ?? false }
}

/// A certificate as the upstream registered it.
package struct RegisteredCertificate: Hashable, Sendable {
  /// The certificate's ARN in AWS IoT.
  package var certificateARN: String
  /// Whether our call created the certificate in the upstream, or found it there.
  package var outcome: RegistrationOutcome
  /// `nil`: not known.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the answer.
  package var requestID: String?
  /// The profile that was applied to it last, or the part of it that was; `nil`: none.
  @Boxed package var provisioned: Provisioned?

  package init(
    certificateARN: String, outcome: RegistrationOutcome, status: CertificateStatus?, requestID: String?,
    provisioned: Provisioned? = nil
  ) {
    self.certificateARN = certificateARN
    self.outcome = outcome
    self.status = status
    self.requestID = requestID
    self.provisioned = provisioned
  }

  /// A known result as a job's facts have it; `nil` if its ARN is not known.
  package init?(_ registration: Registration) {
    guard let arn = registration.certificateARN else { return nil }
    self.init(
      certificateARN: arn, outcome: registration.outcome, status: registration.status,
      requestID: registration.requestID, provisioned: registration.provisioned)
  }
}

extension RegisteredCertificate {
  /// Whether somebody revoked or deactivated the certificate, which a profile's last step must not undo. AWS IoT does
  /// not change the status of a revoked certificate
  /// (https://docs.aws.amazon.com/iot/latest/developerguide/revoke-ca-cert.html).
  var isKeptFromActivation: Bool {
    status == .revoked || status == .inactive && provisioned?.isActivated == true
  }
}
