// The registrar's input and output.
extension Registrar {
  /// A number for a waiting caller, unique in the process.
  package typealias WaiterID = UInt64
  /// A number for a commit, unique in the process.
  package typealias CommitID = UInt64

  /// The limits of the queue.
  package struct Configuration: Hashable, Sendable {
    /// The most slots of the queue that registrations under way may take: see ``PendingRegistration/slots``.
    package var maxPending: Int
    /// The greatest age of a registration. An older one fails once no call of it is under way. `nil`: no limit. The age
    /// of registrations of an earlier process counts from that process's wall clock.
    package var maxAge: Duration?

    package init(maxPending: Int, maxAge: Duration?) {
      self.maxPending = maxPending
      self.maxAge = maxAge
    }
  }

  /// A caller's request, after the verdict on the certificate and the look-up of known results.
  package struct Request: Sendable {
    /// The certificate and its target.
    package var key: RegistrationKey
    /// What the caller asks for.
    package var purpose: JobPurpose
    /// The certificate's DER encoding; empty where only its status is to be set.
    package var der: [UInt8]
    /// The basis of the verdict on the certificate.
    package var basis: VerdictBasis
    /// The status that the caller named.
    package var namedStatus: CertificateStatus?
    /// The status to send: the named one, else the configured default, else none.
    package var status: CertificateStatus?
    /// The caller's choice for a certificate that exists.
    package var ifExists: IfExists
    /// The caller's process.
    package var requester: Requester
    /// The device's name; `nil`: the caller gave none. Of an update it is the known one.
    package var deviceID: DeviceID?
    /// The number of the request's connection. The connections of one user take turns.
    package var connection: UInt64
    /// The event that the caller waits for.
    package var expectation: Expectation
    /// The share of the queue that the caller has in common with others; `nil`: the whole queue is open to it.
    package var share: QueueShare?
    /// Whether the upstream is to be asked about the certificate, whatever is known.
    package var refreshes: Bool
    /// The known result of the certificate, whether or not it may still be answered; `nil` if there is none.
    package var earlier: EarlierResult?
    /// The certificate as it is registered, where that is known and a status is to be set; `nil`: it is not known.
    package var registered: RegisteredCertificate?
    /// Where `registered` belongs: see ``JobFacts/home``.
    package var home: JobHome?
    /// Where the target points; `nil`: not known. See ``JobFacts/place``.
    package var place: JobHome?
    /// What makes a device of the certificate; `nil`: it is only registered.
    @Boxed package var provisioning: Provisioning?

    package init(
      key: RegistrationKey, purpose: JobPurpose = .register, der: [UInt8], basis: VerdictBasis,
      namedStatus: CertificateStatus?, status: CertificateStatus?,
      ifExists: IfExists, requester: Requester, deviceID: DeviceID? = nil,
      connection: UInt64 = 0, expectation: Expectation, share: QueueShare? = nil, refreshes: Bool = false,
      earlier: EarlierResult? = nil, registered: RegisteredCertificate? = nil, home: JobHome? = nil,
      place: JobHome? = nil, provisioning: Provisioning? = nil
    ) {
      self.key = key
      self.purpose = purpose
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
      self.refreshes = refreshes
      self.earlier = earlier
      self.registered = registered
      self.home = home
      self.place = place
      self.provisioning = provisioning
    }

    /// Takes a known result of the certificate, so that it is not registered again.
    ///
    /// - Parameters:
    ///   - registration: The result.
    ///   - home: Where it belongs.
    package mutating func takeKnown(_ registration: Registration, at home: JobHome?) {
      earlier = EarlierResult(registration)
      registered = RegisteredCertificate(registration)
      self.home = home
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

  /// The event that a caller waits for.
  package enum Expectation: Hashable, Sendable {
    /// The end of the registration, at the latest until the deadline.
    case result(deadline: MonotonicTime)
    /// That the request is safe on disk.
    case queued
  }

  /// The answer of a caller.
  package enum Answer: Hashable, Sendable {
    indirect case registered(Registration)
    indirect case updated(StatusUpdate)
    case queued
    indirect case failed(ServiceError)
  }

  /// How an answer relates to the registration that it is about.
  package enum Relation: Hashable, Sendable {
    /// The answer is the registration's end, which `ended` reports, too.
    case end
    /// The registration continues without this caller.
    case goesOn
    /// The caller's request is refused, independently of a registration: none was begun, it never reached the disk, or
    /// its result does not satisfy the request.
    case refused
  }

  /// An effect of an event, for the caller of the registrar to carry out. Large values are on the heap: actions are
  /// passed on several times.
  package enum Action: Hashable, Sendable {
    /// Make the changes durable together, in the order of the commits, then report it with `committed`.
    case commit(CommitID, [StoreChange])
    /// Make the call, then report it with `replied`.
    indirect case call(JobID, UpstreamCall)
    /// Put the result into memory, under the home that it belongs to; `nil`: its target's present one. This action
    /// precedes the answers with the result.
    indirect case remember(Registration, JobHome?)
    /// Change the status of the result in memory, under the home that it belongs to; `nil`: its target's present one.
    indirect case rememberStatus(StatusUpdate, JobHome?)
    /// Take the result out of memory: the disk has a truer one, or none.
    indirect case forget(RegistrationKey, JobHome?)
    case answer(WaiterID, Answer, Relation)
    /// A job ended; for `watch`, the log and the counters.
    case ended(JobID, Ending)
    /// A fault of this program, for the log.
    case report(ImpossibleEvent)
  }

  /// The state of a registration under way, for `lookup`.
  package struct PendingView: Hashable, Sendable {
    package var registration: PendingRegistration
    /// `nil`: as soon as the pace allows.
    package var nextAttemptAfter: Duration?
  }

  /// What this host needs and knows of the rate of an operation.
  package struct PaceView: Hashable, Sendable {
    package var operation: UpstreamOperation
    /// What this host knows of the rate of all hosts.
    package var rate: FleetLane.Rate
    /// Whether this host's own calls have changed the rate.
    package var isNews: Bool
    /// Jobs that wait for their turn to make the call, and calls under way.
    package var waiting: Int
    /// The number of throttled calls.
    package var throttles: Int
  }

  /// State of one operation of a target, for `status`.
  package struct CallView: Hashable, Sendable {
    package var operation: UpstreamOperation
    /// The present rate in calls a second; `nil` without a pace.
    package var ratePerSecond: Double?
    /// Jobs that wait for their turn to make the call, or for the next try.
    package var queued: Int
    /// Calls under way.
    package var underWay: Int
    /// The number of throttled calls.
    package var throttles: Int
  }

  /// State of one target, for `status`.
  package struct TargetView: Hashable, Sendable {
    /// The health of the target.
    package var health: TargetHealth
    /// Jobs that wait for their turn to call, or for the next try.
    package var queued: Int
    /// Calls under way.
    package var underWay: Int
    /// The present rate in calls a second; `nil` without a pace.
    package var ratePerSecond: Double?
    /// The number of calls that may begin at once; `nil` without a pace.
    package var tokens: Double?
    /// The number of throttled calls.
    package var throttles: Int
    /// The operations in use.
    package var calls: [CallView]
    /// The last error of a call; `nil`: there was none.
    package var lastError: ServiceError?
    /// The time of the last answer to a call; `nil` if there was none.
    package var lastSuccessAt: WallTime?
  }
}
