/// One exchange with the database: what a member tells it and asks it, in one transaction. Parts that are empty cost nothing.
package struct FleetBatch: Sendable, Equatable {
  /// A question whether this member may work on a certificate.
  package struct Claim: Sendable, Hashable {
    /// The certificate.
    package var key: FleetKey
    /// Whether the call may begin at once, so that the claim has to say that one may have been made.
    package var isCalled: Bool

    package init(key: FleetKey, isCalled: Bool) {
      self.key = key
      self.isCalled = isCalled
    }
  }

  /// A copy of a registration that a caller was told is safe.
  package struct Copy: Sendable, Hashable {
    /// The job's number on this member.
    package var sequence: Int64
    /// The certificate.
    package var key: FleetKey
    /// The registration in the form of the store; empty until it is filled in.
    package var request: [UInt8]

    package init(sequence: Int64, key: FleetKey, request: [UInt8] = []) {
      self.sequence = sequence
      self.key = key
      self.request = request
    }
  }

  /// Results to tell, in their order; ``firstNumber`` is that of the first.
  package var results: [SharedResult] = []
  /// The number of the first of `results`.
  package var firstNumber: Int64 = 0
  /// Claims that are given up.
  package var releases: [FleetKey] = []
  /// Questions whether this member may work on certificates.
  package var claims: [Claim] = []
  /// Claims whose call is about to begin.
  package var marks: [FleetKey] = []
  /// Questions of what is known of a certificate.
  package var finds: [FleetKey] = []
  /// Registrations whose callers are told that they are safe.
  package var copies: [Copy] = []
  /// Copies of registrations that have ended, by their sequence.
  package var endedCopies: [Int64] = []
  /// Rows of the queue that this member has taken over into its own, or that are done.
  package var endedRows: [Int64] = []
  /// Rows of this member whose registrations it has to read.
  package var fetchedRows: [Int64] = []
  /// Rows of this member that it can make nothing of: others may.
  package var leftRows: [Int64] = []
  /// Members to be taken for gone.
  package var removals: [String] = []
  /// Whether to take over what members left behind that are gone.
  package var takesOver = false
  /// Old claims and members that are long gone are to be removed.
  package var cleansUp = false
  /// Up to where the results of others are known.
  package var positions: [String: Int64] = [:]
  /// The paces that this member knows and needs.
  package var lanes: [FleetLane.Report] = []
  /// Whether the database may have this member's part of other lanes.
  package var endsOtherShares = false
  /// Whether the member says that it lives and hears of the others. The parts below are used only then.
  package var isFull = false
  /// Registrations under way on this member.
  package var queued = 0
  /// The targets of this member: their texts, with the accounts that are known.
  package var targets: [String] = []
  /// The same as keys name them.
  package var targetsOfKeys: [String] = []

  package init() {}

  /// Whether there is nothing to tell or to ask, apart from the parts of a full one.
  var isEmpty: Bool {
    var bare = self
    bare.firstNumber = 0
    return bare == FleetBatch()
  }
}

/// What the database answered to a ``FleetBatch``.
package struct FleetReply: Sendable {
  /// A registration that another member left behind.
  package struct Row: Sendable, Hashable {
    /// The number of the row.
    package var id: Int64
    /// The job's number on its member; negative where it was taken over.
    package var sequence: Int64
    /// The certificate.
    package var key: FleetKey
    /// The registration in the form of the store. Untrusted.
    package var request: [UInt8]

    package init(id: Int64, sequence: Int64, key: FleetKey, request: [UInt8]) {
      self.id = id
      self.sequence = sequence
      self.key = key
      self.request = request
    }
  }

  /// A member as the database knows it.
  package struct Member: Sendable, Hashable {
    /// The member's name.
    package var name: String
    /// The number of its last result.
    package var sent: Int64
    /// Registrations under way there.
    package var queued: Int
    /// The time since it was heard of, on the database's clock.
    package var heardOfSecondsAgo: Double
    /// Whether its work may be taken over.
    package var isGone: Bool
    /// The texts of its targets.
    package var targets: [String]
    /// When it joined, in microseconds of the database's clock.
    package var joined: Int64

    package init(
      name: String, sent: Int64, queued: Int, heardOfSecondsAgo: Double, isGone: Bool, targets: [String], joined: Int64
    ) {
      self.name = name
      self.sent = sent
      self.queued = queued
      self.heardOfSecondsAgo = heardOfSecondsAgo
      self.isGone = isGone
      self.targets = targets
      self.joined = joined
    }
  }

  /// Whether this member still is one. Otherwise nothing else of the reply counts, and it has to join again.
  package var isMember = true
  /// Results that hold in place of those that were told.
  package var corrections: [SharedResult] = []
  /// Claims that were granted, with whether an earlier holder may have made the call.
  package var granted: [FleetKey: Bool] = [:]
  /// What is known of the certificates of `claims` and `finds`.
  package var known: [FleetKey: SharedResult] = [:]
  /// Who works on them.
  package var holders: [FleetKey: String] = [:]
  /// The marks that were set. The claims of others were lost.
  package var marked: Set<FleetKey> = []
  /// What this member takes over from others that are gone, and the rows that it asked for.
  package var taken: [Row] = []
  /// The members that were taken for gone.
  package var removed: Set<String> = []
  /// News of other members, with their numbers.
  package var feed: [(member: String, number: Int64, result: SharedResult)] = []
  /// Whether there are more.
  package var hasMoreFeed = false
  /// All members, this one included.
  package var members: [Member] = []
  /// The paces that were asked about.
  package var lanes: [FleetLane.State] = []
  /// Microseconds since 1970 on the database's clock.
  package var time: Int64 = 0

  package init() {}
}

/// Who makes the call for a job, and where it is safe.
package struct FleetStanding: Hashable, Sendable {
  /// The member's name.
  package var member: String
  /// Whether the database has a copy of it.
  package var isInFleet: Bool

  package init(member: String, isInFleet: Bool) {
    self.member = member
    self.isInFleet = isInFleet
  }
}

/// How a member enters the fleet.
package struct FleetWelcome: Sendable {
  /// Tells this content of the database from that of any other.
  package var fleetID: String
  /// Whether the member last entered with the state directory that it has now.
  package var isSameState: Bool
  /// The number of this member's last result that the database has.
  package var sent: Int64
  /// The rows of the queue that are this member's, without the registrations.
  package var rows: [FleetReply.Row]
  /// The claims that are this member's.
  package var claims: [FleetKey]
  /// Microseconds since 1970 on the database's clock.
  package var time: Int64

  package init(
    fleetID: String, isSameState: Bool, sent: Int64, rows: [FleetReply.Row], claims: [FleetKey], time: Int64
  ) {
    self.fleetID = fleetID
    self.isSameState = isSameState
    self.sent = sent
    self.rows = rows
    self.claims = claims
    self.time = time
  }
}

/// Why a member is on its own.
package struct FleetProblem: Error, Hashable, Sendable {
  /// Stable words, for `status`.
  package enum Reason: String, CaseIterable, Sendable {
    case unreachable = "fleet_unreachable"
    case notInitialised = "fleet_not_initialised"
    case schemaNewer = "fleet_schema_newer"
    case schemaOlder = "fleet_schema_older"
    case refused = "fleet_refused"
    case nameTaken = "fleet_name_taken"
    case targetDiffers = "fleet_target_differs"
  }

  /// The word for it.
  package var reason: Reason
  /// For people: what is wrong and what to do.
  package var message: String

  package init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }
}
