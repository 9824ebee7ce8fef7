import CertRegCore
import CertRegHost
import Logging
import NIOCore
import Synchronization

/// The engine as other threads see it: its loop runs on an event loop of NIO.
final class RegistrationEngine: Sendable {
  typealias Completion = @Sendable (_ answer: Registrar.Answer, _ provenance: Provenance) -> Void

  /// Where an answer comes from.
  enum Provenance: Hashable, Sendable {
    /// The result was there before the request came.
    case known
    /// From a registration that this request began, or from nothing where it was refused.
    case begun(Registrar.Relation)
    /// From a registration that another request had begun.
    case shared
  }

  /// What the engine is made of.
  struct Parts: Sendable {
    var store: any RegistrationStore
    var known: KnownResults
    var calls: UpstreamCalls
    var clock: HostClock
    var audit: AuditTrail
    var activity: Activity
    var givingWay: GivingWay
    var logger: Logger
    /// `nil`: there is no fleet.
    var fleet: FleetLoop.Parts?
  }

  private let loop: any EventLoop
  private let bound: NIOLoopBoundBox<EngineLoop>

  /// Starts the engine, and continues the registrations that an earlier process left unfinished.
  static func start(
    on loop: any EventLoop, _ parts: Parts, configuration: Registrar.Configuration,
    targets: [TargetName: TargetLimits], resuming pending: [PendingRegistration]
  ) async -> RegistrationEngine {
    let bound: NIOLoopBoundBox<EngineLoop> = await withCheckedContinuation { continuation in
      loop.execute {
        let effects = LoopEffects(loop: loop, parts)
        let fleet = parts.fleet.map { FleetLoop(loop: loop, $0) }
        let coordinator: any Coordinator =
          fleet.map { FleetCoordinator(fleet: NIOLoopBound($0, eventLoop: loop)) } ?? Alone()
        let registrar = Registrar(
          configuration: configuration, coordinator: coordinator, seed: .random(in: .min ... .max))
        let engine = EngineLoop(
          registrar: registrar, known: parts.known, clock: parts.clock, audit: parts.audit, activity: parts.activity,
          logger: parts.logger, effects: effects, fleet: fleet)
        effects.attach(engine)
        fleet?.attach(engine)
        engine.reconfigure(configuration, targets: targets)
        engine.resume(pending, firstSequence: parts.store.nextSequence)
        continuation.resume(returning: NIOLoopBoundBox(engine, eventLoop: loop))
      }
    }
    return RegistrationEngine(loop: loop, bound: bound, hasFleet: parts.fleet != nil)
  }

  private init(loop: any EventLoop, bound: NIOLoopBoundBox<EngineLoop>, hasFleet: Bool) {
    self.hasFleet = hasFleet
    self.loop = loop
    self.bound = bound
  }

  /// Asks for a registration. `completion` is called once, on the engine's loop.
  func register(_ request: Registrar.Request, completion: @escaping Completion) {
    loop.execute { self.bound.value.register(request, completion: completion) }
  }

  /// Asks for another status of a certificate. `completion` is called once, on the engine's loop.
  func update(_ request: Registrar.Request, completion: @escaping Completion) {
    loop.execute { self.bound.value.update(request, completion: completion) }
  }

  /// Keeps another name for a device; `completion` gets the store's error, if any.
  func nameDevice(
    _ key: RegistrationKey, _ deviceID: DeviceID, completion: @escaping @Sendable (StoreError?) -> Void
  ) {
    loop.execute { self.bound.value.nameDevice(key, deviceID, completion: completion) }
  }

  /// Forgets a result; `completion` gets the store's error, if any.
  func forget(_ key: RegistrationKey, completion: @escaping @Sendable (StoreError?) -> Void) {
    loop.execute { self.bound.value.forget(key, completion: completion) }
  }

  /// Corrects a known result by what the upstream says; `completion` gets whether it was corrected, or the store's error.
  func correct(
    _ correction: EngineLoop.Correction, completion: @escaping @Sendable (Result<Bool, StoreError>) -> Void
  ) {
    loop.execute { self.bound.value.correct(correction, completion: completion) }
  }

  /// What the fleet knows of a certificate; `nil` without one.
  func find(
    _ key: RegistrationKey, completion: @escaping @Sendable (_ registration: Registration?, _ holder: String?) -> Void
  ) {
    loop.execute {
      guard let fleet = self.bound.value.fleet else { return completion(nil, nil) }
      fleet.find(key) { completion($0, $1) }
    }
  }

  /// Declares a member of the fleet gone; `completion` gets what the database says.
  func removeMember(_ name: String, completion: @escaping @Sendable (FleetMember.Answer) -> Void) {
    loop.execute {
      guard let fleet = self.bound.value.fleet else { return completion(.alone) }
      fleet.remove(name) { completion($0) }
    }
  }

  /// Whether there is a fleet; it never changes.
  let hasFleet: Bool

  /// Ends this host's part of the fleet.
  func leaveFleet() async {
    try? await loop.submit { self.bound.value.fleet?.close() }.get()
  }

  /// What is known of a registration under way.
  func pending(_ key: RegistrationKey, completion: @escaping @Sendable (PendingJob?) -> Void) {
    loop.execute { completion(self.bound.value.pending(key)) }
  }

  /// Calls `listener` for every registration that ends, on the engine's loop. It replaces an earlier listener.
  func forEachEnding(_ listener: @escaping @Sendable (Ending) -> Void) {
    loop.execute { self.bound.value.forEachEnding(listener) }
  }

  /// Figures for `status` and `metrics`.
  func report() -> EventLoopFuture<EngineReport> {
    loop.submit { self.bound.value.report }
  }

  /// Calls `body` on the engine's loop; for the watchdog.
  func onLoop(_ body: @escaping @Sendable () -> Void) {
    loop.execute(body)
  }

  /// Sets the limits of targets; the rest of the configuration stays.
  ///
  /// - Parameter targets: Called on the engine's loop, where no reload comes between.
  func setTargets(_ targets: @escaping @Sendable () -> [TargetName: TargetLimits]) async {
    try? await loop.submit { self.bound.value.setTargets(targets()) }.get()
  }

  func reconfigure(_ configuration: Registrar.Configuration, targets: [TargetName: TargetLimits]) async {
    try? await loop.submit { self.bound.value.reconfigure(configuration, targets: targets) }.get()
  }

  /// Accepts no more requests and waits until no caller waits for an answer, at most for `limit`. Then refuses the
  /// callers that still wait.
  func drain(limit: Duration) async {
    let promise = loop.makePromise(of: Void.self)
    loop.execute { self.bound.value.drain { promise.succeed() } }
    let end = loop.scheduleTask(in: TimeAmount(limit)) { self.bound.value.endDraining() }
    try? await promise.futureResult.get()
    end.cancel()
  }
}
