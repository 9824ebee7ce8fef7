package import CertRegCodec
package import CertRegCore

/// Writes answers. Each is one line with its LF.
///
/// `id` is the JSON text of the request's `id`, echoed byte for byte; `nil` leaves the member out.
package enum AnswerEncoder {
  /// The answer to a registration that ended well.
  package static func registered(id: [UInt8]?, _ registration: Registration, cached: Bool) -> [UInt8] {
    object(id: id) { writer in
      writer.registrationMembers(registration)
      writer.member("cached", cached)
      writer.member("target", registration.key.target.rawValue)
      writer.provisioningMember(registration)
    }
  }

  /// The answer to an `update` that ended well.
  package static func updated(id: [UInt8]?, _ update: StatusUpdate) -> [UInt8] {
    object(id: id) { writer in
      writer.updateMembers(update)
      writer.member("cached", false)
      writer.member("target", update.key.target.rawValue)
    }
  }

  /// The answer to a request with `wait:false` that is safe on disk.
  package static func queued(id: [UInt8]?, certificateID: CertificateID, target: TargetName) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", certificateID.hex)
      writer.queuedMembers()
      writer.member("target", target.rawValue)
    }
  }

  /// The answer to a request with an array of targets, in the order in which they were asked for.
  package static func results(id: [UInt8]?, certificateID: CertificateID, _ results: [TargetResult]) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", certificateID.hex)
      writer.beginArray("results")
      for result in results {
        writer.beginObject()
        writer.member("target", result.target.rawValue)
        switch result {
        case .registered(let registration, let cached):
          writer.registrationMembers(registration)
          writer.member("cached", cached)
          writer.provisioningMember(registration)
        case .updated(let update):
          writer.updateMembers(update)
          writer.member("cached", false)
        case .queued:
          writer.member("certificateId", certificateID.hex)
          writer.queuedMembers()
        case .failed(_, let error):
          writer.errorMember(error)
        }
        writer.endObject()
      }
      writer.endArray()
    }
  }

  /// An error line for a request that was understood: with its `id`, or without one where it has none.
  package static func error(id: [UInt8]?, _ error: ServiceError) -> [UInt8] {
    object(id: id) { $0.errorMember(error) }
  }

  /// The error line for a line that was refused: with its `id` where that is known, else with `"id":null`.
  package static func error(_ error: LineError, in line: UnsafeRawBufferPointer) -> [UInt8] {
    let id = error.id.map { Array(line[$0]) } ?? Array("null".utf8)
    return object(id: id) { $0.errorMember(error.error) }
  }

  /// The answer to `lookup` where something is known.
  package static func lookup(id: [UInt8]?, _ known: KnownState) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", known.key.certificateID.hex)
      writer.member("target", known.key.target.rawValue)
      switch known {
      case .registered(let registration): writer.knownMembers(registration)
      case .elsewhere(_, let member):
        writer.member("state", "queued")
        writer.member("member", member)
        writer.member("safeOn", "fleet")
      case .queued(let pending, let nextTry, let standing):
        writer.member("state", "queued")
        if let standing {
          writer.member("member", standing.member)
          writer.member("safeOn", standing.isInFleet ? "fleet" : "host")
        }
        let registered = pending.purpose.registers ? pending.facts.registered : nil
        writer.member("certificateArn", ifPresent: registered?.certificateARN)
        writer.member("outcome", ifPresent: registered?.outcome.rawValue)
        writer.member("status", ifPresent: (registered == nil ? pending.status : registered?.status)?.rawValue)
        writer.member("enqueuedAt", pending.enqueuedAt.rfc3339)
        writer.member("attempts", pending.attempts)
        writer.member("nextTryAt", ifPresent: nextTry?.rfc3339)
        writer.member("deviceId", ifPresent: pending.deviceID?.text)
        writer.requesterMember(pending.requester)
        if let error = pending.lastError { writer.errorMember(error, name: "lastError") }
      case .failed(let failure):
        // A certificate whose later step failed is registered.
        if let registration = failure.registered {
          writer.knownMembers(registration)
        } else {
          writer.member("state", "failed")
          writer.member("finishedAt", failure.finishedAt.rfc3339)
          writer.member("attempts", failure.attempts)
          writer.member("deviceId", ifPresent: failure.deviceID?.text)
          writer.requesterMember(failure.requester)
        }
        writer.errorMember(failure.error, name: "lastError")
      }
    }
  }

  /// The answer to `removeMember`.
  package static func removed(id: [UInt8]?, member: String) -> [UInt8] {
    object(id: id) { writer in
      writer.member("member", member)
      writer.member("removed", true)
    }
  }

  /// The answer to `forget` where something was kept.
  package static func forgotten(id: [UInt8]?, _ key: RegistrationKey) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", key.certificateID.hex)
      writer.member("target", key.target.rawValue)
      writer.member("forgotten", true)
    }
  }

  /// A line of `watch`: a registration that ended well.
  package static func watched(id: [UInt8]?, _ registration: Registration) -> [UInt8] {
    object(id: id) { writer in
      writer.registrationMembers(registration)
      writer.member("target", registration.key.target.rawValue)
      writer.member("finishedAt", registration.finishedAt.rfc3339)
      writer.member("deviceId", ifPresent: registration.deviceID?.text)
      writer.provisioningMember(registration)
    }
  }

  /// A line of `watch`: a status that was set.
  package static func watched(id: [UInt8]?, _ update: StatusUpdate) -> [UInt8] {
    object(id: id) { writer in
      writer.updateMembers(update)
      writer.member("target", update.key.target.rawValue)
      writer.member("finishedAt", update.finishedAt.rfc3339)
      writer.member("deviceId", ifPresent: update.deviceID?.text)
    }
  }

  /// A line of `watch`: a registration or a change of a status that failed. The error is in `lastError`, as in
  /// `lookup`: a member `error` would make the line an answer that refuses the `watch` itself.
  package static func watched(id: [UInt8]?, _ failure: FailedRegistration) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", failure.key.certificateID.hex)
      writer.member("outcome", WatchOutcome.failed.rawValue)
      writer.member("target", failure.key.target.rawValue)
      writer.member("finishedAt", failure.finishedAt.rfc3339)
      writer.member("attempts", failure.attempts)
      writer.member("deviceId", ifPresent: failure.deviceID?.text)
      writer.errorMember(failure.error, name: "lastError")
    }
  }

  /// Any other answer: an object with `id` and what `body` writes into it.
  package static func object(id: [UInt8]?, body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 384 + (id?.count ?? 0))
    writer.beginObject()
    if let id { writer.member("id", json: id) }
    body(&writer)
    writer.endObject()
    return writer.line()
  }
}

