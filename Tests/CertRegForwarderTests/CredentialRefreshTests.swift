import CertRegCore
import CertRegSigV4
import Testing

@testable import CertRegForwarder

@Suite struct CredentialRefreshTests {
  private static let start = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 8)
  private static let error = CredentialsError(.unavailable, "no answer")

  /// The time `seconds` after the start, by both clocks.
  private func at(_ seconds: Double) -> CredentialRefresh.Now {
    CredentialRefresh.Now(
      wall: Self.start + .seconds(seconds), monotonic: MonotonicTime(nanoseconds: 1) + .seconds(seconds))
  }

  private func set(_ name: String, lastingUntil seconds: Double?, recheckAfter: Duration? = nil) -> ProvidedCredentials
  {
    ProvidedCredentials(
      signing: key(name), expiration: seconds.map { Self.start + .seconds($0) }, source: "test",
      recheckAfter: recheckAfter)
  }

  private func key(_ name: String) -> SigningCredentials {
    SigningCredentials(accessKeyID: name, secretAccessKey: "s", sessionToken: "t")
  }

  @Test func `the first call fetches and the others wait for it`() {
    var refresh = CredentialRefresh()
    #expect(refresh.requested(at(0)) == .fetch)
    #expect(refresh.requested(at(0)) == .wait)
    #expect(refresh.requested(at(1)) == .wait)
    refresh.fetched(.success(set("A", lastingUntil: 3600)), jitter: 0, at(1))
    #expect(refresh.errorForWaiting(at(1)) == nil)
    #expect(refresh.requested(at(1)) == .use(key("A")))
  }

  @Test func `from 15 minutes before the end of a set, one fetch runs beside its use`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: 3600)), jitter: 0, at(0))
    #expect(refresh.requested(at(2699)) == .use(key("A")))
    #expect(refresh.requested(at(2700)) == .useAndFetch(key("A")))
    #expect(refresh.requested(at(2701)) == .use(key("A")))
    refresh.fetched(.success(set("B", lastingUntil: 6300)), jitter: 0, at(2702))
    #expect(refresh.requested(at(2703)) == .use(key("B")))
  }

  @Test func `a short session is refreshed at two thirds of its life`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: 900)), jitter: 0, at(0))
    #expect(refresh.requested(at(599)) == .use(key("A")))
    #expect(refresh.requested(at(600)) == .useAndFetch(key("A")))
  }

  @Test func `stations spread their refreshes`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: 3600)), jitter: 0.999, at(0))
    #expect(refresh.requested(at(2870)) == .use(key("A")))
    #expect(refresh.requested(at(2881)) == .useAndFetch(key("A")))
  }

  @Test func `a refresh that fails is repeated with growing pauses while the old set holds`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: 3600)), jitter: 0, at(0))
    var fetches = 0
    for second in 2700..<3600 {
      switch refresh.requested(at(Double(second))) {
      case .use: break
      case .useAndFetch:
        fetches += 1
        refresh.fetched(.failure(Self.error), jitter: 0.5, at(Double(second)))
      default: Issue.record("at \(second) the old set is not used")
      }
    }
    #expect((15...40).contains(fetches))
    #expect(refresh.requested(at(3700)) == .fetch)
    refresh.fetched(.failure(Self.error), jitter: 0.5, at(3700))
    #expect(refresh.errorForWaiting(at(3700)) == Self.error)
    #expect(refresh.requested(at(3701)) == .fail(Self.error))
  }

  @Test func `a fetch that fails is not repeated at once by each call`() {
    var refresh = CredentialRefresh()
    #expect(refresh.requested(at(0)) == .fetch)
    refresh.fetched(.failure(Self.error), jitter: 0.999, at(0))
    #expect(refresh.requested(at(0.5)) == .fail(Self.error))
    #expect(refresh.requested(at(2)) == .fetch)
  }

  @Test(arguments: [
    (CredentialsError.Code.invalid, 200...400), (.unavailable, 1500...2900), (.notFound, 1500...2900),
  ])
  func `a source that refuses is asked every few minutes, others each minute`(
    code: CredentialsError.Code, expected: ClosedRange<Int>
  ) {
    var refresh = CredentialRefresh()
    var fetches = 0
    for second in 0..<86_400 where refresh.requested(at(Double(second))) == .fetch {
      fetches += 1
      refresh.fetched(.failure(CredentialsError(code, "no")), jitter: 0.5, at(Double(second)))
    }
    #expect(expected.contains(fetches), "\(fetches)")
  }

  @Test func `refused credentials are fetched again once, not forever`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: nil)), jitter: 0, at(0))
    #expect(refresh.wasRejected(key("A"), at(1)) == .fetch)
    #expect(refresh.wasRejected(key("A"), at(1)) == .wait)
    refresh.fetched(.success(set("A", lastingUntil: nil)), jitter: 0, at(1))
    #expect(refresh.wasRejected(key("A"), at(1.2)) == .use(key("A")))
    #expect(refresh.wasRejected(key("A"), at(60)) == .fetch)
    refresh.fetched(.success(set("B", lastingUntil: nil)), jitter: 0, at(60))
    #expect(refresh.wasRejected(key("A"), at(60)) == .use(key("B")))
    #expect(refresh.wasRejected(key("B"), at(60)) == .fetch)
  }

  @Test func `a set that our clock calls ended is used all the same`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: -10)), jitter: 0, at(0))
    #expect(refresh.requested(at(1)) == .use(key("A")))
    #expect(refresh.requested(at(299)) == .use(key("A")))
    #expect(refresh.requested(at(301)) == .useAndFetch(key("A")))
  }

  @Test func `a cheap source is looked at again soon`() {
    var refresh = CredentialRefresh()
    _ = refresh.requested(at(0))
    refresh.fetched(.success(set("A", lastingUntil: nil, recheckAfter: .seconds(5))), jitter: 0, at(0))
    #expect(refresh.requested(at(4)) == .use(key("A")))
    #expect(refresh.requested(at(5)) == .useAndFetch(key("A")))
    refresh.fetched(.success(set("B", lastingUntil: nil, recheckAfter: .seconds(5))), jitter: 0, at(5))
    #expect(refresh.requested(at(6)) == .use(key("B")))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `random events keep one fetch at a time and never a set past its end`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var refresh = CredentialRefresh()
    var isFetching = false
    var time = 0.0
    var heldUntil: Double?
    var made = 0
    for _ in 0..<2000 {
      time += Double.random(in: 0...200, using: &random)
      let answer =
        Bool.random(using: &random) || refresh.held == nil
        ? refresh.requested(at(time))
        : refresh.wasRejected(refresh.held?.signing ?? key("?"), at(time))
      switch answer {
      case .fetch, .useAndFetch:
        #expect(!isFetching, "seed \(seed)")
        isFetching = true
      case .wait: #expect(isFetching, "seed \(seed)")
      case .use, .fail: break
      }
      switch answer {
      case .use(let given), .useAndFetch(let given):
        #expect(given == refresh.held?.signing && heldUntil.map { time < $0 } == true, "seed \(seed)")
      case .fetch, .wait, .fail: break
      }
      if isFetching, Bool.random(using: &random) {
        isFetching = false
        let jitter = Double.random(in: 0..<1, using: &random)
        if Bool.random(using: &random) {
          made += 1
          let end = time + Double.random(in: 1...4000, using: &random)
          heldUntil = end
          refresh.fetched(.success(set("K\(made)", lastingUntil: end)), jitter: jitter, at(time))
        } else {
          refresh.fetched(.failure(Self.error), jitter: jitter, at(time))
        }
      }
    }
  }
}
