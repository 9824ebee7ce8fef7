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
    if registers { checkBegin(made, id, process) }
    upstream.calls[number] = made
    trace(process.host.name, "calls \(call.operation) for \(id.sequence) of \(Self.number(id.key))")
    reach(registers ? .call : .update)
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

  private func effect(
    of call: UpstreamCall, _ key: RegistrationKey, _ maker: SimulatedFleetUpstream.Maker
  ) -> UpstreamReply {
    let isUnwell = !isWell && (upstream.isDown || oneIn(8))
    if isUnwell, upstream.isDown || oneIn(3) { return Self.failed(mayHaveTakenEffect: false) }
    let isNew = upstream.certificates[key] == nil
    switch call {
    case .registerCertificateWithoutCA:
      if isNew, !isUnwell || oneIn(2) {
        upstream.certificates[key] = .init(maker: maker, status: .inactive)
        reviewProof(of: key)
      }
    case .updateCertificate(let update): upstream.certificates[key]?.status = update.status
    case .provision: break
    }
    if isUnwell {
      reach(.lostAnswer)
      book.ambiguous.insert(key)
      return Self.failed(mayHaveTakenEffect: true)
    }
    switch call {
    case .registerCertificateWithoutCA where isNew: return .registered(certificateARN: Self.arn(key), requestID: nil)
    case .registerCertificateWithoutCA:
      reach(.conflict)
      return .alreadyExists(certificateARN: Self.arn(key), status: nil, requestID: nil)
    case .updateCertificate where isNew:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.resourceNotFound, reason: .certificateNotFound, message: "x", origin: .upstream),
          disposition: .final))
    case .updateCertificate, .provision: return .updated(requestID: nil)
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
