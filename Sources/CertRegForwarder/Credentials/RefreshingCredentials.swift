package import CertRegCore
package import CertRegSigV4
package import Logging
import Synchronization

/// Keeps a provider's credentials and renews them in time. One fetch at a time runs while the held credentials are
/// used.
package final class RefreshingCredentials: CredentialsSource {
  private typealias Outcome = Result<SigningCredentials, CredentialsError>

  private struct State {
    var refresh = CredentialRefresh()
    /// Calls that wait for the fetch that is under way.
    var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    var nextWaiter = 0
    /// The fetch under way, which `shutdown` ends.
    var fetch: Task<Void, Never>?
    /// The source's files as the last fetch found them.
    var fileVersions: [FileVersion?] = []
    var isShutDown = false
  }

  private let provider: any CredentialsProvider
  private let clock: HostClock
  private let files: HostFiles
  private let logger: Logger
  private let noticed: @Sendable (SigningCredentials) -> Void
  /// Protects the state machine and the waiters. Held for decisions only, never during a fetch or a look at files.
  private let state = Mutex(State())

  /// - Parameters:
  ///   - provider: The source.
  ///   - clock: Tells when credentials end.
  ///   - files: Tells whether files of the source have changed.
  ///   - logger: Records what a fetch brought.
  ///   - noticed: Takes every other set of credentials, before a call is signed with it.
  package init(
    provider: any CredentialsProvider, clock: HostClock, files: HostFiles, logger: Logger,
    noticed: @escaping @Sendable (SigningCredentials) -> Void = { _ in }
  ) {
    self.noticed = noticed
    self.provider = provider
    self.clock = clock
    self.files = files
    self.logger = logger
  }

  package func current() -> SigningCredentials? {
    noticeCorrection()
    return state.withLock { state in
      // A call that can wait starts the fetch.
      guard state.refresh.held != nil, state.refresh.errorForWaiting(now) == nil else { return nil }
      switch state.refresh.requested(now) {
      case .use(let credentials): return credentials
      case .useAndFetch(let credentials):
        startFetch(&state)
        return credentials
      case .fetch:
        startFetch(&state)
        return nil
      case .wait, .fail: return nil
      }
    }
  }

  package func credentials() async throws(CredentialsError) -> SigningCredentials {
    try await answer { refresh, now in refresh.requested(now) }
  }

  package func refresh(after rejected: SigningCredentials) async throws(CredentialsError) -> SigningCredentials {
    try await answer { refresh, now in refresh.wasRejected(rejected, now) }
  }

  package var provenance: ProvidedCredentials? {
    state.withLock { $0.refresh.held }
  }

  package func shutdown() async {
    let (fetch, waiters) = state.withLock { state in
      state.isShutDown = true
      defer { state.waiters = [:] }
      return (state.fetch, Array(state.waiters.values))
    }
    fetch?.cancel()
    for waiter in waiters { waiter.resume(returning: .failure(RefreshingCredentials.endedError)) }
    await fetch?.value
    await provider.shutdown()
  }

  private static let endedError = CredentialsError(.unavailable, "The call ended before there were credentials")

  private var now: CredentialRefresh.Now {
    CredentialRefresh.Now(wall: clock.wall, monotonic: clock.monotonic)
  }

  /// Asks the state machine and does what it says.
  private func answer(
    _ ask: @Sendable @escaping (inout CredentialRefresh, CredentialRefresh.Now) -> CredentialRefresh.Answer
  ) async throws(CredentialsError) -> SigningCredentials {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        noticeCorrection()
        let immediate = state.withLock { state -> Outcome? in
          if state.isShutDown { return .failure(RefreshingCredentials.endedError) }
          switch ask(&state.refresh, now) {
          case .use(let credentials): return .success(credentials)
          case .useAndFetch(let credentials):
            startFetch(&state)
            return .success(credentials)
          case .fail(let error): return .failure(error)
          case .fetch: startFetch(&state)
          case .wait: break
          }
          // A cancellation before this line found no waiter to resume.
          if Task.isCancelled { return .failure(RefreshingCredentials.endedError) }
          state.waiters[id] = continuation
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.resume(returning: .failure(RefreshingCredentials.endedError))
    }
    return try outcome.get()
  }

  /// Ends the pause after a refusal if somebody has changed a file of the source since. Files are looked at during such
  /// a pause only.
  private func noticeCorrection() {
    guard let before = state.withLock({ $0.refresh.isHeldBack(now) ? $0.fileVersions : nil }) else { return }
    let versions = provider.filePaths.map(files.version)
    guard versions != before else { return }
    state.withLock { state in
      // A fetch or another caller may have found the change meanwhile.
      guard state.refresh.isHeldBack(now), state.fileVersions == before else { return }
      state.fileVersions = versions
      state.refresh.sourceChanged(now)
    }
  }

  /// Starts a fetch. It belongs to no caller, because a caller that is cancelled must not end it for the others.
  private func startFetch(_ state: inout State) {
    state.fetch = Task { await fetch() }
  }

  private func fetch() async {
    // Before the source reads them: what is written from now on is a change.
    let versions = provider.filePaths.map(files.version)
    state.withLock { $0.fileVersions = versions }
    let result: Result<ProvidedCredentials, CredentialsError>
    do throws(CredentialsError) {
      if let provided = try await provider.fetch() {
        result = .success(provided)
      } else {
        result = .failure(
          CredentialsError(.notFound, "No AWS credentials; looked at \(provider.summary)"))
      }
    } catch {
      result = .failure(error)
    }
    if case .success(let provided) = result { noticed(provided.signing) }
    let (waiters, outcome, entry) = state.withLock {
      state -> ([CheckedContinuation<Outcome, Never>], Outcome, LogEntry?) in
      let before = state.refresh.held?.signing
      let now = now
      state.refresh.fetched(result, jitter: Double.random(in: 0..<1), now)
      state.fetch = nil
      defer { state.waiters = [:] }
      let outcome: Outcome
      if let error = state.refresh.errorForWaiting(now) {
        outcome = .failure(error)
      } else if let held = state.refresh.held {
        outcome = .success(held.signing)
      } else {
        outcome = .failure(RefreshingCredentials.endedError)
      }
      let isNews = before != state.refresh.held?.signing
      // A fetch that the shutdown has cancelled is no fault.
      let inUse: ProvidedCredentials? = if case .success = outcome { state.refresh.held } else { nil }
      let news = state.isShutDown ? nil : LogEntry(result, isNews: isNews, inUse: inUse)
      return (Array(state.waiters.values), outcome, news)
    }
    if let entry { logger.log(level: entry.level, entry.message, metadata: entry.metadata) }
    for waiter in waiters { waiter.resume(returning: outcome) }
  }
}

/// What the log says of a fetch.
private struct LogEntry {
  var level: Logger.Level
  var message: Logger.Message
  var metadata: Logger.Metadata

  /// - Parameters:
  ///   - isNews: Whether the fetch brought another set.
  ///   - inUse: The set that is used from now on; `nil`: there is none.
  /// - Returns: `nil` if there is nothing to say.
  init?(_ result: Result<ProvidedCredentials, CredentialsError>, isNews: Bool, inUse: ProvidedCredentials?) {
    switch result {
    case .success(let provided):
      guard isNews else { return nil }
      level = .info
      message = "using AWS credentials"
      metadata = [
        "credentials-source": "\(provided.source)", "access-key": "\(provided.signing.maskedAccessKeyID)",
        "expires": "\(provided.expiration?.rfc3339 ?? "never")",
      ]
    case .failure(let error):
      level = .warning
      message =
        inUse == nil ? "no AWS credentials" : "AWS credentials could not be renewed; the present ones are still used"
      metadata = ["error": "\(error.message)"]
      metadata["cause"] = error.cause.map { "\($0)" }
      if let inUse { metadata["expires"] = "\(inUse.expiration?.rfc3339 ?? "never")" }
    }
  }
}
