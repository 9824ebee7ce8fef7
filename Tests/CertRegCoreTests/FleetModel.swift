import CertRegCore

/// The fleet's database as a value. Each method is one transaction with the meaning of the statements of
/// `FleetStatements`; lanes are left out.
struct FleetModel {
  struct Identity {
    var name: String
    /// Tells state directories apart.
    var instance: Int
    var takeoverMilliseconds: Int64
  }

  struct Member {
    var instance: Int
    var takeover: Int64
    /// In the fleet's milliseconds.
    var heard: Int64
    /// Microseconds of the database's clock, as are all times. 0: no full exchange has come yet.
    var heardAt: Int64
    var joinedAt: Int64
    /// Changes with each join.
    var session: Int64 = 0
    var sent: Int64
    var queued = 0
    var targets: [String] = []
    var isRemoved = false
  }

  struct Claim: Hashable {
    /// Empty: nobody's.
    var member: String
    var isCalled: Bool
    var earlier: Bool
    var claimedAt: Int64
    var isRevoked = false
  }

  struct Row {
    var member: String
    var sequence: Int64
    var key: FleetKey
    var request: [UInt8]
  }

  struct Known {
    var result: SharedResult
    var member: String
    var number: Int64
  }

  /// Smaller than the statement's limits, so that several pages occur.
  static let pageSize = 5

  let id: String
  private(set) var members: [String: Member] = [:]
  private(set) var claims: [FleetKey: Claim] = [:]
  private(set) var queue: [Int64: Row] = [:]
  private(set) var results: [FleetKey: Known] = [:]
  private var nextRow: Int64 = 1
  /// Milliseconds in which the fleet was at work.
  private var active: Int64 = 0
  private var tickedAt: Int64

  init(id: String, now: Int64) {
    self.id = id
    tickedAt = now
  }

  /// Whether the work of a member may be taken over.
  func isGone(_ name: String) -> Bool {
    guard let member = members[name] else { return true }
    return member.isRemoved || active - member.heard > member.takeover
  }

  private mutating func tick(_ now: Int64) {
    active += min(1000, max(0, (now - tickedAt) / 1000))
    tickedAt = now
  }

  /// - Returns: `nil`: a living member has the name.
  mutating func join(_ identity: Identity, sent: Int64, ownSequences: Int64, now: Int64) -> FleetWelcome? {
    let before = members[identity.name]
    let isSameState = before?.instance == identity.instance
    let wasGone = isGone(identity.name)
    tick(now)
    guard before == nil || isSameState || wasGone else { return nil }
    if before != nil, !isSameState {
      for (key, claim) in claims where claim.member == identity.name { claims[key]?.member = "" }
    }
    let first = isSameState ? ownSequences : 1
    for (id, row) in queue where row.member == identity.name && row.sequence >= first { queue[id]?.sequence = -id }
    var member =
      before
      ?? Member(
        instance: identity.instance, takeover: 0, heard: 0, heardAt: 0, joinedAt: 0, sent: sent)
    if !isSameState { member.sent = max(member.sent, sent, now) }
    member.instance = identity.instance
    member.takeover = identity.takeoverMilliseconds
    if !isSameState || wasGone { member.joinedAt = now }
    member.session = max(member.session + 1, now)
    (member.heard, member.isRemoved) = (active, false)
    if !isSameState { member.heardAt = 0 }
    members[identity.name] = member
    let rows = queue.filter { $0.value.member == identity.name }.sorted { $0.key < $1.key }
    return FleetWelcome(
      fleetID: id, isSameState: isSameState, sent: member.sent,
      rows: rows.map { FleetReply.Row(id: $0.key, sequence: $0.value.sequence, key: $0.value.key, request: []) },
      claims: claims.filter { $0.value.member == identity.name }.keys.sorted(), heard: member.heardAt, time: now)
  }

  static func reply(_ id: Int64, _ row: Row) -> FleetReply.Row {
    FleetReply.Row(id: id, sequence: row.sequence, key: row.key, request: row.request)
  }

  // MARK: An exchange

