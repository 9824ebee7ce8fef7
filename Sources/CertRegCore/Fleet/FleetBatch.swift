/// One exchange with the database: what a member tells it and asks it, in one transaction. Parts that are empty cost
/// nothing.
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

  /// The most rows of members that are gone, and of members that are not known any more, that one exchange takes over.
  package static let (mostTakenOver, mostOrphans) = (20, 500)

  /// Results to tell, in their order; ``firstNumber`` is that of the first.
  package var results: [SharedResult] = []
  /// The number of the first of `results`.
  package var firstNumber: Int64 = 0
  /// Claims that are given up at the end of a registration.
  package var releases: [FleetKey] = []
  /// Claims that are given up without the answer to a call that another member may have made. If they record such a
  /// call, they stay in the database for the next member.
  package var leftClaims: [FleetKey] = []
  /// Questions whether this member may work on certificates.
  package var claims: [Claim] = []
  /// Certificates that other members hold, and that this one waits to revoke.
  package var revocations: [FleetKey] = []
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
  /// Whether to take over what is left of members that are not known any more.
  package var takesOrphans = false
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
  /// Whether to ask which claims of this member stand in the way of a revocation.
  package var hearsRevocations = false
  /// Registrations under way on this member.
  package var queued = 0
  /// The targets of this member: their texts, with the accounts that are known.
  package var targets: [String] = []
  /// The same as keys name them.
  package var targetsOfKeys: [String] = []

  package init() {}

  /// The most rows that others left behind that the reply may bring, beside ``fetchedRows``.
  var mostRowsOfOthers: Int { (takesOver ? Self.mostTakenOver : 0) + (takesOrphans ? Self.mostOrphans : 0) }

  /// Whether there is nothing but calls that are about to begin.
  package var isOnlyMarks: Bool {
    var bare = self
    bare.marks = []
    return !marks.isEmpty && bare.isEmpty
  }

  /// Whether there is nothing to tell or to ask, apart from the parts of a full one.
  var isEmpty: Bool {
    var bare = self
    bare.firstNumber = 0
    return bare == FleetBatch()
  }
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
