/// A target as all members name it: by its name and the location of its upstream. Two members whose targets of one name
/// point to different locations have nothing in common there.
package struct FleetTarget: Hashable, Sendable {
  /// The name in the configuration.
  package var name: TargetName
  /// Where its upstream is.
  package var location: UpstreamLocation
  /// The account; `nil`: not known, or, in a key, the one that the fleet has at this location.
  package var account: AccountPrefix?

  package init(name: TargetName, location: UpstreamLocation, account: AccountPrefix? = nil) {
    self.name = name
    self.location = location
    self.account = account
  }

  /// Reads the text of a target; `nil` if it is none.
  package init?(text: String) {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return nil }
    let place = parts[1].split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    guard let location = place.first, !location.isEmpty else { return nil }
    self.init(name: TargetName(String(parts[0])), location: UpstreamLocation(description: String(location)))
    guard place.count == 2 else { return }
    account = AccountPrefix(rawValue: String(place[1]))
    if account == nil { return nil }
  }

  /// Name and location with a space between them, and the account behind a tab, as the database has it.
  package var text: String { "\(name) \(location)" + (account.map { "\t\($0.rawValue)" } ?? "") }

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
    let told = others.sorted { ($0.joined, $0.name) < ($1.joined, $1.name) }.flatMap { other in
      other.targets.compactMap { text in FleetTarget(text: text).map { (target: $0, member: other) } }
    }
    return targets.compactMap { own in
      let ofName = told.filter { $0.target.name == own.name }
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