/// How a request went in one of several targets.
package enum TargetResult: Hashable, Sendable {
  case registered(Registration, cached: Bool)
  case updated(StatusUpdate)
  case queued(TargetName)
  case failed(TargetName, ServiceError)

  /// The target that the result belongs to.
  package var target: TargetName {
    switch self {
    case .registered(let registration, _): registration.key.target
    case .updated(let update): update.key.target
    case .queued(let target), .failed(let target, _): target
    }
  }
}

/// What `lookup` found under a key.
package enum KnownState: Hashable, Sendable {
  case registered(Registration)
  /// `nextTry`: when the next call is due, where that is known.
  case queued(PendingRegistration, nextTry: WallTime?, FleetStanding? = nil)
  /// Another host of the fleet has it in its queue.
  case elsewhere(RegistrationKey, member: String)
  case failed(FailedRegistration)

  /// The registration that the state belongs to.
  package var key: RegistrationKey {
    switch self {
    case .registered(let registration): registration.key
    case .queued(let pending, _, _): pending.key
    case .elsewhere(let key, _): key
    case .failed(let failure): failure.key
    }
  }
}

extension JSONWriter {
  /// ARN, ID, outcome and, where it is known, status.
  fileprivate mutating func registrationMembers(_ registration: Registration) {
    member("certificateArn", ifPresent: registration.certificateARN)
    member("certificateId", registration.key.certificateID.hex)
    member("outcome", registration.outcome.rawValue)
    member("status", ifPresent: registration.status?.rawValue)
  }

  /// What `lookup` tells of a certificate that is registered.
  fileprivate mutating func knownMembers(_ registration: Registration) {
    member("state", "registered")
    member("certificateArn", ifPresent: registration.certificateARN)
    member("outcome", registration.outcome.rawValue)
    member("status", ifPresent: registration.status?.rawValue)
    member("finishedAt", registration.finishedAt.rfc3339)
    member("requestId", ifPresent: registration.requestID)
    member("deviceId", ifPresent: registration.deviceID?.text)
    requesterMember(registration.requester)
    provisioningMember(registration, asFarAsMade: true)
    askedMember(registration)
  }

  /// ARN where it is known, ID, outcome and status.
  fileprivate mutating func updateMembers(_ update: StatusUpdate) {
    member("certificateArn", ifPresent: update.certificateARN)
    member("certificateId", update.key.certificateID.hex)
    member("outcome", WatchOutcome.updated.rawValue)
    member("status", update.status.rawValue)
  }

  /// Who asked first, as far as it is known.
  fileprivate mutating func requesterMember(_ requester: Requester?) {
    guard let requester else { return }
    beginObject("requestedBy")
    member("uid", Int(requester.uid))
    if requester.pid > 0 { member("pid", Int(requester.pid)) }
    member("unit", ifPresent: requester.unit)
    endObject()
  }

  fileprivate mutating func queuedMembers() {
    member("outcome", "queued")
    member("cached", false)
  }

  /// An error as an object, with the members that it has.
  package mutating func errorMember(_ error: ServiceError, name: String = "error") {
    beginObject(name)
    member("type", error.kind.rawValue)
    member("httpStatus", error.kind.httpStatus)
    member("reason", error.reason.rawValue)
    member("message", error.message)
    member("retryable", error.retryable)
    member("origin", error.origin.rawValue)
    if let step = error.failedStep {
      member("step", step.operation)
      member("certificateId", step.certificateID)
      member("certificateArn", step.certificateARN)
    }
    member("retryAfterMs", ifPresent: error.retryAfterMilliseconds.map { Int($0) })
    member("resourceId", ifPresent: error.resourceID)
    member("resourceArn", ifPresent: error.resourceARN)
    member("status", ifPresent: error.status?.rawValue)
    member("requestId", ifPresent: error.requestID)
    member("upstreamType", ifPresent: error.upstreamType)
    endObject()
  }
}
