/// What a job is for.
package enum JobPurpose: String, Sendable {
  /// Registers the certificate.
  case register
  /// Registers the certificate and sets its status where it has another.
  case registerAndSet
  /// Registers the certificate and makes a device of it, unless the upstream has the certificate already.
  case registerNew
  /// Sets the status of a certificate that is registered already.
  case update

  /// Whether the job registers the certificate.
  package var registers: Bool { self != .update }
}

/// A home of a target's results, as jobs note it: see ``ResultHome``.
package struct JobHome: Hashable, Sendable {
  /// Where the upstream is.
  package var location: UpstreamLocation
  /// The account; `nil`: not known.
  package var account: AccountPrefix?

  package init(location: UpstreamLocation, account: AccountPrefix?) {
    self.location = location
    self.account = account
  }

  /// Whether both are certainly not the same: an account that is not known may be any.
  func differs(from other: JobHome?) -> Bool {
    guard let other else { return false }
    guard location == other.location else { return true }
    return account != nil && other.account != nil && account != other.account
  }
}

/// A job that has not ended.
package struct PendingRegistration: Hashable, Sendable {
  /// The certificate and the target.
  package var key: RegistrationKey
  /// The order of arrival: earlier requests have smaller numbers. Unique in a store.
  package var sequence: Int64
  /// What the job is for.
  package var purpose: JobPurpose
  /// The certificate's DER encoding; empty where the job only sets a status.
  package var der: [UInt8]
  /// The status to send to the upstream; `nil` sends none.
  package var status: CertificateStatus?
  /// When the request was accepted; `queue.maxAge` counts from this time.
  package var enqueuedAt: WallTime
  /// Whether a call may have been made. If so, a 409 can be the answer to our own earlier call.
  package var callStarted: Bool
  /// How many calls to the upstream have ended, whatever came of them.
  package var attempts: Int
  /// Why the last call that failed did so; `nil` before the first failure.
  @Boxed package var lastError: ServiceError?
  /// The first caller.
  package var requester: Requester
  /// The device's name; `nil` where none was given.
  package var deviceID: DeviceID?
  /// The verdict that the certificate was accepted under.
  package var basis: VerdictBasis
  /// What makes a device of the certificate; `nil`: it is only registered.
  @Boxed package var provisioning: Provisioning?
  /// The status that the first caller named, where a device is to be made and no step sets the status; `nil`: none.
  package var namedStatus: CertificateStatus?
  /// Whether the first caller asked to set the status whatever it is: `ifExists:"update"`.
  package var overridesStatus: Bool
  /// What the finished steps established.
  package var facts: JobFacts

  /// Tells the job from all others.
  package var id: JobID { JobID(key: key, sequence: sequence) }

  /// The number of queue slots that it takes: the size of the certificate and of what makes a device of it in units of
  /// 2 KiB, rounded up. A limit on slots is therefore a limit on memory.
  package var slots: Int { max(1, (der.count + (provisioning?.size ?? 0) + 2047) / 2048) }

  /// Whether nothing is done to the certificate after its registration: it exists and the request is for a new one, or
  /// its status contradicts the request.
  package var isLeftAlone: Bool {
    purpose == .registerNew && facts.registered?.outcome == .existing || contradiction != nil
  }

  /// The status that the certificate has and the one that it has to have, where no step may bring it about; `nil`:
  /// there is no such contradiction.
  var contradiction: (known: CertificateStatus, asked: CertificateStatus)? {
    guard let provisioning, let registered = facts.registered, let known = registered.status else { return nil }
    if provisioning.activates(asked: status), !overridesStatus, registered.isKeptFromActivation {
      return (known, .active)
    }
    guard let named = namedStatus, named != known, !setsStatus else { return nil }
    return (known, named)
  }

  /// Whether a registration is followed by steps that change the certificate, or make a device of it.
  package var changesCertificate: Bool { purpose.registers && (setsStatus || provisioning != nil) }

  /// Whether the last step sets the status.
  var setsStatus: Bool {
    switch purpose {
    case .register: false
    case .registerAndSet, .update: true
    case .registerNew: firstStatus != status
    }
  }

  /// The status to register with. A certificate that is activated last begins as INACTIVE.
  package var firstStatus: CertificateStatus? {
    status == .active && provisioning?.activatesLast == true ? .inactive : status
  }

  package init(
    key: RegistrationKey, sequence: Int64, purpose: JobPurpose = .register, der: [UInt8], status: CertificateStatus?,
    enqueuedAt: WallTime,
    callStarted: Bool, attempts: Int, lastError: ServiceError?, requester: Requester, deviceID: DeviceID? = nil,
    basis: VerdictBasis, provisioning: Provisioning? = nil, namedStatus: CertificateStatus? = nil,
    overridesStatus: Bool = false, facts: JobFacts = JobFacts()
  ) {
    self.key = key
    self.sequence = sequence
    self.purpose = purpose
    self.der = der
    self.status = status
    self.enqueuedAt = enqueuedAt
    self.callStarted = callStarted
    self.attempts = attempts
    self.lastError = lastError
    self.requester = requester
    self.deviceID = deviceID
    self.basis = basis
    self.provisioning = provisioning
    self.namedStatus = namedStatus
    self.overridesStatus = overridesStatus
    self.facts = facts
  }
}
