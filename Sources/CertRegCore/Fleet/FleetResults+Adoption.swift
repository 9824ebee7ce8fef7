// Results of others.
extension FleetResults {
  /// What becomes of another host's result that was compared with the disk.
  package enum Adoption: Sendable {
    /// It goes to the disk: see ``begin(_:_:telling:home:)``.
    case take(ResultOfOthers)
    /// It waits for a job of this host, which has to know that the certificate may have been revoked.
    case doubt(RegistrationKey)
    /// Nothing, at least for now.
    case none
  }

  /// Another host's result may be newer than this host's: it is compared with the disk.
  package mutating func adopt(_ other: ResultOfOthers) {
    let result = other.result
    // The database may complete a result without another stamp: with the ARN, or as `created`.
    guard adopting[result.key].map({ $0.stamp <= result.stamp && $0 != result }) ?? true else { return }
    adopting[result.key] = result
    unread.append(other)
  }

  /// The disk was read for a result of others.
  ///
  /// - Parameters:
  ///   - other: The result.
  ///   - present: What this host knows; `nil`: the disk failed.
  ///   - hasJob: Whether a job of the certificate is under way.
  package mutating func compared(_ other: ResultOfOthers, with present: PresentResult?, hasJob: Bool) -> Adoption {
    let key = other.result.key
    // What came meanwhile is newer.
    guard adopting[key] == other.result else { return .none }
    adopting[key] = nil
    guard let present else {
      failed(other)
      return .none
    }
    var taken = other
    if let completed = present.completed(by: other.result) {
      if completed != other.result { (taken.result, taken.number) = (completed, 0) }
      // The end of a job of this host is newer, if it is a result.
      return hasJob ? deferAdoption(of: taken) : .take(taken)
    }
    // An older result may be on its way to the disk.
    return !present.isKnown && (hasJob || unsettled[key] != nil) ? deferAdoption(of: taken) : .none
  }

  /// Adopts a result once no job of its certificate is under way, and no older result of others.
  private mutating func deferAdoption(of other: ResultOfOthers) -> Adoption {
    guard deferred[other.key].map({ $0.result.stamp <= other.result.stamp }) ?? true else { return .none }
    deferred[other.key] = other
    return other.result.mayBeRevocation ? .doubt(other.key) : .none
  }

  /// A result of others goes to the disk. ``ended(_:isKept:hasJob:)`` follows.
  ///
  /// - Parameters:
  ///   - other: The result.
  ///   - kept: The result as the disk keeps it; `nil`: it was forgotten.
  ///   - content: The same for the fleet.
  ///   - home: Where the target's upstream was.
  /// - Returns: The changes.
  package mutating func begin(
    _ other: ResultOfOthers, _ kept: Registration?, telling content: SharedResult.Content?, home: JobHome?
  ) -> [StoreChange] {
    adoptionsUnderWay += 1
    unsettled[other.result.key, default: 0] += 1
    let note = FleetNote(stamp: other.result.stamp, isForgotten: kept == nil, number: other.number)
    guard let kept, let content else { return [.forget(other.stored), .share(other.stored, note)] }
    if other.number == 0 {
      add(FleetNews(stored: other.stored, stamp: other.result.stamp, what: .result(content)), of: other.result.key)
    }
    return [.keep(kept, home), .share(other.stored, note)]
  }

  /// The disk has taken a result of others, or has not.
  ///
  /// - Parameters:
  ///   - other: The result.
  ///   - isKept: Whether the disk has taken it.
  ///   - hasJob: Whether a job of the certificate is under way.
  package mutating func ended(_ other: ResultOfOthers, isKept: Bool, hasJob: Bool) {
    adoptionsUnderWay -= 1
    if !isKept { failed(other) }
    settled(other.result.key, as: other.key, hasJob: hasJob)
  }

  /// The disk did not take what others told, or could not be read: it is tried again later.
  private mutating func failed(_ other: ResultOfOthers) {
    if let told = news[other.result.key], told.stamp == other.result.stamp { news[other.result.key] = nil }
    if failedAdoptions.count < mostNews { failedAdoptions.append(other) } else { hasLostAdoptions = true }
  }

  /// A result of others is compared with the disk, since it is to answer a request. ``settled(_:as:hasJob:)`` follows.
  package mutating func beginCheck(of key: FleetKey) { unsettled[key, default: 0] += 1 }

  /// Whether what is on its way to the disk is newer than a result of others.
  package func isBeingOutdated(_ result: SharedResult) -> Bool {
    news[result.key].map { $0.stamp > result.stamp } ?? false
  }

  /// A result of others was checked, or is on disk. What waited for it is adopted now.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - own: The certificate as this host names it; `nil`: this host has no such target any more.
  ///   - hasJob: Whether a job of the certificate is under way.
  package mutating func settled(_ key: FleetKey, as own: RegistrationKey?, hasJob: Bool) {
    let left = (unsettled[key] ?? 1) - 1
    unsettled[key] = left > 0 ? left : nil
    if left == 0, let own, !hasJob { adoptDeferred(own) }
  }

  /// A job ends with a result of others.
  package mutating func answer(_ id: JobID, with result: SharedResult, as registration: Registration) {
    answered[id] = (result, registration)
  }

  /// A job has ended. What waited for it is adopted now.
  package mutating func ended(_ id: JobID) {
    answered[id] = nil
    endStamps[id] = nil
    adoptDeferred(id.key)
  }

  private mutating func adoptDeferred(_ key: RegistrationKey) {
    if let other = deferred.removeValue(forKey: key) { again.append(other) }
  }

  /// What failed is tried again.
  ///
  /// - Returns: What has to be written first; `nil`: nothing.
  mutating func tryAgain(_ member: inout FleetMember, at time: MonotonicTime) -> FleetProgress? {
    hasUntold = hasUntold || hasUnreadable
    hasUnreadable = false
    var due: FleetProgress?
    if hasLostAdoptions {
      hasLostAdoptions = false
      // It comes once more, as news or as corrections.
      rewind(&member)
      due = tellAgain(after: 0, member, at: time)
    }
    again += failedAdoptions
    failedAdoptions = []
    return due
  }

  /// Whether all that others told is on disk.
  var hasAdoptedAll: Bool {
    adoptionsUnderWay == 0 && adopting.isEmpty && deferred.isEmpty && again.isEmpty && failedAdoptions.isEmpty
      && !hasLostAdoptions
  }
}
