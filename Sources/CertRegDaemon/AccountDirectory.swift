import CertRegCore
import CertRegHost
import Glibc
import Synchronization

/// The numbers of the accounts that rules name. A look-up may take long, so it runs on a thread of its own: requests
/// that depend on it wait, loops and workers do not.
final class AccountDirectory: Sendable {
  typealias Accounts = [AccountDatabase.Name: AccountDatabase.Answer]

  /// How long an answer of the database is used.
  static let lifetime = Duration.seconds(10)

  private struct State {
    var accounts: Accounts = [:]
    /// `nil`: before the first look-up has ended.
    var readAt: MonotonicTime?
    var isReading = false
    var waiting: [@Sendable (Accounts) -> Void] = []
  }

  private let names: Set<AccountDatabase.Name>
  private let database: AccountDatabase
  private let clock: HostClock
  private let state = Mutex(State())

  init(_ names: Set<AccountDatabase.Name>, database: AccountDatabase, clock: HostClock) {
    self.names = names
    self.database = database
    self.clock = clock
  }

  /// The answers for all names, where they are not too old.
  func current(at now: MonotonicTime) -> Accounts? {
    if names.isEmpty { return [:] }
    return state.withLock { state in
      guard let readAt = state.readAt, now - readAt < Self.lifetime else { return nil }
      return state.accounts
    }
  }

  /// Looks all names up and hands the answers to `completion`, on the thread of the look-up. Calls that come during a
  /// look-up share it.
  func lookUp(_ completion: @escaping @Sendable (Accounts) -> Void) {
    let begins = state.withLock { state in
      state.waiting.append(completion)
      defer { state.isReading = true }
      return !state.isReading
    }
    guard begins else { return }
    do throws(HostError) {
      try DetachedThread.run { self.read { self.database.lookUp($0) } }
    } catch {
      // Without a thread nothing can be decided by name.
      read { _ in .failed(errno: EAGAIN) }
    }
  }

  private func read(_ answer: (AccountDatabase.Name) -> AccountDatabase.Answer) {
    let accounts = Dictionary(uniqueKeysWithValues: names.map { ($0, answer($0)) })
    let now = clock.monotonic
    let waiting = state.withLock { state in
      state.accounts = accounts
      state.readAt = now
      state.isReading = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for completion in waiting { completion(accounts) }
  }
}
