import CertRegTesting

@testable import CertRegCore

/// The account's register.
struct SimulatedFleetUpstream {
  struct Certificate {
    /// Whose call made it; `nil`: another client's.
    var maker: Maker?
    var status: CertificateStatus

    var isOurs: Bool { maker != nil }
  }

  struct Maker {
    var name: String
    /// The state directory.
    var instance: Int
  }

  /// A call under way.
  struct Call {
    var key: RegistrationKey
    var process: SimulatedFleetProcess
    var member: String
    var began: MonotonicTime
    /// Whether the fleet's rules held for it when it began.
    var isInFleet: Bool
    var registers: Bool
  }

  var certificates: [RegistrationKey: Certificate] = [:]
  var calls: [Int: Call] = [:]
  var nextCall = 0
  var answeredAt: [RegistrationKey: MonotonicTime] = [:]
  var isDown = false
  /// Certificates whose device cannot be made before somebody repairs the account.
  var stuck: Set<RegistrationKey> = []
}

// Calls.
extension FleetSimulation {
  func begin(_ call: UpstreamCall, _ id: JobID, of process: SimulatedFleetProcess) {
    let number = upstream.nextCall
    upstream.nextCall += 1
    let registers = call.operation == .registerCertificateWithoutCA
    let made = SimulatedFleetUpstream.Call(
      key: id.key, process: process, member: process.host.name, began: now, isInFleet: process.isInFleet,
      registers: registers)
    if registers { checkBegin(made, id, process) } else { checkActivation(made, call, id) }
    upstream.calls[number] = made
    trace(process.host.name, "calls \(call.operation) for \(id.sequence) of \(Self.number(id.key))")
    switch call {
    case .registerCertificateWithoutCA: reach(.call)
    case .updateCertificate: reach(.update)
    case .provision: reach(.deviceCall)
    }
    let duration: Duration = .milliseconds(oneIn(10) ? some(300...6000) : some(10...150))
    let maker = SimulatedFleetUpstream.Maker(name: process.host.name, instance: process.host.instance)
    after(duration * 0.5) { [self] in
      let reply = effect(of: call, id.key, maker)
      trace(process.host.name, "reply for \(id.sequence): \(Self.words(reply))")
      after(duration * 0.5) { [self] in
        upstream.calls[number] = nil
        upstream.answeredAt[id.key] = now
        process.after(.zero) { process in
          let home = JobHome(location: Self.target.location, account: nil)
          process.perform(process.registrar.replied(id, reply, from: home, now: process.now))
        }
      }
    }
  }

  /// Certificates of which a host knows nothing but that its change of the status came to an unknown end: it asks the
  /// upstream about them, whatever the others know.
  func doubtedWithoutResult() -> [RegistrationKey] {
    (0..<Self.certificates).map(Self.key).filter { key in
      hosts.contains { host in
        guard host.isAlive, (try? host.store.registration(for: key)) == nil else { return false }
        return (try? host.store.fleetNote(of: key)).map { !$0.isForgotten } ?? false
      }
    }
  }

  /// The database knows of revocations.
  func noteRevocations(_ batch: FleetBatch) {
    for key in batch.results.map(\.key) where database.results[key]?.result.content?.status == .revoked {
      book.revokedAt[key.own] = book.revokedAt[key.own] ?? now
    }
  }

  /// A device that was asked for before a revocation is not activated once its host has had the time to hear of that. The
  /// call of an update is made as it was asked for, and refused.
  func checkActivation(_ call: SimulatedFleetUpstream.Call, _ made: UpstreamCall, _ id: JobID) {
    guard case .updateCertificate(let update) = made, update.status == .active,
      let job = call.process.registrar.job(id.sequence), job.purpose.registers
    else { return }
    if job.facts.registered?.status == nil { violate(.activatedUnknownStatus(by: call.member, Self.number(call.key))) }
    guard call.isInFleet, let revokedAt = book.revokedAt[call.key], let askedAt = book.activationAskedAt[call.key],
      askedAt < revokedAt, book.undated.isEmpty, max(revokedAt, call.process.cutOffAt) + .seconds(3) < now,
      goneAt[call.member].map({ now - $0 > .seconds(5) }) ?? true, !database.isGone(call.member)
    else { return }
    violate(.activatedAfterRevocation(by: call.member, Self.number(call.key)))
  }

  private func effect(
    of call: UpstreamCall, _ key: RegistrationKey, _ maker: SimulatedFleetUpstream.Maker
  ) -> UpstreamReply {
    let isUnwell = !isWell && (upstream.isDown || oneIn(8))
    if isUnwell, upstream.isDown || oneIn(3) { return Self.failed(mayHaveTakenEffect: false) }
    let isNew = upstream.certificates[key] == nil
    let isRevoked = upstream.certificates[key]?.status == .revoked
    switch call {
    case .registerCertificateWithoutCA(let call):
      if isNew, !isUnwell || oneIn(2) {
        upstream.certificates[key] = .init(maker: maker, status: call.status ?? .inactive)
        reviewProof(of: key)
      }
    case .updateCertificate(let update) where !isRevoked: upstream.certificates[key]?.status = update.status
    case .updateCertificate, .provision: break
    }
    if isUnwell {
      reach(.lostAnswer)
      book.ambiguous.insert(key)
      return Self.failed(mayHaveTakenEffect: true)
    }
    switch call {
    case .registerCertificateWithoutCA where isNew: return .registered(certificateARN: Self.arn(key), requestID: nil)
    case .registerCertificateWithoutCA(let call):
      reach(.conflict)
      let status = call.needsStatus ? upstream.certificates[key]?.status : nil
      return .alreadyExists(certificateARN: Self.arn(key), status: status, requestID: nil)
    case .updateCertificate where isNew:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.resourceNotFound, reason: .certificateNotFound, message: "x", origin: .upstream),
          disposition: .final))
    // https://docs.aws.amazon.com/iot/latest/developerguide/revoke-ca-cert.html
    case .updateCertificate(let update) where isRevoked && update.status != .revoked:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.certificateState, reason: "simulated", message: "x", origin: .upstream),
          disposition: .final))
    case .updateCertificate: return .updated(requestID: nil)
    case .provision where upstream.stuck.contains(key) && !isRevoked:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.serviceUnavailable, reason: "stuck", message: "x", origin: .upstream),
          disposition: .incomplete))
    case .provision: return .provisioned(DeviceResources(policies: ["p"]), requestID: nil)
    }
  }

  private static func words(_ reply: UpstreamReply) -> String {
    switch reply {
    case .registered: "200"
    case .alreadyExists: "409"
    case .failed(let failure): "failed, \(failure.mayHaveTakenEffect)"
    case .updated, .provisioned: "done"
    }
  }

  private static func failed(mayHaveTakenEffect: Bool) -> UpstreamReply {
    .failed(
      UpstreamFailure(
        error: ServiceError(.serviceUnavailable, reason: "simulated", message: "x", origin: .upstream),
        disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: mayHaveTakenEffect))
  }
}
