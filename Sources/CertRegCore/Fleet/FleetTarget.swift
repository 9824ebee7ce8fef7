/// A target as all members name it: by its name and the location of its upstream. Two members whose targets of one name
/// point to different locations have nothing in common there.
package struct FleetTarget: Hashable, Sendable {
  /// The name in the configuration.
  package let name: TargetName
  /// Where its upstream is.
  package let location: UpstreamLocation
  /// The account; `nil`: not known, or, in a key, the one that the fleet has at this location.
  package let account: AccountPrefix?
  /// Name and location with a space between them, and the account behind a tab, as the database has it.
  package let text: String
  /// Its hash in this process, for ``FleetKey``.
  let textHash: Int

  package init(name: TargetName, location: UpstreamLocation, account: AccountPrefix? = nil) {
    self.name = name
    self.location = location
    self.account = account
    text = "\(name) \(location)" + (account.map { "\t\($0.rawValue)" } ?? "")
    textHash = text.hashValue
  }

  /// Reads the text of a target; `nil` if it is none.
  package init?(text: String) {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let place = parts[1].split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    guard let location = place.first, !location.isEmpty else { return nil }
    let account = place.count == 2 ? AccountPrefix(rawValue: String(place[1])) : nil
    guard place.count == 1 || account != nil else { return nil }
    self.init(
      name: TargetName(String(parts[0])), location: UpstreamLocation(description: String(location)), account: account)
  }

  /// Those of a member's targets that are not the fleet's of that name, with the fleet's. The fleet's is that of the
  /// member that has been there longest, and its account the first that is known there.
  ///
  /// - Parameters:
  ///   - targets: The member's targets, with their accounts.
  ///   - member: The member's name.
  ///   - members: All members, as the database has them.
  package static func differing(
    _ targets: [FleetTarget], of member: String, among members: [FleetReply.Member]
  ) -> [(own: FleetTarget, fleets: FleetTarget, of: String)] {
    let others = members.filter { !$0.isGone && $0.name != member }
    let joined = members.first { $0.name == member }?.joined ?? .max
    let names = Set(targets.map(\.name))
    var told: [TargetName: [(target: FleetTarget, member: FleetReply.Member)]] = [:]
    for other in others.sorted(by: { ($0.joined, $0.name) < ($1.joined, $1.name) }) {
      for target in other.targets.lazy.compactMap(FleetTarget.init(text:)) where names.contains(target.name) {
        told[target.name, default: []].append((target, other))
      }
    }
    return targets.compactMap { own in
      let ofName = told[own.name] ?? []
      guard let eldest = ofName.first, eldest.member.joined < joined else { return nil }
      guard eldest.target.location == own.location else { return (own, eldest.target, eldest.member.name) }
      let known = ofName.first { $0.target.location == own.location && $0.target.account != nil }
      guard let known, let account = own.account, known.target.account != account, known.member.joined < joined else {
        return nil
      }
      return (own, known.target, known.member.name)
    }
  }
}

/// This member's targets beside the fleet's. There may be thousands of them, and members that tell their own: they are
/// compared again only where one of them has changed.
package struct FleetTargetComparison: Sendable {
  /// What the comparison depends on.
  private struct Member: Hashable {
    var name: String
    var joined: Int64
    var isGone: Bool
    var targets: [String]
  }

  private var targets: [FleetTarget] = []
  private var members: [Member] = []
  /// See ``FleetTarget/differing(_:of:among:)``.
  package private(set) var differing: [(own: FleetTarget, fleets: FleetTarget, of: String)] = []

  package init() {}

  /// - Parameters:
  ///   - targets: The member's targets, with their accounts.
  ///   - member: The member's name.
  ///   - present: All members, as the database has them.
  /// - Returns: Whether they were compared anew.
  package mutating func update(
    _ targets: [FleetTarget], of member: String, among present: [FleetReply.Member]
  ) -> Bool {
    let members = present.map { Member(name: $0.name, joined: $0.joined, isGone: $0.isGone, targets: $0.targets) }
    guard targets != self.targets || members != self.members else { return false }
    (self.targets, self.members) = (targets, members)
    differing = FleetTarget.differing(targets, of: member, among: present)
    return true
  }
}
