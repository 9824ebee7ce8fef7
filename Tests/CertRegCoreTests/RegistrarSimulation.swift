import CertRegCore

/// A world for the core: a disk that fails; two upstreams that throttle, fail, lose answers and have other users;
/// callers with deadlines; reloads, drains, crashes and reboots. Time is virtual. Every choice comes from one seed.
///
/// `violations` collects every broken invariant.
struct RegistrarSimulation {
  /// A situation that the simulation is meant to reach. In a run of many seeds each one occurs.
  enum Event: CaseIterable {
    case answer, cachedAnswer, cacheExpiry, refresh, join, statusConflict, existsRefusal, describedStatus
    case device, provisioned, provisioningStep, stepRetried, activation, provisioningFailed, provisioningContinued
    case undescribed, describe, deviceMissing, deactivatedDevice, stepFailureKept
    case statusQuestion, begunAnew, provisioningResumed, provisioningShared, provisioningInherited, profileChanged,
      plainBesideDevice
    case update, sharedUpdate, secondStep, inheritance, failedStep, doubt, unknownCertificate, revocation
    case queueRefusal, shareRefusal, unknownTarget, drainingRefusal
    case crash, reboot, unsetClock, drain, diskFailure, forget, othersChange
    case queueExpiry, secondTargetCall, fairnessCheck, healthCheck
  }

  /// A caller that has no answer yet.
  struct Waiter {
    var key: RegistrationKey
    var purpose: JobPurpose
    var namedStatus: CertificateStatus?
    /// The named status, or the configured one.
    var status: CertificateStatus?
    var ifExists: IfExists
    /// What the caller wants to be made of the certificate.
    var provisioning: Provisioning?
    /// `nil`: the caller waits for `queued`.
    var deadline: MonotonicTime?
    /// How often the upstream had said that it has the certificate when the caller asked for what it says now; `nil`:
    /// the caller takes what is known.
    var refreshedAfter: Int?
  }

  /// A job under way as its actions show it.
  struct Flight {
    var uid: UInt32
    var purpose: JobPurpose
    var slots: Int
    var share: String?
    var since: MonotonicTime
    /// An earlier process began it.
    var isResumed = false
    /// The step of the provisioning that was called last.
    var lastStep: Int?
    /// It has a place at the target, and the call begins after the commit.
    var isBeginning = false
    /// The end of a step is on its way to disk. The commit may have failed.
    var isAdvancing = false
    /// Its end is decided. The commit may have failed.
    var isEnding = false
    var wasAwaited = false
    /// When a check first found it overdue with no call and no commit under way.
    var lateSince: MonotonicTime?
  }

  /// What a reload changes.
  struct Settings {
    var targets: Set<TargetName>
    var maxAge: Duration?
    /// Age up to which the cache answers.
    var timeToLive: Duration?
    var rate = 50.0
  }

  static let first = TargetName("first")
  static let second = TargetName("second")
  static let certificates: UInt64 = 8
  static let maxPending = 10
  static let share = Registrar.QueueShare(name: "few", limit: 3)
  static let maxConcurrent = [first: 3, second: 2]

  var violations: [Violation] = []
  private(set) var firstFailure: (step: Int, violation: Violation)?
  private(set) var reached: [Event: Int] = [:]

  let mutant: Mutant?
  /// Whether the host has no clock of its own and is offline most of the time.
  let isRemote: Bool
  var random: SplitMix64
  var clock = SimulatedClock()
  var disk = SimulatedDisk()
  var upstream: SimulatedUpstream
  var core: SimulatedCore
  var settings: Settings
  /// When the process started or `queue.maxAge` changed last.
  var changedAt: MonotonicTime
  /// Targets that did not answer a call of this process, throttled it or refused its identity.
  var troubledTargets: Set<TargetName> = []
  var isDraining = false
  var nextWaiter: SimulatedCore.WaiterID = 1
  var waiting: [SimulatedCore.WaiterID: Waiter] = [:]
  var flights: [JobID: Flight] = [:]
  /// Jobs whose calls may begin now that a commit has ended.
  var committed: Set<JobID> = []
  var turns = SimulatedTurns()
  /// Registrations that left the queue for a call in the last event.
  var turnsOfEvent = 0
  /// The queue before the next event; empty where it is not known.
  var queuedBefore: Set<JobID> = []
  var calls: [SimulatedUpstream.Call] = []
  /// Calls of a process that is gone: they may still take effect.
  var orphans: [SimulatedUpstream.Call] = []
  /// The version of its certificate that a job's last answered call made or saw, and that a call made whose answer was
  /// lost.
  var answered: [JobID: Int] = [:]
  var lost: [JobID: Int] = [:]
  /// Everything that was ever asked to be made of a certificate.
  var devices: [Device: Provisioning] = [:]
  /// Jobs that were to ask the upstream whatever was known.
  var refreshes: Set<JobID> = []
  /// Updates that were acknowledged and have not ended.
  var promisedUpdates: Set<JobID> = []
  /// The last update of each certificate that ended well.
  var lastUpdates: [RegistrationKey: JobID] = [:]
  /// How often the upstream has said that it has a certificate.
  var registerReplies: [RegistrationKey: Int] = [:]
  /// Jobs whose certificate was revoked or deactivated when the upstream said that it exists.
  var keptFromActivation: Set<JobID> = []
  /// Certificates that were ACTIVE with a complete device, as far as the disk was told since it last knew nothing.
  var activeDevices: Set<RegistrationKey> = []
  /// The status in the upstream's last reply, while the core takes it.
  var described: (id: JobID, status: CertificateStatus)?
  /// The job whose call ended, while the core takes the reply.
  var replied: JobID?

