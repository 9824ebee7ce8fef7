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
  /// Claims of this member that stand in the way of another member's revocation.
  package var revocations: [FleetKey] = []
  /// The marks that were set. The claims of others were lost.
  package var marked: Set<FleetKey> = []
  /// What this member takes over from others that are gone, and the rows that it asked for.
  package var taken: [Row] = []
  /// The members that were taken for gone.
  package var removed: Set<String> = []
  /// News of other members, with their numbers. A result that cannot be one is `nil`.
  package var feed: [(member: String, number: Int64, result: SharedResult?)] = []
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
  /// When the last full exchange with this state directory that the database has was, in microseconds since 1970 on its
  /// clock; 0: it has none.
  package var heard: Int64
  /// Microseconds since 1970 on the database's clock.
  package var time: Int64

  package init(
    fleetID: String, isSameState: Bool, sent: Int64, rows: [FleetReply.Row], claims: [FleetKey], heard: Int64,
    time: Int64
  ) {
    self.fleetID = fleetID
    self.isSameState = isSameState
    self.sent = sent
    self.rows = rows
    self.claims = claims
    self.heard = heard
    self.time = time
  }
}
