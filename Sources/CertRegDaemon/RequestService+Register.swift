import CertRegCore
import CertRegProtocol
import CertRegSocket
import CertRegX509

// The operation `register`, from the verdict to the engine.
extension RequestService {
  /// Runs on a worker thread: the verdict takes about 100 µs, a look into the store may wait for the disk.
  ///
  /// - Parameters:
  ///   - share: The part of the queue that the caller's rule allows; `nil`: all of it.
  ///   - profiles: The profiles that the caller's rule grants; `nil`: all.
  func register(
    _ request: OwnedRequest, from peer: Peer, share: Registrar.QueueShare?, profiles: Set<String>?, reply: Reply
  ) {
    let verdict = parts.verdicts.current
    do throws(ServiceError) {
      let targets = try targets(of: request)
      let (der, id) = try readCertificate(request, verdict)
      let configuration = currentConfiguration
      var filling = Filling(request, of: peer, granted: profiles, configuration, id, der: der)
      let answers = FanIn(count: targets.count) { [counts = parts.counts] results in
        for result in results { counts.count(result, of: .register) }
        reply.send(Self.answer(request, id, targets, results))
      }
      // One verdict for all targets, a refusal included: a request can name 256.
      var judgement: Result<VerdictBasis, ServiceError>?
      for (index, target) in targets.enumerated() {
        let key = RegistrationKey(certificateID: id, target: target)
        // What fails for one target is that target's answer: others may be under way.
        do throws(ServiceError) {
          let provisioning = try filling.provisioning(in: target)
          let wish = KnownResults.Wish(request, defaultStatus: configuration.defaultStatus, provisioning)
          let decision = try decide(wish, key, verdict)
          let completion: @Sendable (TargetAnswer) -> Void = { answers.set(index, $0) }
          guard let start = try answerFromKnown(wish, key, by: decision, from: peer, completion) else { continue }
          let result = judgement ?? judge(der, id, verdict)
          judgement = result
          var asked = Registrar.Request(
            key: key, purpose: wish.setsStatus ? .registerAndSet : .register, der: der, basis: try result.get(),
            namedStatus: request.status, status: wish.status, ifExists: request.ifExists, requester: peer.requester,
            deviceID: request.deviceID, connection: reply.connectionID, expectation: expectation(of: request),
            share: share, refreshes: request.refresh, earlier: start.earlier, provisioning: provisioning)
          if let known = start.known { asked.takeKnown(known, at: parts.known.home(of: target).jobHome) }
          ask(asked, completion: completion)
        } catch {
          parts.audit.refused(id, in: [target], request.deviceID, error, by: peer.requester)
          answers.set(index, .failed(error))
        }
      }
    } catch {
      auditRefusal(request, error, by: peer)
      fail(request, error, reply)
    }
  }

  private func judge(
    _ der: [UInt8], _ id: CertificateID, _ verdict: Verdicts.Current
  ) -> Result<VerdictBasis, ServiceError> {
    do throws(ServiceError) {
      return .success(try verdict.validator.validate(der: der, certificateID: id, now: parts.clock.wall))
    } catch { return .failure(error) }
  }

  /// How one target's part of a request ended.
  enum TargetAnswer: Sendable {
    case registered(Registration, cached: Bool)
    case updated(StatusUpdate)
    case queued
    case failed(ServiceError)
  }

  private func decide(
    _ wish: KnownResults.Wish, _ key: RegistrationKey, _ verdict: Verdicts.Current
  ) throws(ServiceError) -> KnownResults.Decision {
    do throws(StoreError) {
      return try parts.known.decide(wish, on: key, under: verdict.rules, now: parts.clock.wall)
    } catch {
      throw ServiceError(error)
    }
  }

  /// Answers one target's part of a request from what is known, if `decision` says so.
  ///
  /// - Returns: What the registration begins with; `nil`: there is none, since `completion` gets the answer.
  private func answerFromKnown(
    _ wish: KnownResults.Wish, _ key: RegistrationKey, by decision: KnownResults.Decision, from peer: Peer,
    _ completion: @escaping @Sendable (TargetAnswer) -> Void
  ) throws(ServiceError) -> (known: Registration?, earlier: EarlierResult?)? {
    switch decision {
    // A change of the certificate may be under way that an answer must not overtake: the engine knows.
    case .answer(let found) where wish.changesCertificate,
      .answerAfterNaming(let found, _) where wish.changesCertificate:
      return (found, nil)
    case .answer(let found):
      auditRepeat(found, wish.deviceID, by: peer.requester)
      completion(.registered(found.without(wish.provisioning), cached: true))
      return nil
    case .answerAfterNaming(let found, let deviceID):
      auditRepeat(found, wish.deviceID, by: peer.requester)
      parts.engine.nameDevice(key, deviceID) { error in
        completion(
          error.map { .failed(ServiceError($0)) } ?? .registered(found.without(wish.provisioning), cached: true))
      }
      return nil
    case .goOn(let found): return (found, nil)
    case .refuse(let error): throw error
    case .ask(let found): return (nil, found)
    }
  }

