/// How a registration ended.
package enum Ending: Hashable, Sendable {
  case registered(Registration)
  case failed(FailedRegistration)

  /// The change that makes the end durable.
  var change: StoreChange {
    switch self {
    case .registered(let registration): .complete(registration)
    case .failed(let failure): .fail(failure)
    }
  }

  /// The registration that ended.
  package var key: RegistrationKey {
    switch self {
    case .registered(let registration): registration.key
    case .failed(let failure): failure.key
    }
  }
}

extension RegistrationJob {
  /// The result, as far as the steps have established it; `nil` before the certificate is registered.
  func registration(now: WallTime) -> Registration? {
    pending.facts.registered.map { registered in
      Registration(
        key: pending.key, certificateARN: registered.certificateARN, outcome: registered.outcome,
        status: registered.status, requestID: registered.requestID, finishedAt: now, basis: pending.basis,
        requester: pending.requester, deviceID: pending.deviceID)
    }
  }

  /// Another host's result as this registration's. The target's name, the caller and the device are this host's own.
  func ownResult(from registration: Registration) -> Registration {
    var own = registration
    own.key = pending.key
    own.basis = pending.basis
    own.requester = pending.requester
    if let deviceID = pending.deviceID {
      own.deviceID = deviceID
      own.deviceTag = deviceID.tag
    }
    return own
  }

  /// The end of a registration with a permanent error.
  func failure(_ error: ServiceError, now: WallTime) -> Ending {
    .failed(
      FailedRegistration(
        key: pending.key, error: error, attempts: pending.attempts, finishedAt: now, requester: pending.requester,
        deviceID: pending.deviceID))
  }

  /// The end of a registration that waited longer than `queue.maxAge`.
  func expiry(now: WallTime) -> Ending {
    failure(.queueExpired(lastError: pending.lastError), now: now)
  }

  var isFinishing: Bool {
    if case .finishing = state { true } else { false }
  }

  var isWaiting: Bool {
    if case .waiting = state { true } else { false }
  }

  /// Whether the end can be decided at once: no call and no commit is under way.
  var canEndNow: Bool {
    switch state {
    case .asking, .waiting, .backingOff: true
    case .storing, .marking, .calling, .advancing, .finishing: false
    }
  }

  /// When a job that pauses after a failure is tried again; `nil` in every other state.
  var pausesUntil: MonotonicTime? {
    if case .backingOff(let until) = state { until } else { nil }
  }
}
