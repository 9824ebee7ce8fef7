import CertRegCodec
import CertRegCore
import CertRegHost
import CertRegProtocol
import CertRegSocket
import CertRegX509
import Synchronization

/// Answers the socket's requests: known results from memory at once, all others on worker threads and by the engine.
final class RequestService: RequestHandling {
  /// The part of the configuration that requests depend on.
  struct Configuration: Sendable {
    var targets: [TargetName]
    /// The same names: a request can name 256 of thousands of targets.
    var targetSet: Set<TargetName>
    var defaultTarget: TargetName
    var defaultStatus: CertificateStatus?
    var defaultTimeout: Duration
    /// Provisioning profiles by name.
    var profiles: [String: ProvisioningProfile] = [:]
    /// The profile of requests that name none.
    var targetProfiles: [TargetName: String] = [:]
    /// `nil`: every peer that can connect may do everything.
    var access: AccessControl?
    /// Whether repeats that are answered with known results have an entry in the audit trail.
    var auditsRepeats: Bool
  }

  let parts: Parts
  private let configuration: Mutex<Configuration>
  private let peers: PeerIdentification
  private let watches: WatchHub

  /// What the service is made of.
  struct Parts: Sendable {
    var verdicts: Verdicts
    var known: KnownResults
    var engine: RegistrationEngine
    var descriptions: Descriptions
    var workers: WorkQueue
    var reports: Reports
    var audit: AuditTrail
    var counts: RequestCounts
    var clock: HostClock
    /// See ``PeerIdentification``.
    var mostHeldPeers: Int
  }

  init(_ parts: Parts, configuration: Configuration) {
    self.parts = parts
    self.configuration = Mutex(configuration)
    peers = PeerIdentification(workers: parts.workers, mostHeld: parts.mostHeldPeers)
    watches = WatchHub(
      access: configuration.access, clock: parts.clock, onWorker: { [workers = parts.workers] in workers.submit($0) },
      refused: { [audit = parts.audit] error, peer in audit.refused(.watch, error, to: peer.requester) })
    parts.engine.forEachEnding { [watches] in watches.publish($0) }
  }

  func reconfigure(_ configuration: Configuration) {
    self.configuration.withLock { $0 = configuration }
    watches.setAccess(configuration.access)
  }

  // MARK: RequestHandling

  func peer(ofDescriptor descriptor: CInt) -> Peer? {
    // Where a rule names a unit, the peer is what it was when it connected. Without such a rule a peer that connects
    // and has a child go on without it may be without a unit, also for rules that a reload brings: they refuse it then.
    do throws(HostError) {
      return try peers.peer(
        ofDescriptor: descriptor, isUnitNeeded: currentConfiguration.access?.dependsOnUnits ?? false)
    } catch {
      parts.audit.unknownPeer(error)
      return nil
    }
  }

  func servesFromMemory(_ peer: Peer) -> Bool {
    let current = currentConfiguration
    return !current.auditsRepeats && current.access?.isUnlimited(peer, now: parts.clock.monotonic) ?? true
  }

  func known(certificatePem: UnsafeRawBufferPointer, target: UInt16, now: WallTime) -> KnownAnswer? {
    let verdict = parts.verdicts.current
    guard let (_, id) = try? verdict.read(certificatePem) else { return nil }
    let epoch = parts.known.memory.epochs.current(id)
    // New policies are in force before the epochs are raised. With an epoch from after that, the old ones would stay
    // remembered.
    guard parts.verdicts.current.rules.policyFingerprint == verdict.rules.policyFingerprint,
      let answerable = parts.known.answerable(id, target: target, under: verdict.rules, now: now)
    else { return nil }
    return KnownAnswer(
      entry: answerable.known.entry, arnPrefix: answerable.known.arnPrefix, epoch: epoch,
      answerableFrom: answerable.window.from, expiresAt: answerable.window.until,
      provisioned: answerable.known.provisioned)
  }

