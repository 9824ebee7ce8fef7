import CertRegCore

/// Reports that opening a store goes on, every few seconds while pages and rows are worked through. Nothing is reported
/// while nothing moves, so that a start that hangs still ends by its time-out. For one thread at a time.
final class OpeningProgress {
  /// Time between two reports, at least.
  static let interval = Duration.seconds(5)
  /// Time in which a piece of work between two reports ends, on a disk that is slow and well.
  static let allowance = Duration.seconds(60)
  /// Steps between two readings of the clock.
  private static let stepsPerReading = 16
  /// A memory card that is read in random order.
  private static let slowestDiskBytesPerSecond: Int64 = 2 << 20

  private let clock: HostClock
  private let onProgress: @Sendable (StoreProgress) -> Void
  private var work = "opening the state"
  private var pages: Int?
  private var page = 0
  private var steps = 0
  private var nextReport: MonotonicTime

  init(clock: HostClock, onProgress: @escaping @Sendable (StoreProgress) -> Void) {
    self.clock = clock
    self.onProgress = onProgress
    nextReport = clock.monotonic + OpeningProgress.interval
  }

  /// Names the work that the steps from now on belong to. `pages`: how many pages it has, where that is known.
  func begin(_ work: String, pages: Int? = nil) {
    self.work = work
    self.pages = pages
    page = 0
  }

  /// Notes a step that is done.
  func advance() {
    steps += 1
    guard steps.isMultiple(of: OpeningProgress.stepsPerReading) else { return }
    let now = clock.monotonic
    guard now >= nextReport else { return }
    nextReport = now + OpeningProgress.interval
    report(allowance: OpeningProgress.allowance)
  }

  /// Notes that everything before page `number` is done.
  func advance(to number: Int) {
    page = number
    advance()
  }

  /// Asks for time for work on `bytes` that cannot be seen from outside, such as SQLite's check of a tree.
  func expectUnseenWork(onBytes bytes: Int64) {
    let time = Duration.seconds(max(0, bytes) / OpeningProgress.slowestDiskBytesPerSecond)
    if time > OpeningProgress.interval { report(allowance: OpeningProgress.allowance + time) }
  }

  private func report(allowance: Duration) {
    let message = if let pages { "\(work): page \(page) of \(pages)" } else { work }
    onProgress(StoreProgress(message: message, allowance: allowance))
  }
}
