// What goes into the registrar and what comes out of it.
extension Registrar {
  /// A number for a caller that waits, unique in the process.
  package typealias WaiterID = UInt64
  /// A number for a commit, unique in the process.
  package typealias CommitID = UInt64

  /// The limits of the queue.
  package struct Configuration: Hashable, Sendable {
    /// The most slots of the queue that registrations under way may take: see ``PendingRegistration/slots``.
    package var maxPending: Int
    /// How long a registration may take; after that it fails, once no call of it is under way. `nil`: as long as it likes. The age of
    /// what an earlier process left behind is counted from the wall clock of that time.
    package var maxAge: Duration?

    package init(maxPending: Int, maxAge: Duration?) {
      self.maxPending = maxPending
      self.maxAge = maxAge
    }
  }

  /// What a caller asks for, after the verdict on the certificate and a look at what is known.
  package struct Request: Sendable {
    /// The certificate and its target.
    package var key: RegistrationKey
    /// The certificate's DER encoding.
    package var der: [UInt8]
    /// What the verdict on the certificate rests on.
    package var basis: VerdictBasis
    /// The status that the caller named.
    package var namedStatus: CertificateStatus?
    /// The status that is sent: the named one, else the configured default, else none.
    package var status: CertificateStatus?
    /// What the caller wants for a certificate that exists.
    package var ifExists: IfExists
    /// The process that asks.
    package var requester: Requester
    /// The device's name; `nil`: the caller gave none.
    package var deviceID: DeviceID?
    /// Number of the connection that it came over. The connections of one user take turns.
    package var connection: UInt64
    /// What the caller waits for.
    package var expectation: Expectation
    /// The share of the queue that the caller has in common with others; `nil`: the whole queue is open to it.
    package var share: QueueShare?
    /// What is known of the certificate, whether or not it may still be answered; `nil`: nothing.
    package var earlier: EarlierResult?

    package init(
      key: RegistrationKey, der: [UInt8], basis: VerdictBasis, namedStatus: CertificateStatus?,
      status: CertificateStatus?, ifExists: IfExists, requester: Requester, deviceID: DeviceID? = nil,
      connection: UInt64 = 0, expectation: Expectation, share: QueueShare? = nil, earlier: EarlierResult? = nil
    ) {
      self.key = key
      self.der = der
      self.basis = basis
      self.namedStatus = namedStatus
      self.status = status
      self.ifExists = ifExists
      self.requester = requester
      self.deviceID = deviceID
      self.connection = connection
      self.expectation = expectation
      self.share = share
      self.earlier = earlier
    }
  }

  /// A part of the queue for some callers.
  package struct QueueShare: Hashable, Sendable {
    /// Names the callers that share it.
    package var name: String
    /// The most slots that their registrations may take.
    package var limit: Int

    package init(name: String, limit: Int) {
      self.name = name
      self.limit = limit
    }
  }

  /// What a caller waits for.
  package enum Expectation: Hashable, Sendable {
    /// The end of the registration, at the latest until the deadline.
    case result(deadline: MonotonicTime)
    /// That the request is safe on disk.
    case queued
  }

  /// What a caller is told.
  package enum Answer: Hashable, Sendable {
    case registered(Registration)
    case queued
    case failed(ServiceError)
  }

  /// How an answer relates to the registration that it is about.
  package enum Relation: Hashable, Sendable {
    /// It tells how the registration ended; `ended` says the same.
    case end
    /// The registration goes on without this caller.
    case goesOn
    /// The caller's request is refused, whatever became of the registration: none was begun, it never reached the disk, or its
    /// result is not what the caller asked for.
    case refused
  }

  /// What has to be done after an event.
  package enum Action: Hashable, Sendable {
    /// Make the changes durable together, in the order of the commits, then report it with `committed`.
    case commit(CommitID, [StoreChange])
    /// Make the call, then report it with `replied`.
    case call(RegistrationKey, UpstreamCall)
    /// Put the result into memory. It comes before the answers that tell of it.
    case remember(Registration)
    case answer(WaiterID, Answer, Relation)
    /// A registration ended; for `watch`, the log and the counters.
    case ended(Ending)
    /// A fault of this program, for the log.
    case report(ImpossibleEvent)
  }

  /// What is known of a registration under way, for `lookup`.
  package struct PendingView: Hashable, Sendable {
    package var registration: PendingRegistration
    /// `nil`: as soon as the pace allows.
    package var nextAttemptAfter: Duration?
  }

  /// State of one target, for `status`.
  package struct TargetView: Hashable, Sendable {
    /// How the target looks.
    package var health: TargetHealth
    /// Registrations that wait for their turn to call.
    package var queued: Int
    /// Calls under way.
    package var underWay: Int
    /// Calls a second that are allowed now; `nil`: not paced.
    package var ratePerSecond: Double?
    /// Calls that might begin at once; `nil`: not paced.
    package var tokens: Double?
    /// How many calls were throttled.
    package var throttles: Int
    /// The last error of a call; `nil`: there was none.
    package var lastError: ServiceError?
    /// When a call was answered last; `nil`: never.
    package var lastSuccessAt: WallTime?
  }
}
