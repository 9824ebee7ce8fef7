@testable import CertRegCore

/// What the simulation knows of what was asked and done.
struct FleetSimulationBook {
  /// A caller was told `queued`.
  struct Promise {
    var key: RegistrationKey
    var member: String
    /// Whether nothing was left of it where it was kept.
    var isLost = false
  }

  struct Noted {
    var at: MonotonicTime
    var process: SimulatedFleetProcess
  }

  var promises: [Promise] = []
  /// An answer was lost, or the member that made the call: `created` is right, whoever made the registration.
  var ambiguous: Set<RegistrationKey> = []
  /// All that told of our call is lost: `existing` is right, although the registration is ours.
  var unproven: Set<RegistrationKey> = []
  /// Forgotten at some time, also where nobody was told so.
  var everForgotten: Set<RegistrationKey> = []
  /// Whoever asks the upstream again may find what was its own, and forget that.
  var refreshed: Set<RegistrationKey> = []
  /// A status that is set shows that the certificate is there. A registration behind it takes it for an existing one,
  /// also where a member that is gone may have made it.
  var updated: Set<RegistrationKey> = []
  /// Dated by a host whose clock was never compared with the database's. What others do later counts from there.
  var undated: Set<RegistrationKey> = []
  /// When a change to ACTIVE was last asked for, by whatever request.
  var activationAskedAt: [RegistrationKey: MonotonicTime] = [:]
  /// When the database heard that a certificate is revoked, unless the fleet may have lost that since.
  var revokedAt: [RegistrationKey: MonotonicTime] = [:]
  var endings: [RegistrationKey: MonotonicTime] = [:]
  var lastEndings: [RegistrationKey: Noted] = [:]
  private var forgetsUnderWay: [RegistrationKey: [Noted]] = [:]
  var forgotten: [RegistrationKey: MonotonicTime] = [:]
  /// The state directory that noted the forget.
  var forgetters: [RegistrationKey: Int] = [:]
  /// Answers at the end.
  var last: [RegistrationKey: [Registrar.Answer]] = [:]
  var isAsking = false
  /// Only the status is known, or a member that is gone may have made the registration: whoever asks next finds out.
  var undecided: Set<RegistrationKey> = []

  mutating func noteForgotten(_ key: RegistrationKey, at time: MonotonicTime, on process: SimulatedFleetProcess) {
    everForgotten.insert(key)
    forgetsUnderWay[key, default: []].append(Noted(at: time, process: process))
  }

  mutating func confirmForgotten(_ key: RegistrationKey, on process: SimulatedFleetProcess) {
    guard let index = forgetsUnderWay[key]?.firstIndex(where: { $0.process === process }),
      let noted = forgetsUnderWay[key]?.remove(at: index)
    else { return }
    guard forgotten[key].map({ $0 < noted.at }) ?? true else { return }
    forgotten[key] = noted.at
    forgetters[key] = process.host.instance
  }
}

extension FleetSimulation {
  /// A broken invariant.
  enum Violation: Hashable {
    case promiseLost(String)
    case promiseNotInDatabase(String)
    case promiseLate(Duration)
    case requestFailed(String)
    case createdAlthoughNotOurs
    case existingAlthoughOurs(String)
    case releasedWithoutResult(by: String, String)
    case answeredWithOldResult(String)
    case answerWithoutARN(String)
    case waitsForDatabase(String)
    case jobNotCopied(String, Int64)
    case endedJobBeginsAgain(String, Int64)
    case callWithoutMark(by: String, String)
    case twoCalls(by: String, and: String, String)
    case notForgotten(String)
    case activatedAfterRevocation(by: String, String)
    case activatedUnknownStatus(by: String, String)
    case differentResults(String, host: String, database: String)
    case differentAnswers(String, [String])
    case callAtTheEnd(String)
    case claimLeft(String)
    case rowLeft(String)
    case neverQuiet(String)
    case tableNotEmpty(String)
    case impossibleEvent(String)
    case unreadableRow
  }
}
