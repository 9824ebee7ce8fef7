import CertRegCore
import CertRegHost
import CertRegSocket
import Logging

/// Logs the caller, the certificate, the target and the outcome of each registration that is not answered with
/// a known result.
struct AuditTrail: Sendable {
  let log: LogPipeline

  /// A registration ended. There is one entry for each, with or without a waiting caller.
  ///
  /// - Parameter duration: The time from the request to the end; `nil` if an earlier process got the request.
  func ended(_ ending: Ending, after duration: Duration?) {
    let key = ending.key
    switch ending {
    case .registered(let registration):
      log.audit(.registered) {
        var fields = Self.fields(key, registration.deviceID, registration.requester)
        fields[LogField.outcome] = "\(registration.outcome.rawValue)"
        fields[LogField.status] = registration.status.map { "\($0.rawValue)" }
        fields[LogField.profile] = registration.provisioned.map { "\($0.profile)" }
        fields[LogField.thingName] = (registration.provisioned?.resources.thingName).map { "\($0)" }
        fields[LogField.awsRequestID] = registration.requestID.map { "\($0)" }
        fields[LogField.durationMilliseconds] = duration.map { "\($0.milliseconds)" }
        return ("registered: \(registration.outcome.rawValue)" + Self.askedBy(registration.requester), fields)
      }
    case .updated(let update):
      log.audit(.statusSet) {
        var fields = Self.fields(key, update.deviceID, update.requester)
        fields[LogField.outcome] = "updated"
        fields[LogField.status] = "\(update.status.rawValue)"
        fields[LogField.awsRequestID] = update.requestID.map { "\($0)" }
        fields[LogField.durationMilliseconds] = duration.map { "\($0.milliseconds)" }
        return ("status set: \(update.status.rawValue)" + Self.askedBy(update.requester), fields)
      }
    case .failed(let failure):
      let isUpdate = failure.purpose == .update
      log.audit(isUpdate ? .statusNotSet : .registrationFailed) {
        var fields = Self.fields(key, failure.deviceID, failure.requester, failure.error)
        fields[LogField.attempts] = "\(failure.attempts)"
        fields[LogField.durationMilliseconds] = duration.map { "\($0.milliseconds)" }
        return (
          (isUpdate ? "status not set: " : "registration failed: ")
            + "\(failure.error.reason): \(failure.error.message)" + Self.askedBy(failure.requester),
          fields
        )
      }
    }
  }

  /// A caller got an answer of the engine. The answer has an entry, unless the entry of the registration's end says the
  /// same. Answers with known results have none here, except for refusals: see ``repeated(_:by:)``.
  func answered(
    _ key: RegistrationKey, _ deviceID: DeviceID?, _ answer: Registrar.Answer,
    _ provenance: RegistrationEngine.Provenance, of operation: RequestOperation = .register,
    to requester: Requester
  ) {
    switch (provenance, answer) {
    case (.known, .failed(let error)), (.begun(.goesOn), .failed(let error)), (.begun(.refused), .failed(let error)):
      refused(key.certificateID, in: [key.target], deviceID, error, of: operation, by: requester)
    case (.shared, _): shared(key, deviceID, answer, of: operation, by: requester)
    case (.begun, .queued): queued(key, deviceID, of: operation, by: requester)
    case (.known, _), (.begun(.end), _), (.begun, .registered), (.begun, .updated): break
    }
  }

  /// A caller was answered `queued`.
  func queued(
    _ key: RegistrationKey, _ deviceID: DeviceID?, of operation: RequestOperation, by requester: Requester
  ) {
    log.audit(.registrationQueued) {
      var fields = Self.fields(key, deviceID, requester)
      fields[LogField.operation] = "\(operation.rawValue)"
      fields[LogField.outcome] = "queued"
      return ("queued" + Self.askedBy(requester), fields)
    }
  }

  /// A caller got the answer of a registration that another caller began.
  func shared(
    _ key: RegistrationKey, _ deviceID: DeviceID?, _ answer: Registrar.Answer,
    of operation: RequestOperation, by requester: Requester
  ) {
    log.audit(.registrationShared) {
      var fields = Self.fields(key, deviceID, requester)
      fields[LogField.operation] = "\(operation.rawValue)"
      let what: String
      switch answer {
      case .registered(let registration):
        what = registration.outcome.rawValue
        fields[LogField.awsRequestID] = registration.requestID.map { "\($0)" }
      case .updated(let update):
        what = "status \(update.status.rawValue)"
        fields[LogField.awsRequestID] = update.requestID.map { "\($0)" }
      case .queued: what = "queued"
      case .failed(let error):
        what = "failed: \(error.reason): \(error.message)"
        Self.add(error, to: &fields)
      }
      if fields[LogField.outcome] == nil { fields[LogField.outcome] = "\(what)" }
      return ("answered by a registration under way: \(what)" + Self.askedBy(requester), fields)
    }
  }

  /// A caller got a known result.
  func repeated(_ registration: Registration, _ deviceID: DeviceID?, by requester: Requester) {
    log.audit(.registrationRepeated) {
      var fields = Self.fields(registration.key, deviceID ?? registration.deviceID, requester)
      fields[LogField.outcome] = "cached"
      fields[LogField.awsRequestID] = registration.requestID.map { "\($0)" }
      return ("answered from what was known: \(registration.outcome.rawValue)" + Self.askedBy(requester), fields)
    }
  }

