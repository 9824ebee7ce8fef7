// The errors that the daemon itself gives. Each reason stands in the documentation.

extension ServiceError {
  /// The daemon is stopping.
  package static let draining = ServiceError(
    .serviceUnavailable, reason: .draining, message: "certregd is stopping; ask again when it is back",
    retryable: true,
    retryAfterMilliseconds: 1000)

  /// The service manager's socket has clients, but the daemon cannot start before somebody mends something.
  package static let startFailed = ServiceError(
    .serviceUnavailable, reason: .startFailed,
    message: "certregd cannot start before somebody mends it; its log says what is wrong", retryable: true)

  package static func queueFull(limit: Int) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .queueFull,
      message: "\(limit) registrations are waiting already (queue.maxEntries); ask again later", retryable: true,
      retryAfterMilliseconds: 1000)
  }

  package static func queueShareFull(limit: Int) -> ServiceError {
    ServiceError(
      .throttling, reason: .queueShareFull,
      message: "\(limit) registrations of this caller are waiting already (access.queueShare); ask again later",
      retryable: true, retryAfterMilliseconds: 1000)
  }

  package static func callerRateExceeded(perSecond: Double, retryAfterMilliseconds: Int64) -> ServiceError {
    ServiceError(
      .throttling, reason: .callerRateExceeded,
      message: "more than \(perSecond) requests a second, which is what the daemon's access rules allow this caller",
      retryable: true, retryAfterMilliseconds: retryAfterMilliseconds)
  }

  package static func peerNotAllowed(_ what: String) -> ServiceError {
    ServiceError(.unauthorized, reason: .peerNotAllowed, message: "the daemon's access rules do not allow \(what)")
  }

  package static func queueExpired(lastError: ServiceError?) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .queueExpired,
      message: "the registration waited longer than queue.maxAge allows" + because(lastError), retryable: true)
  }

  package static func deadlineExceeded(lastError: ServiceError?) -> ServiceError {
    ServiceError(
      .serviceUnavailable, reason: .deadlineExceeded,
      message: "no result within timeoutMs; the registration goes on and can be looked up" + because(lastError),
      retryable: true)
  }

  package static func statusDiffers(_ registration: Registration, known: CertificateStatus, named: CertificateStatus)
    -> ServiceError
  {
    ServiceError(
      .certificateState, reason: .statusDiffers,
      message: "the certificate was registered with status \(known.rawValue), the request names \(named.rawValue); "
        + "UpdateCertificate changes it", resourceID: registration.key.certificateID.hex,
      resourceARN: registration.certificateARN, status: known)
  }

  package static func alreadyExists(_ registration: Registration) -> ServiceError {
    ServiceError(
      .resourceAlreadyExists, reason: .alreadyRegistered,
      message: "the certificate is registered already", resourceID: registration.key.certificateID.hex,
      resourceARN: registration.certificateARN)
  }

  package static func unknownTarget(_ name: String, known: [TargetName]) -> ServiceError {
    let names = known.map(\.rawValue).sorted().prefix(16).joined(separator: ", ")
    let shown = name.isShort ? name.quoted : "of that long name"
    return ServiceError(
      .invalidRequest, reason: .unknownTarget, message: "target \(shown) is not configured; there are: \(names)")
  }

  /// The array of targets has a name twice.
  package static func repeatedTarget(_ target: TargetName) -> ServiceError {
    ServiceError(
      .invalidRequest, reason: .repeatedTarget,
      message: "\"target\" has the name \(target.rawValue.quoted) more than once")
  }

  package static let notFound = ServiceError(
    .resourceNotFound, reason: .notFound, message: "nothing is known of this certificate in this target")

  /// What a caller is told when the disk fails.
  package init(_ error: StoreError) {
    switch error.code {
    case .full:
      self.init(
        .serviceUnavailable, reason: .storeFull,
        message: "the disk that holds the state directory is full; nothing was accepted", retryable: true,
        retryAfterMilliseconds: 1000)
    case .inUse, .damaged, .newerVersion, .failed:
      self.init(
        .internalFailure, reason: .storeFailed,
        message: "the state directory cannot be written; nothing was accepted (the log says why)", retryable: true,
        retryAfterMilliseconds: 1000)
    }
  }

  /// The status that a registration under way was `asked` for with is not the one that is `named`.
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

extension Registration {
  /// Why this result is not what the caller asked for, if it is not. `isRepeat`: it was there before the request came.
  package func objection(namedStatus: CertificateStatus?, ifExists: IfExists, isRepeat: Bool) -> ServiceError? {
    if ifExists == .error, isRepeat || outcome == .existing { return .alreadyExists(self) }
    if let named = namedStatus, let known = status, named != known {
      return .statusDiffers(self, known: known, named: named)
    }
    return nil
  }
}

extension String {
  /// Whether it is no longer than a word that a request may hold. A longer one is not repeated in a message: what was pasted there
  /// by mistake may be a key.
  package var isShort: Bool { unicodeScalars.count <= 32 }

  /// In quotes, cut to 64 characters, with everything but printable ASCII as `\u{…}`: fit for a message although it comes from a peer.
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
