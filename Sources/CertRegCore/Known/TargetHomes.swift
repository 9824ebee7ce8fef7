/// Decides where the results of each target belong: which of them are answered, and under which name new ones are kept.
///
/// A target's location follows from its configuration. The account is learnt from ARNs, and the last one of a location
/// is assumed until another is learnt, or until credentials of another signer come. Then it is unknown until the next
/// ARN.
package struct TargetHomes: Sendable {
  /// One thing that was learnt. The notes of all processes, in order, make the homes again.
  package struct Note: Hashable, Sendable {
    /// The target.
    package var target: TargetName
    /// A location that the target's upstream had.
    package var location: UpstreamLocation
    /// The account that an ARN of the location named; `nil`: none was seen.
    package var account: AccountPrefix?
    /// Stands for the account that calls to the location are signed in; `nil`: the note names none.
    package var signer: String?

    package init(target: TargetName, location: UpstreamLocation, account: AccountPrefix?, signer: String? = nil) {
      self.target = target
      self.location = location
      self.account = account
      self.signer = signer
    }
  }

  private struct Record: Sendable {
    /// The home whose results are kept under the target's own name.
    var first: (location: UpstreamLocation, account: AccountPrefix?)
    /// The last account of each location, as long as the same signer calls it.
    var accounts: [UpstreamLocation: AccountPrefix] = [:]
    /// The last signer at each location.
    var signers: [UpstreamLocation: String] = [:]
    /// The accounts that ARNs of each location named in this process, and the last one of earlier processes.
    var named: [UpstreamLocation: Set<AccountPrefix>] = [:]
  }

  /// A target at one location can be in so many accounts one after the other, in the life of a process. It is in another
  /// one where an operator changes its credentials. An endpoint that names a new account with every answer must fill
  /// neither the memory nor the disk: each account's results have a name of their own.
  package static let mostAccounts = 64

  private var records: [TargetName: Record] = [:]
  private var current: [TargetName: ResultHome] = [:]
  /// Targets whose account is not that of the fleet's targets of that name.
  var apart: Set<TargetName> = []
  /// The last one made of each target: there is one of each but for results of earlier homes.
  private var fleetTargets: [TargetName: FleetTarget] = [:]

  /// - Parameter notes: What earlier processes learnt, in order.
  package init(_ notes: [Note] = []) {
    for note in notes { add(note) }
  }

  /// The least notes that make the homes again.
  package var notes: [Note] {
    records.flatMap { target, record in
      [Note(target: target, location: record.first.location, account: record.first.account)]
        + record.signers.flatMap { location, signer in
          // A change of the signer takes the account away, as it did here.
          (record.accounts[location] == nil ? ["", signer] : [signer]).map { signer in
            Note(target: target, location: location, account: nil, signer: signer)
          }
        } + record.accounts.map { Note(target: target, location: $0.key, account: $0.value) }
    }
  }

  /// The home whose results are answered for a target now.
  package func home(of target: TargetName) -> ResultHome {
    current[target] ?? ResultHome(target: target, location: nil, account: nil, isFirst: true)
  }

  /// Where a target's results belong that come from a location and name no account: the last account seen there is
  /// taken for the present one.
  func jobHome(of target: TargetName, at location: UpstreamLocation) -> JobHome {
    JobHome(location: location, account: records[target]?.accounts[location])
  }

  /// The location of a target's first home; `nil`: nobody has said yet where its upstream is.
  func firstLocation(of target: TargetName) -> UpstreamLocation? { records[target]?.first.location }

  /// A configuration says where a target's upstream is.
  ///
  /// - Returns: The note to keep, and whether other results are answered from now on.
  package mutating func point(_ target: TargetName, at location: UpstreamLocation) -> (note: Note?, isMove: Bool) {
    let note = Note(target: target, location: location, account: nil)
    let isNews = take(note)
    return (isNews ? note : nil, enter(target, location))
  }

  /// Credentials for calls to a location have come. Those of another signer may be of another account, which the next
  /// ARN tells; until then no result is answered.
  ///
  /// - Parameters:
  ///   - signer: See ``Note/signer``.
  ///   - target: The target.
  ///   - location: Where its upstream was when the credentials were asked for.
  /// - Returns: The note to keep, and whether other results are answered from now on.
  package mutating func sign(
    _ target: TargetName, at location: UpstreamLocation, by signer: String
  ) -> (note: Note?, isMove: Bool) {
    let note = Note(target: target, location: location, account: nil, signer: signer)
    let isNews = take(note)
    let isPresent = home(of: target).location == location
    return (isNews ? note : nil, isNews && isPresent && enter(target, location))
  }

  /// An upstream named an ARN.
  ///
  /// - Parameters:
  ///   - arn: The ARN of a certificate.
  ///   - target: The target that was called.
  ///   - location: Where the upstream was when it was called, which a reload may have changed since.
  ///   - signer: Whose keys signed the call; `nil`: not known. A call that keys of an earlier signer signed tells
  ///     nothing about the account that the target is in now.
  /// - Returns: The home of the result, the note to keep, and whether other results are answered from now on; `nil`:
  ///   the upstream has named ``mostAccounts`` others, and the ARN is not to be kept.
  package mutating func learn(
    arn: String, of target: TargetName, at location: UpstreamLocation, signedBy signer: String? = nil
  ) -> (home: ResultHome, note: Note?, isMove: Bool)? {
    let present = home(of: target)
    if present.location == location, let account = present.account, arn.hasPrefix(account.rawValue) {
      return (present, nil, false)
    }
    let note = Note(target: target, location: location, account: AccountPrefix(arn: arn))
    if let account = note.account, !admit(account, of: target, at: location) { return nil }
    if let signer, let now = records[target]?.signers[location], now != signer, note.account != nil {
      return (home(of: target, at: location, note.account), nil, false)
    }
    let isNews = take(note)
    let isMove = present.location == location && note.account != nil && enter(target, location)
    return (home(of: target, at: location, note.account), isNews ? note : nil, isMove)
  }

  /// - Returns: Whether the account is one of those that the target may be in.
  private mutating func admit(_ account: AccountPrefix, of target: TargetName, at location: UpstreamLocation) -> Bool {
    let named = records[target]?.named[location] ?? []
    guard !named.contains(account) else { return true }
    guard named.count < Self.mostAccounts else { return false }
    records[target]?.named[location, default: []].insert(account)
    return true
  }

  /// Takes a note of an earlier process, or of another value.
  package mutating func add(_ note: Note) { _ = take(note) }

  /// - Returns: Whether the note says anything new.
  private mutating func take(_ note: Note) -> Bool {
    guard var record = records[note.target] else {
      var record = Record(first: (note.location, note.account))
      record.accounts[note.location] = note.account
      if let account = note.account { record.named[note.location] = [account] }
      record.signers[note.location] = note.signer
      records[note.target] = record
      return true
    }
    if let signer = note.signer {
      let before = record.signers.updateValue(signer, forKey: note.location)
      guard before != signer else { return false }
      if before != nil { record.accounts[note.location] = nil }
      records[note.target] = record
      return true
    }
    guard let account = note.account, record.accounts[note.location] != account else { return false }
    record.accounts[note.location] = account
    record.named[note.location, default: []].insert(account)
    if record.first.location == note.location, record.first.account == nil { record.first.account = account }
    records[note.target] = record
    return true
  }

  /// - Returns: Whether the target's home is another than before.
  private mutating func enter(_ target: TargetName, _ location: UpstreamLocation) -> Bool {
    let home = home(of: target, at: location, records[target]?.accounts[location])
    return current.updateValue(home, forKey: target) != home
  }

  /// A home as the members of a fleet name it in keys; `nil`: nobody has said yet where it is.
  mutating func fleetTarget(of home: ResultHome) -> FleetTarget? {
    guard let location = home.location else { return nil }
    let account = apart.contains(home.target) ? home.account ?? records[home.target]?.accounts[location] : nil
    if let made = fleetTargets[home.target], made.location == location, made.account == account { return made }
    let target = FleetTarget(name: home.target, location: location, account: account)
    fleetTargets[home.target] = target
    return target
  }

  /// The target of results that are stored under a name, as the members of a fleet name it in keys; `nil`: not known,
  /// or they are of another account than the target is in now.
  mutating func fleetTarget(storedAs name: TargetName) -> FleetTarget? {
    let isApart = name.rawValue.utf8.contains(UInt8(ascii: "\n"))
    let parts = isApart ? name.rawValue.split(separator: "\n", omittingEmptySubsequences: false) : []
    let home: ResultHome
    if parts.count == 3 {
      let location = UpstreamLocation(description: String(parts[1]))
      home = self.home(of: TargetName(String(parts[0])), at: location, AccountPrefix(rawValue: String(parts[2])))
    } else {
      guard let first = records[name]?.first else { return nil }
      home = self.home(of: name, at: first.location, first.account)
    }
    if let account = home.account, let location = home.location, let present = records[home.target]?.accounts[location],
      account != present
    {
      return nil
    }
    return fleetTarget(of: home)
  }

  /// A home that was a target's at some time.
  func home(of target: TargetName, at location: UpstreamLocation, _ account: AccountPrefix?) -> ResultHome {
    if let present = current[target], present.location == location, present.account == account { return present }
    let first = records[target]?.first
    let isFirst = first.map { $0.location == location && ($0.account == nil || $0.account == account) } ?? true
    return ResultHome(target: target, location: location, account: account, isFirst: isFirst)
  }
}