  /// What was known of a certificate is corrected.
  ///
  /// - Parameters:
  ///   - known: What was known.
  ///   - corrected: What the upstream says; `nil`: it does not have the certificate.
  func corrected(_ known: Registration, to corrected: Registration?, by requester: Requester) {
    log.audit(.resultCorrected) {
      var fields = Self.fields(known.key, known.deviceID, requester)
      fields[LogField.status] = corrected?.status.map { "\($0.rawValue)" }
      guard let corrected else { return ("forgotten: the upstream does not have the certificate", fields) }
      var found: [String] = []
      if let status = corrected.status, status != known.status {
        found.append("the status is \(status.rawValue), not \(known.status?.rawValue ?? "unknown")")
      }
      if corrected.provisioned?.resources != known.provisioned?.resources {
        found.append("a part of the device is not attached")
      }
      return ("corrected: " + found.joined(separator: "; ") + Self.askedBy(requester), fields)
    }
  }

  /// A request to register or to set a status was refused, or its caller stopped waiting. `certificateID` is `nil` if
  /// it is not known.
  func refused(
    _ certificateID: CertificateID?, in targets: [TargetName], _ deviceID: DeviceID?, _ error: ServiceError,
    of operation: RequestOperation = .register, by requester: Requester
  ) {
    if error.reason == .queueFull {
      log.audit(.queueFull, level: .warning) { (error.message, Self.fields(of: error)) }
    }
    log.audit(error.reason == .peerNotAllowed ? .peerRefused : .registrationRefused) {
      var fields = Self.fields(of: error)
      Self.add(requester, to: &fields)
      fields[LogField.operation] = "\(operation.rawValue)"
      fields[LogField.certificateID] = certificateID.map { "\($0)" }
      fields[LogField.deviceID] = deviceID.map { "\($0)" }
      if !targets.isEmpty { fields[LogField.target] = "\(targets.map(\.rawValue).joined(separator: ","))" }
      let what = operation == .update ? "status not set" : "not registered"
      return ("\(what): \(error.reason): \(error.message)" + Self.askedBy(requester), fields)
    }
  }

  /// Any other request was refused by the rules of `access`.
  func refused(_ operation: RequestOperation, _ error: ServiceError, to requester: Requester) {
    log.audit(.peerRefused) {
      var fields = Self.fields(of: error)
      Self.add(requester, to: &fields)
      fields[LogField.operation] = "\(operation.rawValue)"
      return ("refused: \(error.message)" + Self.askedBy(requester), fields)
    }
  }

  /// A connection is closed, since the kernel does not tell its peer.
  func unknownPeer(_ error: HostError) {
    log.audit(.peerRefused, level: .warning) {
      ("a connection is closed: its peer is not known: \(error.message)", [:])
    }
  }

  /// The store could not be read or written for a request other than `register`, which has entries of its own.
  func storeFailed(_ operation: RequestOperation, _ error: ServiceError) {
    log.audit(.storeFailed, level: .error) {
      var fields = Self.fields(of: error)
      fields[LogField.operation] = "\(operation.rawValue)"
      return ("\(operation.rawValue) failed: \(error.message)", fields)
    }
  }

  private static func fields(
    _ key: RegistrationKey, _ deviceID: DeviceID?, _ requester: Requester?, _ error: ServiceError? = nil
  ) -> Logger.Metadata {
    // Room for all that follow: growing costs more than the rest.
    var fields = Logger.Metadata(minimumCapacity: 12)
    fields[LogField.certificateID] = "\(key.certificateID)"
    fields[LogField.target] = "\(key.target)"
    fields[LogField.deviceID] = deviceID.map { "\($0)" }
    if let requester { Self.add(requester, to: &fields) }
    if let error { Self.add(error, to: &fields) }
    return fields
  }

  private static func fields(of error: ServiceError) -> Logger.Metadata {
    var fields: Logger.Metadata = [:]
    add(error, to: &fields)
    return fields
  }

  private static func add(_ requester: Requester, to fields: inout Logger.Metadata) {
    fields[LogField.peerUID] = "\(requester.uid)"
    if requester.pid > 0 { fields[LogField.peerPID] = "\(requester.pid)" }
    fields[LogField.peerUnit] = requester.unit.map { "\($0)" }
  }

  private static func add(_ error: ServiceError, to fields: inout Logger.Metadata) {
    fields[LogField.outcome] = "failed"
    fields[LogField.reason] = "\(error.reason)"
    fields[LogField.errorType] = "\(error.kind.rawValue)"
    fields[LogField.step] = error.failedStep.map { "\($0.operation)" }
    fields[LogField.awsRequestID] = error.requestID.map { "\($0)" }
    fields[LogField.cause] = error.cause.map { "\($0)" }
  }

  private static func askedBy(_ requester: Requester?) -> String {
    guard let requester else { return "" }
    let process = requester.pid > 0 ? ", process \(requester.pid)" : ""
    return " (asked for by user \(requester.uid)\(process)\(requester.unit.map { ", \($0)" } ?? ""))"
  }
}

extension Peer {
  /// The caller, for records. May read files: not on an event loop.
  var requester: Requester { Requester(uid: uid, pid: pid, unit: unit.name) }
}
