import CertRegCore
import CertRegStore

/// The fleet as `status` tells it.
struct FleetReport: Sendable {
  struct Member: Sendable {
    var name: String
    var heardOfSecondsAgo: Double
    var queued: Int
    var isGone: Bool
    /// Calls a second by target.
    var shares: [(target: TargetName, callsPerSecond: Double)]
  }

  var isConnected: Bool
  var member: String
  var since: WallTime
  /// Host and database.
  var database: String
  var problem: FleetProblem?
  var members: [Member]
  var figures: FleetFigures
  /// Results that the database was not told yet.
  var untold: Int
}

/// Counts and times the exchanges with the database.
struct FleetFigures: Sendable {
  /// Those that succeeded.
  private(set) var exchangeTimes = Histogram()
  private(set) var failedExchanges = 0
  /// When the exchange under way began.
  private var beginning: MonotonicTime?

  mutating func began(at time: MonotonicTime) { beginning = time }

  mutating func ended(isSuccess: Bool, at time: MonotonicTime) {
    guard isSuccess else {
      failedExchanges += 1
      return
    }
    if let beginning { exchangeTimes.record(time - beginning) }
  }
}

extension SharedResult.Content {
  /// A result as other hosts have to know it.
  init(_ registration: Registration) {
    self.init(
      certificateARN: registration.certificateARN, outcome: registration.outcome, status: registration.status,
      requestID: registration.requestID, finishedAt: registration.finishedAt, basis: registration.basis,
      deviceID: registration.deviceID, provisioned: registration.provisioned?.record)
  }
}

extension Registration {
  /// Another host's result as this host keeps it.
  init(_ content: SharedResult.Content, of key: RegistrationKey) {
    self.init(
      key: key, certificateARN: content.certificateARN, outcome: content.outcome, status: content.status,
      requestID: content.requestID, finishedAt: content.finishedAt, basis: content.basis, deviceID: content.deviceID,
      provisioned: content.provisioned.flatMap { Provisioned(record: $0) })
  }
}

extension Registration {
  /// Whether another host's result is told in all that it knows; caller and verdict are each host's own.
  func isSameResult(as other: Registration) -> Bool {
    certificateARN == other.certificateARN && outcome == other.outcome && status == other.status
      && requestID == other.requestID && finishedAt == other.finishedAt && deviceID == other.deviceID
      && provisioned == other.provisioned
  }
}

/// What the fleet has to be told of a result.
struct FleetNews {
  enum What: Equatable {
    case result(Registration)
    /// It is read when it is told.
    case onDisk
    case forgotten
  }

  /// The key that the store has it under.
  var stored: RegistrationKey
  var stamp: Int64
  var what: What
}

/// Another host's result, and the key that the store has this host's under.
struct ResultOfOthers: Sendable {
  var result: SharedResult
  /// That of the note on disk.
  var number: Int64
  var key: RegistrationKey
  var stored: RegistrationKey
}

/// What this host knows of a result, compared with what others say.
struct PresentResult: Sendable {
  private var note: FleetNote?
  private var registration: Registration?

  /// Reads what is on disk of a stored result; `nil`: the disk fails. It waits for the disk.
  init?(_ stored: RegistrationKey, _ known: KnownResults) {
    do throws(StoreError) {
      registration = try known.store.registration(for: stored)
      if registration != nil { note = try known.store.fleetNote(of: stored) }
    } catch {
      return nil
    }
  }

  /// Whether the disk has a result of the certificate.
  var isKnown: Bool { registration != nil }

  /// Another host's result as this host keeps it; `nil`: what is on disk is not older.
  func completed(by result: SharedResult) -> SharedResult? {
    guard isOlder(than: result) else { return nil }
    var completed = result
    completed.content = result.content.map(completing)
    return completed
  }

  /// Another host's result with what this host knows better: that a call of its own made the registration, and what goes
  /// with the ARN.
  private func completing(_ content: SharedResult.Content) -> SharedResult.Content {
    guard let registration else { return content }
    var completed = content
    if registration.outcome == .created { completed.outcome = .created }
    if content.certificateARN == nil, let arn = registration.certificateARN {
      // The other host has set the status, and knows nothing else.
      let own = SharedResult.Content(registration)
      completed.certificateARN = arn
      completed.requestID = own.requestID
      completed.basis = own.basis
      completed.deviceID = own.deviceID
      completed.provisioned = own.provisioned
    }
    return completed
  }

  private func isOlder(than result: SharedResult) -> Bool {
    // A result that no client asked this host for stays in the database only.
    guard let registration else { return false }
    if let note, note.stamp > result.stamp { return false }
    guard let content = result.content else { return true }
    return note?.stamp != result.stamp || registration.outcome != content.outcome
      || registration.status != content.status || registration.certificateARN != content.certificateARN
  }
}
