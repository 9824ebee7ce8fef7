package import Logging

/// A kind of event that an operator may look for: `journalctl MESSAGE_ID=…`, or by name with `journalctl EVENT=…`.
///
/// The 128-bit identifiers were drawn at random once (sd-id128(3)) and never change.
package struct EventID: Hashable, Sendable {
  /// A stable snake_case word: the value of ``LogField/event``.
  package let name: String
  /// 32 lower-case hexadecimal digits: the value of the journal's `MESSAGE_ID`.
  package let messageID: String
  /// The limit on the number of entries.
  package let limit: Limit

  /// Limits that keep a kind of event from flooding the log.
  package enum Limit: Hashable, Sendable {
    /// No limit: every entry counts, and the upstream's pace or the queue bounds their number.
    case none
    /// Entries of the audit trail that clients can cause at any rate: see ``LogPipeline/auditLimiter``.
    case audit
    /// The default limit of each kind.
    case usual
    /// A condition that lasts, and that every further request meets: see ``LogPipeline/conditionLimiter``.
    case condition
  }

  private init(_ name: String, _ messageID: String, limit: Limit = .usual) {
    self.name = name
    self.messageID = messageID
    self.limit = limit
  }

  /// The daemon answers requests.
  package static let ready = EventID("ready", "cc0b401052104b9ca7e923a98f62afac")
  /// The daemon has begun to end.
  package static let stopping = EventID("stopping", "4a7d9e8d2e7442d1b6ccb56be104f90e")
  /// The daemon has ended.
  package static let stopped = EventID("stopped", "8b314ca36f3b4801943ee47bf5faa7d5")
  /// The daemon could not start.
  package static let startFailed = EventID("start_failed", "53a91b035be6436ebafa517a4429a508")
  /// A new configuration was taken.
  package static let reloaded = EventID("reloaded", "4f4b77230394443592e4b1f4159dc35e")
  /// A new configuration was refused; the old one stays.
  package static let reloadRefused = EventID("reload_refused", "2f7b8164ca9e4518869dc78e9719a740")
  /// The host is a member of its fleet.
  package static let fleetJoined = EventID("fleet_joined", "c6db638d3b936ebfee00c9cecb404904")
  /// The host works without the others of its fleet.
  package static let fleetAlone = EventID("fleet_alone", "2de9358c42dcdc1d50f6363247ebbdcd")
  /// The fleet's database has something that cannot be true, or that cannot be read.
  package static let fleetContentRefused = EventID(
    "fleet_content_refused", "a927ace94ee6753e2889414f1ea54cbc", limit: .condition)
  /// A registration ended with success.
  package static let registered = EventID("registered", "9b89727fd10e4f26b55add47509977c3", limit: .none)
  /// A registration ended without success.
  package static let registrationFailed = EventID(
    "registration_failed", "cef2f68ebb4548a58006aa457f1800f2", limit: .none)
  /// A registration without a waiting caller was accepted; another entry follows at its end.
  package static let registrationQueued = EventID(
    "registration_queued", "e04f6376cb7940a6bb2d97faf44dae1d", limit: .none)
  /// A request joined the registration of an earlier request and got its result.
  package static let registrationShared = EventID(
    "registration_shared", "31b8b0e2aa4e4b16b932f8b5d72bc653", limit: .audit)
  /// A request was answered with a known result. Only if the configuration turns these entries on.
  package static let registrationRepeated = EventID(
    "registration_repeated", "3121a5079905ed9140051bfdedfc9b3e", limit: .none)
  /// A request to register was refused, or its caller stopped waiting.
  package static let registrationRefused = EventID(
    "registration_refused", "22a5d7d8a18e48f799039ce0a98903d3", limit: .audit)
  /// The status of a certificate was set at a request of its own.
  package static let statusSet = EventID("status_set", "51f1b8e3c0a44d37b7a90e5ad2c68f14", limit: .none)
  /// The status of a certificate could not be set.
  package static let statusNotSet = EventID("status_not_set", "0c6e7d5fb94e4a2f8e1b3a7790d2c5e8", limit: .none)
  /// A known result was corrected, since a `describe` found something else.
  package static let resultCorrected = EventID("result_corrected", "0f70b23980f62a21f632f74b38619713", limit: .none)
  /// An upstream's answer named another certificate than the one sent, or too many accounts came before it.
  package static let upstreamMismatch = EventID("upstream_mismatch", "feff92cfa5464ba68d26b69523392b74")
  /// An upstream throttles calls.
  package static let upstreamThrottled = EventID("upstream_throttled", "d4c11e01cc514412b15917ea8431793a")
  /// An upstream cannot be reached or reports a fault of its own.
  package static let upstreamUnavailable = EventID("upstream_unavailable", "fc09d4291a034dbd8154f7e92712f02a")
  /// An upstream accepts calls again.
  package static let upstreamRecovered = EventID("upstream_recovered", "1785702e48e24597b873e4e5775160ef")
  /// An upstream refuses the daemon's identity, or there are no credentials.
  package static let identityRefused = EventID("identity_refused", "c678f4daff4d4e27aa5bd9e894fe25c9")
  /// The host's clock differs from an upstream's; signatures are corrected.
  package static let clockCorrected = EventID("clock_corrected", "b63daf39e5bb40d4a730a144f722b0c1")
  /// A peer sent a request that the access rules forbid, or the kernel does not tell who a peer is.
  package static let peerRefused = EventID("peer_refused", "a8c3d26c30c242a5a6bcda33216412d8")
  /// A limit on connections or descriptors is reached.
  package static let connectionsExhausted = EventID(
    "connections_exhausted", "1551bd8fb7844ae0ad19008b0b0187d6", limit: .condition)
  /// The queue is full.
  package static let queueFull = EventID("queue_full", "c673b2c6a859443c9d18e20d482cda16", limit: .condition)
  /// State cannot be read or written.
  package static let storeFailed = EventID("store_failed", "5fca095e1b3e4100b13eba57ff2aea7c")
  /// State can be written again.
  package static let storeRecovered = EventID("store_recovered", "366bb7f76e3a489d825c210c0d1c1c4f")
  /// State was damaged and set aside.
  package static let storeDamaged = EventID("store_damaged", "5cd93754314f4fa08733b85f83d5def4")
  /// A part of the daemon hangs, so the watchdog is not notified.
  package static let watchdogWithheld = EventID("watchdog_withheld", "14bdf5e25f6e422bb98087aad91960b8")
  /// The daemon is in a state that its own rules exclude. It continues; please report the fault.
  package static let internalFault = EventID("internal_fault", "6d1f0c7be2a84f0f9a35c1d4e0b7a8c2")
  /// Messages of one kind were held back.
  package static let messagesSuppressed = EventID("messages_suppressed", "b3d46a3363a3408e9eceb782b9d8511a")

  /// All kinds, in the order of the documentation.
  package static let all: [EventID] = [
    .fleetJoined, .fleetAlone, .fleetContentRefused,
    ready, stopping, stopped, startFailed, reloaded, reloadRefused, registered, registrationFailed,
    registrationQueued, registrationShared, registrationRepeated, registrationRefused, statusSet, statusNotSet,
    resultCorrected, upstreamMismatch, upstreamThrottled, upstreamUnavailable, upstreamRecovered, identityRefused,
    clockCorrected,
    peerRefused,
    connectionsExhausted, queueFull, storeFailed, storeRecovered, storeDamaged, watchdogWithheld, internalFault,
    messagesSuppressed,
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The kind with this name, if there is one.
  package static func named(_ name: String) -> EventID? { byName[name] }
}

extension Logger {
  /// Logs an event of a kind. The other members are those of `log(level:_:metadata:)`.
  package func log(
    _ level: Logger.Level, _ event: EventID, _ message: @autoclosure () -> Logger.Message,
    _ metadata: @autoclosure () -> Logger.Metadata = [:],
    file: String = #fileID, function: String = #function, line: UInt = #line
  ) {
    guard level >= logLevel else { return }
    var fields = metadata()
    fields[LogField.event] = .string(event.name)
    log(level: level, message(), metadata: fields, file: file, function: function, line: line)
  }
}
