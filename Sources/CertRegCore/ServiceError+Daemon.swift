// The daemon's own errors. `docs/errors.md` has a row for each reason.

extension ServiceError {
  /// The daemon is stopping.
  package static let draining = ServiceError(
    .serviceUnavailable, reason: .draining, message: "certregd is stopping; ask again when it is back",
    retryable: true,
    retryAfterMilliseconds: 1000)

  /// systemd's socket has clients, but the daemon cannot start until the operator corrects something.
  package static let startFailed = ServiceError(
    .serviceUnavailable, reason: .startFailed,
    message: "certregd cannot start until its operator corrects a fault; its log names the fault", retryable: true)

  /// The configuration has no fleet.
  package static let noFleet = ServiceError(
    .invalidRequest, reason: .noFleet, message: "this host belongs to no fleet: fleet.url is not set")

  /// The fleet's database cannot be asked now.
  package static let fleetUnreachable = ServiceError(
    .serviceUnavailable, reason: .fleetUnreachable,
    message: "the fleet's database cannot be asked now; `certregctl fleet` says why", retryable: true,
    retryAfterMilliseconds: 1000)

  /// The fleet has no member of that name.
  package static func noSuchMember(_ name: String) -> ServiceError {
    ServiceError(.invalidRequest, reason: .noSuchMember, message: "the fleet has no member \(name.quoted)")
  }

