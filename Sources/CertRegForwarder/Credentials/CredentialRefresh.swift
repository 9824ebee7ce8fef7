import CertRegCore
import CertRegSigV4

/// Decides when credentials are used, fetched and waited for. It has no effects: each event returns what to do.
///
/// A set of credentials is used until its end. In the time before its end (15 minutes, or a third of its life if that
/// is less) one fetch at a time runs beside its use. After a failed fetch the next one waits, longer each time.
struct CredentialRefresh {
  /// Readings of both clocks: the wall clock is compared with expirations, the monotonic clock paces fetches.
  struct Now {
    var wall: WallTime
    var monotonic: MonotonicTime
  }

  /// What a caller gets.
  enum Answer: Equatable {
    case use(SigningCredentials)
    /// Use these, and start a fetch in the background.
    case useAndFetch(SigningCredentials)
    /// Start a fetch and wait for it.
    case fetch
    /// Wait for the fetch that is under way.
    case wait
    case fail(CredentialsError)
  }

  static let advisoryWindow = Duration.seconds(15 * 60)
  /// How long a set that had ended when it was fetched is used before the next fetch. The host's clock may be wrong,
  /// and instance metadata serves such sets while it cannot renew them: only the upstream knows whether they are valid.
  static let recheckExpired = Duration.seconds(5 * 60)
  static let firstBackoff = Duration.seconds(1)
  static let longestBackoff = Duration.seconds(60)
  /// After a refusal, which seldom passes by itself: a station may pay for what it sends. A file that is corrected ends
  /// the pause at once.
  static let longestBackoffOfRefusals = Duration.seconds(5 * 60)

  private enum Fetching {
    /// Followed by `underWay`.
    case idle
    /// Followed by `idle`.
    case underWay
  }

  private(set) var held: ProvidedCredentials?
  private var usableUntil: WallTime?
  private var refreshAt: WallTime?
  private var recheckAt: MonotonicTime?
  private var fetching = Fetching.idle
  private var failures = 0
  private var lastError: CredentialsError?
  private var notBefore: MonotonicTime?
  /// The set that the upstream refused last. If a fetch returns it unchanged, the next fetch waits.
  private var rejected: SigningCredentials?

  /// A call wants credentials.
  mutating func requested(_ now: Now) -> Answer {
    if let held, isUsable(now) {
      guard fetching == .idle, isDue(now), mayFetch(now) else { return .use(held.signing) }
      fetching = .underWay
      return .useAndFetch(held.signing)
    }
    return fetchOrWait(now)
  }

  /// The upstream refused `credentials`.
  mutating func wasRejected(_ credentials: SigningCredentials, _ now: Now) -> Answer {
    if let held, isUsable(now) {
      if held.signing != credentials { return .use(held.signing) }
      if fetching == .idle, rejected == credentials, !mayFetch(now) { return .use(held.signing) }
    }
    rejected = credentials
    return fetchOrWait(now)
  }

  /// Whether a refusal or a failed fetch keeps the next fetch waiting.
  func isHeldBack(_ now: Now) -> Bool { fetching == .idle && !mayFetch(now) }

  /// What the source reads has changed. The pause after a refusal or a failed fetch is over, and the next call fetches.
  mutating func sourceChanged(_ now: Now) {
    notBefore = nil
    failures = 0
    recheckAt = now.monotonic
  }

  /// The fetch under way has ended.
  ///
  /// - Parameter jitter: From 0 up to 1; spreads the refreshes of many stations.
  mutating func fetched(_ result: Result<ProvidedCredentials, CredentialsError>, jitter: Double, _ now: Now) {
    fetching = .idle
    switch result {
    case .success(let provided):
      let isUnchanged = rejected == provided.signing
      held = provided
      lastError = nil
      failures = isUnchanged ? failures + 1 : 0
      // An immediate fetch would return the refused set again.
      notBefore = isUnchanged ? now.monotonic + backoff(jitter, atMost: CredentialRefresh.longestBackoff) : nil
      recheckAt = provided.recheckAfter.map { now.monotonic + $0 }
      schedule(provided.expiration, jitter: jitter, now)
    case .failure(let error):
      failures += 1
      lastError = error
      let longest =
        error.code == .invalid ? CredentialRefresh.longestBackoffOfRefusals : CredentialRefresh.longestBackoff
      notBefore = now.monotonic + backoff(jitter, atMost: longest)
    }
  }

  /// The error for a waiting call; `nil` if the call gets `held`.
  func errorForWaiting(_ now: Now) -> CredentialsError? {
    if held != nil, isUsable(now) { return nil }
    return lastError ?? CredentialsError(.unavailable, "The daemon's credentials ended and no new ones came")
  }

  private mutating func fetchOrWait(_ now: Now) -> Answer {
    if fetching == .underWay { return .wait }
    if let lastError, !mayFetch(now) { return .fail(lastError) }
    fetching = .underWay
    return .fetch
  }

  private mutating func schedule(_ expiration: WallTime?, jitter: Double, _ now: Now) {
    guard let expiration else {
      usableUntil = nil
      refreshAt = nil
      return
    }
    let left = expiration - now.wall
    guard left > .zero else {
      usableUntil = nil
      refreshAt = now.wall + CredentialRefresh.recheckExpired * (1 + jitter)
      return
    }
    let window = min(CredentialRefresh.advisoryWindow, left / 3)
    usableUntil = expiration
    refreshAt = expiration + window * (jitter / 5 - 1)
  }

  /// Whether the held set has not ended.
  private func isUsable(_ now: Now) -> Bool {
    usableUntil.map { now.wall < $0 } ?? true
  }

  private func isDue(_ now: Now) -> Bool {
    refreshAt.map { now.wall >= $0 } ?? false || recheckAt.map { now.monotonic >= $0 } ?? false
  }

  private func mayFetch(_ now: Now) -> Bool {
    notBefore.map { now.monotonic >= $0 } ?? true
  }

  private func backoff(_ jitter: Double, atMost longest: Duration) -> Duration {
    let doubled = CredentialRefresh.firstBackoff * (1 << min(failures, 9))
    return min(doubled, longest) * (0.5 + jitter / 2)
  }
}
