/// The pace of one operation in one target, which the members of a fleet have in common.
package enum FleetLane {
  /// Tells lanes apart.
  package struct ID: Hashable, Sendable, Comparable {
    /// The target's text: see ``FleetTarget``.
    package var target: String
    package var operation: String

    package init(target: String, operation: String) {
      self.target = target
      self.operation = operation
    }

    /// One order for all members, in which rows are locked.
    package static func < (left: ID, right: ID) -> Bool {
      (left.target, left.operation) < (right.target, right.operation)
    }
  }

  /// What the members have learnt of the account's rate.
  package struct Rate: Hashable, Sendable {
    /// Calls a second of all members together; `nil`: not paced.
    package var callsPerSecond: Double?
    /// The rate from which it rises at present; `nil`: it does not rise.
    package var climbingFrom: Double?
    /// The rate that it returns to after a throttle; `nil`: it does not return.
    package var returningTo: Double?

    package init(callsPerSecond: Double?, climbingFrom: Double? = nil, returningTo: Double? = nil) {
      self.callsPerSecond = callsPerSecond
      self.climbingFrom = climbingFrom
      self.returningTo = returningTo
    }
  }

  /// What a member says of a lane.
  package struct Report: Hashable, Sendable {
    /// The lane.
    package var id: ID
    /// Calls a second that it has work for.
    package var want: Double
    /// The part of the rate that it goes for, 0...1.
    package var share: Double
    /// The number of its calls that were throttled.
    package var throttles: Int
    /// What it has learnt since `version`; `nil`: nothing.
    package var learnt: Rate?
    /// The version of the rate that it knows; 0: none.
    package var version: Int64
    /// The rate to begin with where no member has said one.
    package var first: Rate
    /// Whether the database may have anything else.
    package var isNews: Bool

    package init(
      id: ID, want: Double, share: Double, throttles: Int, learnt: Rate?, version: Int64, first: Rate,
      isNews: Bool = true
    ) {
      self.id = id
      self.want = want
      self.share = share
      self.throttles = throttles
      self.learnt = learnt
      self.version = version
      self.first = first
      self.isNews = isNews
    }
  }

  /// A member's part of a lane.
  package struct Part: Hashable, Sendable {
    /// The member's name.
    package var member: String
    /// Calls a second that it has work for.
    package var want: Double
    package var share: Double
    /// The number of its calls that were throttled.
    package var throttles: Int

    package init(member: String, want: Double, share: Double, throttles: Int) {
      self.member = member
      self.want = want
      self.share = share
      self.throttles = throttles
    }
  }

  /// A lane as the database has it.
  package struct State: Hashable, Sendable {
    /// The lane.
    package var id: ID
    /// What the members have learnt of the rate.
    package var rate: Rate
    /// Counts the changes of `rate`, from 1.
    package var version: Int64
    /// The members that are not gone.
    package var parts: [Part]

    package init(id: ID, rate: Rate, version: Int64, parts: [Part]) {
      self.id = id
      self.rate = rate
      self.version = version
      self.parts = parts
    }
  }

  /// The part of the rate that a member goes for. Members with work get equal parts; what one of them has no use for is
  /// divided among the others. If nobody has work, every member has an equal part, so that it can begin at once.
  ///
  /// - Parameters:
  ///   - wants: Calls a second that the members have work for.
  ///   - index: The member among them.
  ///   - rate: Calls a second of all together.
  /// - Returns: 0...1.
  package static func share(of index: Int, wants: [Double], rate: Double) -> Double {
    let working = wants.filter { $0 > 0 }
    guard !working.isEmpty, rate > 0 else { return 1 / Double(max(1, wants.count)) }
    guard wants[index] > 0 else { return 0 }
    var left = rate
    var rest = working.count
    var level = 0.0
    for want in working.sorted() {
      level = left / Double(rest)
      if want >= level { break }
      left -= want
      rest -= 1
    }
    // The rest of the rate goes to members with work, whose need may grow.
    if rest == 0 { return min(1, wants[index] / rate + left / rate / Double(working.count)) }
    return min(1, min(wants[index], level) / rate)
  }
}