  /// The queue has no slot left. `limit` is `queue.maxEntries`.
  package static func queueFull(limit: Int) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .queueFull,
      message: "\(limit) registrations are waiting already (queue.maxEntries); ask again later", retryable: true,
      retryAfterMilliseconds: 1000)
  }

  /// The caller's share of the queue has no slot left. `limit` is the number of slots in the share.
  package static func queueShareFull(limit: Int) -> ServiceError {
    ServiceError(
      .throttling, reason: .queueShareFull,
      message: "\(limit) registrations of this caller are waiting already (access.queueShare); ask again later",
      retryable: true, retryAfterMilliseconds: 1000)
  }

  /// The caller's rate is used up.
  ///
  /// - Parameters:
  ///   - perSecond: The rate that the access rule allows.
  ///   - retryAfterMilliseconds: When the next request will be allowed.
  package static func callerRateExceeded(perSecond: Double, retryAfterMilliseconds: Int64) -> ServiceError {
    ServiceError(
      .throttling, reason: .callerRateExceeded,
      message: "more than \(perSecond) requests a second, which is what the daemon's access rules allow this caller",
      retryable: true, retryAfterMilliseconds: retryAfterMilliseconds)
  }

  /// The access rules forbid the request. `what` ends the message's sentence: what the rules do not allow.
  package static func peerNotAllowed(_ what: String) -> ServiceError {
    ServiceError(.unauthorized, reason: .peerNotAllowed, message: "the daemon's access rules do not allow \(what)")
  }

  /// The access rules name an account or a unit that cannot be looked up. `cause` says which, for the log.
  package static func accessUndecided(user: UInt32, cause: ErrorCause) -> ServiceError {
    ServiceError(
      .unauthorized, reason: .peerNotAllowed,
      message:
        "the access rules cannot be decided for user \(user): an account or unit that they name cannot be looked "
        + "up (certregd's log says which)", cause: cause)
  }

  /// The registration reached `queue.maxAge`. `lastError`: the end of its last call, if one was made.
  package static func queueExpired(lastError: ServiceError?) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .queueExpired,
      message: "the request waited longer than queue.maxAge allows" + because(lastError), retryable: true,
      cause: lastError?.cause)
  }

  /// The caller's `timeoutMs` is over.
  ///
  /// - Parameters:
  ///   - lastError: The end of the last call, if one was made.
  ///   - isStored: Whether the request is on disk; otherwise the disk has not taken it within that time.
  package static func deadlineExceeded(lastError: ServiceError?, isStored: Bool = true) -> ServiceError {
    let state =
      isStored
      ? "the request goes on and can be looked up"
      : "the request is not on disk yet, and goes on once it is: ask again to be sure"
    return ServiceError(
      .serviceUnavailable, reason: .deadlineExceeded,
      message: "no result within timeoutMs; \(state)" + because(lastError), retryable: true, cause: lastError?.cause)
  }

  /// The caller's `timeoutMs` is over before the upstream has answered a `describe`, which then ends.
  package static let describeDeadlineExceeded = ServiceError(
    .serviceUnavailable, reason: .deadlineExceeded,
    message: "the upstream has not answered within timeoutMs; ask again, or give it more time", retryable: true)

  /// Another `describe` would be too much.
  ///
  /// - Parameter limit: The most at once.
  package static func tooManyDescribes(limit: Int) -> ServiceError {
    ServiceError(
      .throttling, reason: .tooManyDescribes,
      message: "\(limit) describe requests are under way already; ask again later", retryable: true,
      retryAfterMilliseconds: 1000)
  }

  /// The certificate is registered with the status `known`, and the request is for `named`.
  package static func statusDiffers(_ registration: Registration, known: CertificateStatus, named: CertificateStatus)
    -> ServiceError
  {
    ServiceError(
      .certificateState, reason: .statusDiffers,
      message: "the certificate has status \(known.rawValue), the request names \(named.rawValue)"
        + way(from: known, to: named),
      resourceID: registration.key.certificateID.hex, resourceARN: registration.certificateARN, status: known)
  }

  /// How a certificate gets another status, or why it does not.
  private static func way(from known: CertificateStatus, to named: CertificateStatus) -> String {
    if known == .revoked { return "; a revoked certificate stays revoked" }
    if !named.canBeSet { return "; no call sets \(named.rawValue)" }
    return "; ifExists \"update\" or the operation update sets it"
  }

  /// A later request revokes the certificate: what an earlier one has left to do is not done.
  package static func certificateRevoked(_ id: CertificateID) -> ServiceError {
    ServiceError(
      .certificateState, reason: .certificateRevoked,
      message: "a later request revokes the certificate; the remaining steps are not made", resourceID: id.hex)
  }

  /// The certificate is registered already, which the request's `ifExists:"error"` makes an error.
  package static func alreadyExists(_ registration: Registration) -> ServiceError {
    ServiceError(
      .resourceAlreadyExists, reason: .alreadyRegistered,
      message: "the certificate is registered already", resourceID: registration.key.certificateID.hex,
      resourceARN: registration.certificateARN)
  }

  /// The request names a target that is not configured.
  ///
  /// - Parameters:
  ///   - name: The target in the request. A name longer than a target's name can be is not repeated in the message.
  ///   - known: The configured targets. The message lists the first 16 in alphabetical order.
  package static func unknownTarget(_ name: String, known: [TargetName]) -> ServiceError {
    let names = known.map(\.rawValue).sorted().prefix(16).joined(separator: ", ")
    return ServiceError(
      .invalidRequest, reason: .unknownTarget, message: "target \(name.shown) is not configured; there are: \(names)")
  }

  /// The request names a profile that is not configured.
  ///
  /// - Parameters:
  ///   - name: The profile in the request. A long name is not repeated in the message.
  ///   - known: The names of the configured profiles. The message lists the first 16 in alphabetical order.
  package static func unknownProfile(_ name: String, known: [String]) -> ServiceError {
    let names = known.isEmpty ? "none" : known.sorted().prefix(16).joined(separator: ", ")
    return ServiceError(
      .invalidRequest, reason: .unknownProfile,
      message: "the provisioning profile \(name.shown) is not configured; there are: \(names)")
  }

  /// A profile cannot be applied to a request. `message` says what is missing.
  static func invalidProvisioning(_ message: String) -> ServiceError {
    ServiceError(.invalidRequest, reason: .invalidProvisioning, message: message)
  }

  /// A request names another status than its profile gives the certificate.
  static func profileGivesStatus(
    _ profile: String, _ given: CertificateStatus, named: CertificateStatus
  ) -> ServiceError {
    invalidProvisioning(
      "the profile \(profile) makes the certificate \(given.rawValue), and the request names \(named.rawValue);"
        + " leave `status` out, or name another profile")
  }

  /// The array of targets has a name twice.
  package static func repeatedTarget(_ target: TargetName) -> ServiceError {
    ServiceError(
      .invalidRequest, reason: .repeatedTarget,
      message: "\"target\" has the name \(target.rawValue.quoted) more than once")
  }

  /// Neither a result nor a failure is stored for the certificate in this target.
  package static let notFound = ServiceError(
    .resourceNotFound, reason: .notFound, message: "nothing is known of this certificate in this target")

  /// The same to a `forget` while the certificate's job is queued.
  package static let notFoundYet = ServiceError(
    .resourceNotFound, reason: .notFound,
    message: "nothing is known yet of this certificate in this target: what is queued is not forgotten"
  )

  /// The error that a caller gets if the store fails. The store's own words are the cause, for the log only.
  ///
  /// - Parameters:
  ///   - error: The store's error.
  ///   - accepts: Whether the request was to be accepted, so that the caller has to know that it was not.
  package init(_ error: StoreError, accepts: Bool = true) {
    switch error.code {
    case .full:
      self.init(
        .serviceUnavailable, reason: .storeFull,
        message: "the disk that holds the state directory is full; nothing was accepted", retryable: true,
        retryAfterMilliseconds: 1000, cause: ErrorCause(error.message))
    case .inUse, .damaged, .newerVersion, .startsInterrupted, .failed:
      self.init(
        .internalFailure, reason: .storeFailed,
        message: "the state directory cannot be read or written\(accepts ? "; nothing was accepted" : "") "
          + "(certregd's log says why)", retryable: true,
        retryAfterMilliseconds: 1000, cause: ErrorCause(error.message))
    }
  }

  /// The certificate is being registered with the status `asked`, and the request is for `named`.
  package static func statusDiffers(_ key: RegistrationKey, asked: CertificateStatus, named: CertificateStatus)
    -> ServiceError
  {
    ServiceError(
      .certificateState, reason: .statusDiffers,
      message: "the certificate is being registered with status \(asked.rawValue), the request names \(named.rawValue)",
      resourceID: key.certificateID.hex, status: asked)
  }

  private static func because(_ error: ServiceError?) -> String {
    guard let error else { return "" }
    return "; last error: \(error.reason): \(error.message)"
  }
}

