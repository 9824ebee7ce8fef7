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
      deviceID: registration.deviceID, provisioned: DeviceRecord(registration)?.text)
  }
}

extension Registration {
  /// Another host's result as this host keeps it.
  init(_ content: SharedResult.Content, of key: RegistrationKey) {
    let device = content.provisioned.flatMap { DeviceRecord(text: $0) }
    self.init(
      key: key, certificateARN: content.certificateARN, outcome: content.outcome, status: content.status,
      requestID: content.requestID, finishedAt: content.finishedAt, basis: content.basis, deviceID: content.deviceID,
      provisioned: device?.provisioned, asked: device?.asked)
  }
}

extension PresentResult {
  /// Reads what is on disk of a stored result; `nil`: the disk fails. It waits for the disk.
  init?(_ stored: RegistrationKey, in store: any RegistrationStore) {
    do throws(StoreError) {
      guard let registration = try store.registration(for: stored) else {
        self.init(note: nil, content: nil)
        return
      }
      self.init(note: try store.fleetNote(of: stored), content: SharedResult.Content(registration))
    } catch {
      return nil
    }
  }
}