  func handle(_ request: OwnedRequest, from peer: Peer, on descriptor: CInt, reply: Reply) {
    let access = currentConfiguration.access
    // The unit is needed by rules, by the audit trail, and by a `watch` for rules that a reload may bring.
    if access != nil || request.operation.isAudited || request.operation == .watch { peer.hold(descriptor) }
    guard let access else {
      switch request.operation {
      case .watch, .status, .metrics: carryOut(request, from: peer, reply: reply)
      case .register, .update, .describe, .validate, .lookup, .forget, .removeMember:
        onWorker { self.carryOut(request, from: peer, reply: reply) }
      }
      return
    }
    onWorker {
      if let decision = access.decision(for: peer, now: self.parts.clock.monotonic) {
        self.handle(request, decision, of: access, from: peer, reply: reply)
      } else {
        access.lookUpAndDecide(for: peer) { decision in
          self.onWorker { self.handle(request, decision, of: access, from: peer, reply: reply) }
        }
      }
    }
  }

  /// Goes on once the rules that count for the peer are known. On a worker thread.
  private func handle(
    _ request: OwnedRequest, _ decision: AccessControl.Decision, of access: AccessControl, from peer: Peer, reply: Reply
  ) {
    do throws(ServiceError) {
      // Before anything is said of targets: an error tells no names to a peer without a right to them.
      let grant = try decision.get()
      try access.check(request.operation, targets: request.targets.named, of: peer, under: grant)
      try access.takeToken(under: grant, now: parts.clock.monotonic)
      let targets = try concerned(request)
      if let allowed = grant.targets, !targets.allSatisfy(allowed.contains) {
        throw .peerNotAllowed(
          "\(request.operation.rawValue) without the name of an allowed target to user \(peer.uid)")
      }
      // A registration that may set the status of a certificate that exists is both.
      if request.ifExists == .update { try access.check(.update, targets: targets, of: peer, under: grant) }
      carryOut(
        request, from: peer, share: access.queueShare(under: grant), profiles: access.profiles(under: grant),
        shown: grant.targets, reply: reply)
    } catch {
      refuse(request, error, to: peer, reply: reply)
    }
  }

  /// Runs on a worker thread, except for `watch`, `status` and `metrics`, which neither compute nor read the store.
  ///
  /// - Parameters:
  ///   - share: The part of the queue that the caller's rule allows; `nil`: all of it.
  ///   - profiles: The profiles that the caller's rule grants; `nil`: all.
  ///   - shown: The targets that `status` and `metrics` tell of; `nil`: all.
  private func carryOut(
    _ request: OwnedRequest, from peer: Peer, share: Registrar.QueueShare? = nil, profiles: Set<String>? = nil,
    shown: Set<TargetName>? = nil, reply: Reply
  ) {
    switch request.operation {
    case .register: register(request, from: peer, share: share, profiles: profiles, reply: reply)
    case .update: update(request, from: peer, share: share, reply: reply)
    case .describe: describe(request, from: peer, reply: reply)
    case .validate: validate(request, reply: reply)
    case .lookup: lookup(request, reply: reply)
    case .forget: forget(request, reply: reply)
    case .watch: watch(request, from: peer, reply: reply)
    case .removeMember: removeMember(request, reply: reply)
    case .status:
      parts.counts.count(.status, "ok")
      parts.reports.status(of: shown) { reply.send(AnswerEncoder.object(id: request.id, body: $0)) }
    case .metrics:
      parts.counts.count(.metrics, "ok")
      parts.reports.metrics(of: shown) { body in
        reply.send(
          AnswerEncoder.object(id: request.id) { writer in
            writer.member("contentType", "text/plain; version=0.0.4")
            writer.member("body", body)
          })
      }
    }
  }

  /// Refuses what `access` does not allow, on a worker thread, since the audit trail wants the certificate's ID. The
  /// answer comes last, so that a client cannot ask faster than this goes.
  private func refuse(_ request: OwnedRequest, _ error: ServiceError, to peer: Peer, reply: Reply) {
    if request.operation.isAudited {
      auditRefusal(request, error, by: peer)
    } else if error.reason == .peerNotAllowed {
      parts.audit.refused(request.operation, error, to: peer.requester)
    }
    fail(request, error, reply)
  }