extension ServiceError {
  /// Whether the upstream says that it does not have the certificate, so that a known result is wrong.
  package var saysCertificateIsGone: Bool { origin == .upstream && reason == .certificateNotFound }
}

extension Registration {
  /// The error of a request that this result does not satisfy; `nil` if it satisfies the request.
  ///
  /// - Parameters:
  ///   - namedStatus: The status that the request names; `nil`: none.
  ///   - ifExists: The request's choice for a certificate that exists.
  ///   - isRepeat: Whether the result was known before the request came.
  package func objection(namedStatus: CertificateStatus?, ifExists: IfExists, isRepeat: Bool) -> ServiceError? {
    if ifExists == .error, isRepeat || outcome == .existing { return .alreadyExists(self) }
    if let named = namedStatus, let known = status, named != known {
      return .statusDiffers(self, known: known, named: named)
    }
    return nil
  }
}

extension String {
  /// Whether the text is no longer than the words that a request may hold. Messages do not repeat longer texts, which
  /// may be keys that were pasted by mistake.
  package var isShort: Bool { unicodeScalars.count <= 32 }

  /// A name of a request as messages show it: in quotes, if it is short.
  package var shown: String { isShort ? quoted : "of that long name" }

  /// The text in quotes, cut to 64 characters, with everything but printable ASCII as `\u{…}`. This makes text of a
  /// peer safe in a message.
  package var quoted: String {
    var text = "\""
    for scalar in unicodeScalars.prefix(64) {
      if scalar == "\"" || scalar == "\\" {
        text += "\\\(scalar)"
      } else if scalar.value >= 0x20 && scalar.value < 0x7f {
        text.unicodeScalars.append(scalar)
      } else {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return text + (unicodeScalars.count > 64 ? "…\"" : "\"")
  }
}
