import Synchronization

/// The results of finished registrations on this host, in memory and on disk. This type alone decides which of them may
/// be answered, by `cache.ttl`, the policies, the validity and the caller's own conditions.
package final class KnownResults: Sendable {
  /// The conditions of a request to register on a known result.
  package struct Wish: Hashable, Sendable {
    /// The status that the caller named.
    package var namedStatus: CertificateStatus?
    /// The status that a registration would send: the named one, else the configured default.
    package var status: CertificateStatus?
    /// The caller's choice for a certificate that exists.
    package var ifExists: IfExists
    /// Whether to ask the upstream again in spite of a known result.
    package var refresh: Bool
    /// The device's name; `nil`: the caller gave none.
    package var deviceID: DeviceID?
    /// What makes a device of the certificate; `nil`: it is only registered.
    @Boxed package var provisioning: Provisioning?

    /// Whether the status is set where the certificate has another.
    package var setsStatus: Bool {
      ifExists == .update && status != nil || activatesLast
    }

    /// Whether the certificate is to be ACTIVE once its device is complete.
    fileprivate var activatesLast: Bool { provisioning?.activatesLast == true && status == .active }

    /// Whether the certificate is ACTIVE once its device is complete, whatever status it has before.
    fileprivate var activates: Bool { provisioning?.activates(asked: status) ?? false }

    /// The error of a request that names another status than its profile gives the certificate; `nil`: it does not, or
    /// it has its own status set after the profile's.
    fileprivate var contradiction: ServiceError? {
      guard let named = namedStatus, let provisioning, let given = provisioning.givenStatus, given != named,
        ifExists != .update
      else { return nil }
      return .profileGivesStatus(provisioning.profile, given, named: named)
    }

    /// Whether the certificate is more than registered for the request.
    package var changesCertificate: Bool { setsStatus || provisioning != nil }

    /// The status that a registration sends.
    ///
    /// - Parameters:
    ///   - named: The status that the caller named.
    ///   - byDefault: The configured default; `nil`: none.
    ///   - ifExists: The caller's choice for a certificate that exists.
    ///   - provisioning: What makes a device of the certificate; `nil`: it is only registered.
    package static func status(
      named: CertificateStatus?, default byDefault: CertificateStatus?, _ ifExists: IfExists,
      _ provisioning: Provisioning?
    ) -> CertificateStatus? {
      if let named { return named }
      // The default is for certificates whose status no profile decides about.
      let isGiven = provisioning?.activatesLast == true || ifExists == .update
      return isGiven ? provisioning?.givenStatus ?? byDefault : byDefault
    }

    package init(
      namedStatus: CertificateStatus?, status: CertificateStatus? = nil, ifExists: IfExists, refresh: Bool,
      deviceID: DeviceID? = nil, provisioning: Provisioning? = nil
    ) {
      self.namedStatus = namedStatus
      self.status = status ?? namedStatus
      self.ifExists = ifExists
      self.refresh = refresh
      self.deviceID = deviceID
      self.provisioning = provisioning
    }
  }

  /// The decision about a request, based on the known results.
  package enum Decision: Hashable, Sendable {
    case answer(Registration)
    /// The result answers the request once the device's new name is on disk.
    case answerAfterNaming(Registration, DeviceID)
    /// The certificate is known, and the request asks for more: another status, or a device.
    case goOn(Registration)
    /// The known result contradicts the request.
    case refuse(ServiceError)
    /// No known result may be answered. `earlier` is the known result, if there is one.
    case ask(earlier: EarlierResult?)

    fileprivate var isAnswer: Bool {
      switch self {
      case .answer, .answerAfterNaming: true
      case .goOn, .refuse, .ask: false
      }
    }
  }

  /// A result in memory and the time in which it may be answered.
  package struct Answerable: Sendable {
    package var known: ResultCache.Known
    /// The time in which the result may be answered.
    package var window: AnswerWindow
  }

  /// The results in memory.
  package let memory: ResultCache
  /// The results on this host's disk.
  package let store: any RegistrationStore
  private let timeToLive: Mutex<Duration?>
  /// Where results belong. Notes are kept under its lock, so that they stay in order.
  let homes: Mutex<TargetHomes>
  let keepNotes: @Sendable ([TargetHomes.Note]) -> Void

  /// - Parameters:
  ///   - memory: Results in memory.
  ///   - store: Results on disk.
  ///   - timeToLive: `cache.ttl`; `nil`: results have no end.
  ///   - homes: What earlier processes learnt of where results belong.
  ///   - keepNotes: Keeps what is learnt from now on. It must not wait for the disk.
  package init(
    memory: ResultCache, store: any RegistrationStore, timeToLive: Duration?, homes: TargetHomes = TargetHomes(),
    keepNotes: @escaping @Sendable ([TargetHomes.Note]) -> Void = { _ in }
  ) {
    self.memory = memory
    self.store = store
    self.timeToLive = Mutex(timeToLive)
    self.homes = Mutex(homes)
    self.keepNotes = keepNotes
  }

  /// Sets another `cache.ttl`, which makes the answers that event loops remember void.
  package func setTimeToLive(_ duration: Duration?) {
    timeToLive.withLock { $0 = duration }
    memory.epochs.advanceAll()
  }

  // MARK: Decisions

  /// The result in memory of a certificate that may be answered at `now` without a new verdict.
  package func answerable(
    _ id: CertificateID, target: UInt16, under rules: AnswerRules, now: WallTime
  ) -> Answerable? {
    guard let known = memory.known(id, target: target), var window = rules.window(of: known.basis) else { return nil }
    window.until = min(window.until, lifetimeEnd(finishedAt: known.entry.finishedAt))
    return window.contains(now) ? Answerable(known: known, window: window) : nil
  }

  /// Decides a request before the verdict on its certificate. May wait for the disk, so that event loops must not call
  /// it.
  ///
  /// - Throws: The store's fault, unless the request asks the upstream in any case.
  package func decide(
    _ wish: Wish, on key: RegistrationKey, under rules: AnswerRules, now: WallTime
  ) throws(StoreError) -> Decision {
    let registration: Registration?
    do throws(StoreError) { registration = try find(key) } catch {
      // The upstream can be asked even if the disk fails.
      guard wish.refresh else { throw error }
      registration = nil
    }
    let isAccepted = registration.map { rules.window(of: $0.basis)?.contains(now) ?? false }
    return decide(wish, registration, mayAnswer: isAccepted ?? false, now: now)
  }

  /// Decides a request whose certificate was just accepted on `basis`. Looks at memory only: registrations that ended
  /// since ``decide(_:on:under:now:)`` are there.
  package func decideAfterVerdict(
    _ wish: Wish, on key: RegistrationKey, basis: VerdictBasis, now: WallTime
  ) -> Decision {
    let registration = inMemory(key)
    let decision = decide(wish, registration, mayAnswer: true, now: now)
    if decision.isAnswer, let registration, registration.basis.policyFingerprint != basis.policyFingerprint {
      // There is a new verdict under other policies, so memory may answer the certificate from now on.
      var renewed = registration
      renewed.basis = basis
      memory.keep(renewed, replaces: true)
    }
    return decision
  }

  private func decide(_ wish: Wish, _ known: Registration?, mayAnswer: Bool, now: WallTime) -> Decision {
    let decision = known.map { decide(wish, $0, mayAnswer: mayAnswer, now: now) } ?? .ask(earlier: nil)
    switch decision {
    case .ask, .goOn: return wish.contradiction.map { .refuse($0) } ?? decision
    case .answer, .answerAfterNaming, .refuse: return decision
    }
  }

  private func decide(_ wish: Wish, _ known: Registration, mayAnswer: Bool, now: WallTime) -> Decision {
    let isAlive = now.seconds32 < lifetimeEnd(finishedAt: known.finishedAt.seconds32)
    guard mayAnswer, isAlive, !wish.refresh, known.certificateARN != nil else {
      // A request that sets the status has to trust none that may be old.
      let isToBeSet = (wish.refresh || !isAlive) && wish.setsStatus
      var earlier = EarlierResult(known)
      if isToBeSet { earlier.status = nil }
      return .ask(earlier: earlier)
    }
    if let error = known.objection(toActivationFor: wish) { return .refuse(error) }
    if wish.ifExists == .update, let asked = wish.status, asked != known.status { return .goOn(known) }
    let isDevice = wish.provisioning.map { known.hasDevice(of: $0) } ?? true
    // A request that failed in a later step goes on when it is repeated. The status is then the one that the steps
    // left.
    let isContinued = !isDevice && known.provisioned.map { $0.tag == wish.provisioning?.tag } ?? false
    // A success means a device that can connect: see `activateLast` in docs/provisioning.md.
    let named =
      !isDevice && wish.setsStatus ? nil : isDevice && wish.activates ? wish.namedStatus ?? .active : wish.namedStatus
    let ifExists = isContinued && known.outcome == .created ? .return : wish.ifExists
    if let error = known.objection(namedStatus: named, ifExists: ifExists, isRepeat: true) { return .refuse(error) }
    if !isDevice { return .goOn(known) }
    if let deviceID = wish.deviceID, deviceID.tag != known.deviceTag { return .answerAfterNaming(known, deviceID) }
    return .answer(known)
  }

  /// The second in which `cache.ttl` ends a result.
  private func lifetimeEnd(finishedAt: UInt32) -> UInt32 {
    guard let timeToLive = timeToLive.withLock({ $0 }) else { return .max }
    return UInt32(clamping: Int64(finishedAt) + timeToLive.components.seconds)
  }

  // MARK: Finding

  private func inMemory(_ key: RegistrationKey) -> Registration? {
    memory.known(key.certificateID, target: memory.number(of: key.target)).map { Registration($0, target: key.target) }
  }

  private func find(_ key: RegistrationKey) throws(StoreError) -> Registration? {
    if let registration = inMemory(key) { return registration }
    let epoch = memory.epochs.current(key.certificateID)
    let home = home(of: key.target)
    guard var registration = try store.registration(for: home.storedKey(key.certificateID)),
      home.mayHold(arn: registration.certificateARN)
    else { return nil }
    registration.key = key
    memory.keep(registration, in: home, replaces: false, readAt: epoch)
    return registration
  }

  /// The known result of a certificate, whether or not it may be answered. It may wait for the disk: not for event
  /// loops.
  ///
  /// - Throws: The store's fault.
  package func registration(for key: RegistrationKey) throws(StoreError) -> Registration? { try find(key) }

  /// What is kept of a registration that has ended. It may wait for the disk: not for event loops.
  ///
  /// - Throws: The store's fault.
  package func record(for key: RegistrationKey) throws(StoreError) -> StoredRecord? {
    let home = home(of: key.target)
    switch try store.record(for: home.storedKey(key.certificateID)) {
    case .registered(var registration):
      guard home.mayHold(arn: registration.certificateARN) else { return nil }
      registration.key = key
      return .registered(registration)
    case .failed(var failure):
      failure.key = key
      guard var registration = failure.registered else { return .failed(failure) }
      guard home.mayHold(arn: registration.certificateARN) else { return nil }
      registration.key = key
      failure.registered = registration
      return .failed(failure)
    case nil: return nil
    }
  }
}

extension Registration {
  /// The error of a request whose last step would activate a certificate that somebody revoked or deactivated; `nil`:
  /// it may. The caller has to ask for that with `ifExists:"update"`, or with the operation `update`.
  fileprivate func objection(toActivationFor wish: KnownResults.Wish) -> ServiceError? {
    guard wish.ifExists != .update, let provisioning = wish.provisioning, wish.activates, let known = status,
      !hasDevice(of: provisioning), RegisteredCertificate(self)?.isKeptFromActivation == true
    else { return nil }
    return .statusDiffers(self, known: known, named: .active)
  }
}