  /// An entry for a request to register or to set a status, with only the data of the request itself.
  func auditRefusal(_ request: OwnedRequest, _ error: ServiceError, by peer: Peer) {
    let id = request.certificateID ?? (try? readCertificate(request, parts.verdicts.current))?.id
    parts.audit.refused(
      id, in: (try? targets(of: request)) ?? [], request.deviceID, error, of: request.operation, by: peer.requester)
  }

  /// Answers with an error.
  func fail(_ request: OwnedRequest, _ error: ServiceError, _ reply: Reply) {
    parts.counts.count(request.operation, error)
    reply.send(AnswerEncoder.error(id: request.id, error))
  }

  /// Runs `body` on a worker thread.
  func onWorker(_ body: @escaping @Sendable () -> Void) {
    parts.workers.submit(body)
  }

  // MARK: Operations

  private func validate(_ request: OwnedRequest, reply: Reply) {
    let report = (request.certificatePem ?? []).withUnsafeBytes { text in
      parts.verdicts.current.validator.report(on: text, now: parts.clock.wall)
    }
    if let refusal = report.refusal {
      parts.counts.count(.validate, refusal)
    } else {
      parts.counts.count(.validate, "ok")
    }
    reply.send(AnswerEncoder.object(id: request.id, body: report.write))
  }

  private func watch(_ request: OwnedRequest, from peer: Peer, reply: Reply) {
    do throws(ServiceError) {
      let targets = request.targets == .default ? nil : Set(try self.targets(of: request))
      parts.counts.count(.watch, "ok")
      watches.add(
        id: request.id, WatchHub.Filter(targets: targets, outcome: request.watchOutcome), from: peer, reply: reply)
    } catch {
      fail(request, error, reply)
    }
  }

  // MARK: Parts of requests

  /// The certificate of a request that has one.
  func readCertificate(
    _ request: OwnedRequest, _ verdict: Verdicts.Current
  ) throws(ServiceError) -> (der: [UInt8], id: CertificateID) {
    let text = request.certificatePem ?? []
    let result: Result<(der: [UInt8], id: CertificateID), ServiceError> = text.withUnsafeBytes { bytes in
      do throws(ServiceError) { return .success(try verdict.read(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// The certificate and target of a request with one target.
  func key(of request: OwnedRequest) throws(ServiceError) -> RegistrationKey {
    let target = try targets(of: request)[0]
    if let id = request.certificateID { return RegistrationKey(certificateID: id, target: target) }
    return RegistrationKey(certificateID: try readCertificate(request, parts.verdicts.current).id, target: target)
  }

  /// The targets that the request names, each once; at least one.
  func targets(of request: OwnedRequest) throws(ServiceError) -> [TargetName] {
    let current = currentConfiguration
    let names: [String]
    switch request.targets {
    case .default: return [current.defaultTarget]
    case .one(let name): names = [name]
    case .many(let list): names = list
    }
    var targets: [TargetName] = []
    var seen: Set<TargetName> = []
    for name in names {
      let target = TargetName(name)
      guard current.targetSet.contains(target) else { throw .unknownTarget(name, known: current.targets) }
      guard seen.insert(target).inserted else { throw .repeatedTarget(target) }
      targets.append(target)
    }
    return targets
  }

  /// The targets that the request would show or change something of.
  private func concerned(_ request: OwnedRequest) throws(ServiceError) -> [TargetName] {
    switch request.operation {
    case .register, .update, .describe, .lookup, .forget: try targets(of: request)
    // Without names it reports on all targets.
    case .watch: request.targets == .default ? currentConfiguration.targets : try targets(of: request)
    // What a member left is carried out in all targets.
    case .removeMember: currentConfiguration.targets
    case .validate, .status, .metrics: []
    }
  }

  var currentConfiguration: Configuration { configuration.withLock { $0 } }
}

extension RequestOperation {
  /// Whether each request of the operation has an entry in the audit trail.
  var isAudited: Bool { self == .register || self == .update }
}