  var now: Moment { clock.now }

  init(seed: UInt64, mutant: Mutant? = nil) {
    self.mutant = mutant
    var random = SplitMix64(seed: seed)
    isRemote = Int.random(in: 0..<4, using: &random) == 0
    settings = Settings(targets: [Self.first, Self.second])
    upstream = SimulatedUpstream(describingTargets: [Self.first], seed: random.next())
    core = SimulatedCore(
      maxPending: Self.maxPending, maxAge: nil, makePlan: Self.plan(mutant), seed: random.next())
    self.random = random
    clock.reboot(isSet: !isRemote)
    changedAt = clock.now.monotonic
    for _ in 0..<20 { letOthersPrepare() }
    if isRemote {
      upstream.unwellTargets = [Self.first, Self.second]
      settings.maxAge = .seconds(200)
    }
    reload()
  }

  mutating func run(steps: Int) {
    for number in 1...steps {
      step()
      checkCounts()
      if firstFailure == nil, let violation = violations.first { firstFailure = (number, violation) }
    }
    settle()
  }

  mutating func reach(_ event: Event) { reached[event, default: 0] += 1 }

  private mutating func step() {
    if isDraining, oneIn(25) { drain() }
    if settings.targets.count < 2, oneIn(40) { restoreTargets() }
    if !disk.isWell, oneIn(20) { disk.isWell = true }
    if !isRemote, oneIn(60) { (upstream.unwellTargets, upstream.unwellOperations) = ([], []) }
    switch Int.random(in: 0..<200, using: &random) {
    case 0..<44: ask()
    case 44..<98: endCommit()
    case 98..<148: endCall()
    case 148..<172: pass(.milliseconds(Int64.random(in: 1...400, using: &random)))
    case 172..<175:
      let part = Duration.milliseconds(Int64.random(in: 200...(isRemote ? 24_000 : 14_000), using: &random))
      for _ in 0..<5 { pass(part) }
    case 175..<179: if !isRemote || oneIn(8) { toggleUpstream() }
    case 179..<181: disk.isWell.toggle()
    case 181: describe()
    case 182..<185: forget()
    case 185..<188: letOthersUseUpstream()
    case 188..<193: if isRemote, !oneIn(4) { clock.networkTimeCame() } else { changeSettings() }
    case 193..<195: drain()
    case 195..<197: clock.networkTimeCame()
    case 197: if isRemote || oneIn(2) { restart() }
    case 198: if oneIn(isRemote ? 2 : 8) { reboot() }
    default: break
    }
  }

  private mutating func restoreTargets() {
    settings.targets = [Self.first, Self.second]
    reload()
  }

  /// All becomes well; then everything has to end.
  private mutating func settle() {
    if isDraining { restart() }
    upstream.unwellTargets = []
    upstream.unwellOperations = []
    disk.isWell = true
    restoreTargets()
    for round in 0..<400 where !isSettled {
      while !disk.commits.isEmpty { endCommit() }
      while !orphans.isEmpty || !calls.isEmpty { endCall() }
      pass(.milliseconds(round < 20 ? 100 : 2000))
      checkCounts()
    }
    if core.pendingCount > 0 { violations.append(.neverEnds) }
    if !waiting.isEmpty { violations.append(.lostAnswer) }
    if !disk.isQueueEmpty { violations.append(.rowLeftBehind) }
    if !promisedUpdates.isEmpty { violations.append(.updateLost) }
  }

  private var isSettled: Bool {
    core.pendingCount == 0 && disk.commits.isEmpty && calls.isEmpty && waiting.isEmpty
  }

  mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

  mutating func anyKey() -> RegistrationKey {
    RegistrationKey(
      certificateID: CertificateID(words: (UInt64.random(in: 0..<Self.certificates, using: &random), 0, 0, 0)),
      target: oneIn(3) ? Self.second : Self.first)
  }

  mutating func anyStatus() -> CertificateStatus {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: .inactive
    case 1: .revoked
    default: .active
    }
  }
}