  /// - Parameter session: That of the member's last join when the batch was sent.
  mutating func exchange(_ batch: FleetBatch, _ identity: Identity, session: Int64, now: Int64) -> FleetReply {
    let name = identity.name
    var reply = FleetReply()
    guard let member = members[name], member.instance == identity.instance, member.session == session, !member.isRemoved
    else {
      reply.isMember = false
      return reply
    }
    for (index, result) in batch.results.enumerated() {
      let present = tell(result, by: name, number: batch.firstNumber + Int64(index))
      if present.stamp != result.stamp || present.content?.outcome != result.content?.outcome
        || present.content?.certificateARN != result.content?.certificateARN
        || present.content?.status != result.content?.status
      {
        reply.corrections.append(present)
      }
    }
    for key in batch.releases where claims[key]?.member == name { claims[key] = nil }
    for key in batch.leftClaims where claims[key]?.member == name {
      if claims[key]?.earlier == true { claims[key]?.member = "" } else { claims[key] = nil }
    }
    for claim in batch.claims {
      if let isEarlier = take(claim, by: name, now: now) { reply.granted[claim.key] = isEarlier }
    }
    for key in batch.revocations where claims[key].map({ $0.member != name }) ?? false { claims[key]?.isRevoked = true }
    if batch.hearsRevocations {
      reply.revocations = claims.filter { $0.value.member == name && $0.value.isRevoked }.keys.sorted()
    }
    for key in batch.marks where claims[key]?.member == name {
      claims[key]?.isCalled = true
      reply.marked.insert(key)
    }
    for key in batch.claims.map(\.key) + batch.finds {
      reply.known[key] = results[key]?.result
      reply.holders[key] =
        claims[key].flatMap { isGone($0.member) ? nil : $0.member }
        ?? queue.filter { $0.value.key == key }.min { $0.key < $1.key }?.value.member
    }
    for copy in batch.copies { add(copy, by: name) }
    let ended = Set(batch.endedCopies)
    for (id, row) in queue where row.member == name && ended.contains(row.sequence) { queue[id] = nil }
    for id in batch.endedRows where queue[id]?.member == name { queue[id] = nil }
    for id in batch.leftRows where queue[id]?.member == name {
      guard var row = queue.removeValue(forKey: id) else { continue }
      (row.member, row.sequence) = ("", -id)
      queue[nextRow] = row
      nextRow += 1
    }
    for id in batch.fetchedRows {
      if let row = queue[id], row.member == name { reply.taken.append(Self.reply(id, row)) }
    }
    for member in batch.removals where members[member] != nil {
      members[member]?.isRemoved = true
      reply.removed.insert(member)
    }
    let sent = batch.results.isEmpty ? 0 : batch.firstNumber + Int64(batch.results.count) - 1
    if batch.isFull {
      endFull(batch, identity, sent: sent, now: now, &reply)
    } else {
      members[name]?.sent = max(member.sent, sent)
    }
    return reply
  }

  private mutating func tell(_ new: SharedResult, by name: String, number: Int64) -> SharedResult {
    guard let old = results[new.key] else {
      results[new.key] = Known(result: new, member: name, number: number)
      return new
    }
    let isLater = new.stamp > old.result.stamp
    var merged = isLater ? new : old.result
    var isNews = isLater
    if let oldContent = old.result.content, let newContent = new.content {
      let makesCreated = newContent.outcome == .created && oldContent.outcome != .created
      isNews = isLater || makesCreated || oldContent.certificateARN == nil && newContent.certificateARN != nil
      merged.content?.certificateARN =
        isLater
        ? newContent.certificateARN ?? oldContent.certificateARN
        : oldContent.certificateARN ?? newContent.certificateARN
      if makesCreated || oldContent.outcome == .created { merged.content?.outcome = .created }
    }
    results[new.key]?.result = merged
    if isNews { results[new.key] = Known(result: merged, member: name, number: number) }
    return merged
  }

  /// - Returns: Whether an earlier holder may have made the call; `nil`: another living member has the claim.
  private mutating func take(_ claim: FleetBatch.Claim, by name: String, now: Int64) -> Bool? {
    guard let before = claims[claim.key] else {
      claims[claim.key] = Claim(member: name, isCalled: claim.isCalled, earlier: false, claimedAt: now)
      return false
    }
    guard before.member == name || isGone(before.member) else { return nil }
    let isOwn = before.member == name
    let known = results[claim.key]?.result
    let wasKnown = known.map { $0.content != nil && $0.stamp < before.claimedAt } ?? false
    let isEarlier = before.earlier || before.isCalled && !isOwn && !wasKnown
    claims[claim.key] = Claim(
      member: name, isCalled: claim.isCalled || before.isCalled && isOwn, earlier: isEarlier,
      claimedAt: isOwn ? before.claimedAt : now, isRevoked: before.isRevoked && isOwn)
    return isEarlier
  }

  private mutating func add(_ copy: FleetBatch.Copy, by name: String) {
    for (id, row) in queue where row.member == name && row.sequence == copy.sequence { queue[id] = nil }
    queue[nextRow] = Row(member: name, sequence: copy.sequence, key: copy.key, request: copy.request)
    nextRow += 1
  }

  private mutating func endFull(
    _ batch: FleetBatch, _ identity: Identity, sent: Int64, now: Int64, _ reply: inout FleetReply
  ) {
    let name = identity.name
    if batch.takesOver {
      let left = queue.filter {
        $0.value.member != name && batch.targetsOfKeys.contains($0.value.key.target) && isGone($0.value.member)
      }
      for id in left.keys.sorted().prefix(Self.pageSize) {
        queue[id]?.member = name
        queue[id]?.sequence = -id
        if let row = queue[id] { reply.taken.append(Self.reply(id, row)) }
      }
    }
    let news = results.values.filter { known in
      guard let position = batch.positions[known.member], known.member != name else { return false }
      return known.number > position && members[known.member].map { $0.sent > position } ?? false
    }
    reply.feed = news.sorted { ($0.number, $0.member) < ($1.number, $1.member) }.prefix(Self.pageSize).map {
      ($0.member, $0.number, $0.result)
    }
    reply.hasMoreFeed = reply.feed.count >= Self.pageSize
    reply.members = members.sorted { $0.key < $1.key }.map { name, member in
      FleetReply.Member(
        name: name, sent: member.sent, queued: member.queued,
        heardOfSecondsAgo: Double(now - max(member.heardAt, member.joinedAt)) / 1_000_000, isGone: isGone(name),
        targets: member.targets,
        joined: member.joinedAt)
    }
    tick(now)
    guard var member = members[name] else { return }
    (member.heard, member.heardAt) = (active, now)
    (member.queued, member.targets) = (batch.queued, batch.targets)
    member.sent = max(member.sent, sent)
    members[name] = member
    reply.time = now
  }
}
