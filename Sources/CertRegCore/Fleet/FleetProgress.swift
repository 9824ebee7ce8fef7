/// What a host's next process has to know of the fleet.
package struct FleetProgress: Hashable, Sendable {
  /// What numbers of results, and times in microseconds since 1970, can be: up to the year 3000.
  package static let numbers: ClosedRange<Int64> = 0...32_503_680_000_000_000

  /// The content of the database at the last exchange; `nil`: there was none.
  package var fleetID: String?
  /// How far the database's clock was ahead of this host's, in microseconds; 0 if unknown.
  package var offsetMicroseconds: Int64 = 0
  /// Results of this host with a higher number, and all results of other members, which may be gone. 0: all results.
  /// `nil`: no retelling is under way.
  package var untoldAfter: Int64?
  /// The highest number of a result of this host that the database may have. Its note may have been replaced by another
  /// one.
  package var sentNumber: Int64 = 0
  /// By member, the number of the last result that this host has taken.
  package var positions: [String: Int64] = [:]
  /// When this host last heard what others told, in microseconds of the database's clock; 0 if unknown.
  package var newsAt: Int64 = 0

  package init(
    fleetID: String? = nil, sentNumber: Int64 = 0, positions: [String: Int64] = [:], newsAt: Int64 = 0
  ) {
    self.fleetID = fleetID
    self.sentNumber = sentNumber
    self.positions = positions
    self.newsAt = newsAt
  }
}

/// Decides when a host's progress is written, and which exchanges wait for that: nothing is told before the file says
/// what has to be told again, since a crash would leave no trace of it.
package struct FleetProgressWriter: Sendable {
  /// What is on disk, or will be once the write under way has ended.
  package private(set) var latest: FleetProgress
  /// Whether the file is being written, or waits for another try.
  private var isWriting = false
  /// Whether the last try failed. Meanwhile a full disk must not keep this host out of the fleet.
  private var isFailing = false
  /// Goes to the database once the file is written.
  private var heldBatch: FleetBatch?

  package init(_ latest: FleetProgress) { self.latest = latest }

  /// Whether what has to be told again is on disk, as far as the disk takes it.
  package var isSettled: Bool { !isWriting || isFailing }

  /// - Returns: What has to be written now; `nil`: nothing, or a write is under way and the rest follows it.
  package mutating func write(_ progress: FleetProgress) -> FleetProgress? {
    guard progress != latest else { return nil }
    latest = progress
    return begin()
  }

  private mutating func begin() -> FleetProgress? {
    guard !isWriting else { return nil }
    isWriting = true
    return latest
  }

  /// - Returns: What has to be written next, or the batch that waited.
  package mutating func wrote(_ progress: FleetProgress) -> (next: FleetProgress?, batch: FleetBatch?) {
    (isWriting, isFailing) = (false, false)
    return progress == latest ? (nil, takeBatch()) : (begin(), nil)
  }

  /// The file could not be written. ``retry()`` follows after a while.
  ///
  /// - Returns: The batch that waited.
  package mutating func failed() -> FleetBatch? {
    isFailing = true
    return takeBatch()
  }

  /// - Returns: What has to be written.
  package mutating func retry() -> FleetProgress? {
    isWriting = false
    return begin()
  }

  /// - Returns: The batch, if it may go to the database now; otherwise it waits.
  package mutating func pass(_ batch: FleetBatch) -> FleetBatch? {
    if isSettled || latest.untoldAfter == nil { return batch }
    heldBatch = batch
    return nil
  }

  private mutating func takeBatch() -> FleetBatch? {
    defer { heldBatch = nil }
    return heldBatch
  }
}