  private func ask(
    _ request: Registrar.Request, completion: @escaping @Sendable (TargetAnswer) -> Void
  ) {
    let (key, deviceID, requester) = (request.key, request.deviceID, request.requester)
    parts.engine.register(request) { answer, provenance in
      self.parts.audit.answered(key, deviceID, answer, provenance, to: requester)
      switch answer {
      case .registered(let registration):
        if provenance == .known { self.auditRepeat(registration, deviceID, by: requester) }
        completion(.registered(registration.without(request.provisioning), cached: provenance == .known))
      case .updated(let update): completion(.updated(update))
      case .queued: completion(.queued)
      case .failed(let error): completion(.failed(error))
      }
    }
  }

  /// What the caller of a request waits for.
  func expectation(of request: OwnedRequest) -> Registrar.Expectation {
    guard request.wait else { return .queued }
    return .result(deadline: deadline(of: request))
  }

  /// The end of the caller's time.
  func deadline(of request: OwnedRequest) -> MonotonicTime {
    let patience = request.timeoutMilliseconds.map { Duration.milliseconds($0) }
    return parts.clock.monotonic + (patience ?? currentConfiguration.defaultTimeout)
  }

  private func auditRepeat(
    _ registration: Registration, _ deviceID: DeviceID?, by requester: @autoclosure () -> Requester
  ) {
    if currentConfiguration.auditsRepeats { parts.audit.repeated(registration, deviceID, by: requester()) }
  }

  static func answer(
    _ request: OwnedRequest, _ id: CertificateID, _ targets: [TargetName], _ answers: [TargetAnswer]
  ) -> [UInt8] {
    if case .many = request.targets {
      let results = zip(targets, answers).map { target, answer in
        switch answer {
        case .registered(let registration, let cached): TargetResult.registered(registration, cached: cached)
        case .updated(let update): TargetResult.updated(update)
        case .queued: TargetResult.queued(target)
        case .failed(let error): TargetResult.failed(target, error)
        }
      }
      return AnswerEncoder.results(id: request.id, certificateID: id, results)
    }
    switch answers[0] {
    case .registered(let registration, let cached):
      return AnswerEncoder.registered(id: request.id, registration, cached: cached)
    case .updated(let update): return AnswerEncoder.updated(id: request.id, update)
    case .queued: return AnswerEncoder.queued(id: request.id, certificateID: id, target: targets[0])
    case .failed(let error): return AnswerEncoder.error(id: request.id, error)
    }
  }
}

extension KnownResults.Wish {
  /// - Parameters:
  ///   - defaultStatus: The configured status of requests that name none.
  ///   - provisioning: What makes a device of the certificate in the target; `nil`: it is only registered.
  init(_ request: OwnedRequest, defaultStatus: CertificateStatus?, _ provisioning: Provisioning?) {
    self.init(
      namedStatus: request.status,
      status: KnownResults.Wish.status(
        named: request.status, default: defaultStatus, request.ifExists, provisioning),
      ifExists: request.ifExists, refresh: request.refresh, deviceID: request.deviceID, provisioning: provisioning)
  }
}

extension Registration {
  /// The result without its device, for a request that asked for none.
  fileprivate func without(_ provisioning: Provisioning?) -> Registration {
    guard provisioning == nil else { return self }
    var plain = self
    plain.provisioned = nil
    return plain
  }
}

extension RequestCounts {
  /// Counts the outcome of a request in one target.
  func count(_ answer: RequestService.TargetAnswer, of operation: RequestOperation) {
    switch answer {
    case .registered(_, cached: true): count(operation, "cached")
    case .registered(let registration, cached: false): count(operation, registration.outcome.rawValue)
    case .updated: count(operation, "updated")
    case .queued: count(operation, "queued")
    case .failed(let error): count(operation, error)
    }
  }
}
