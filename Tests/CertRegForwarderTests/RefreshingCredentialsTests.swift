import CertRegCore
import CertRegSigV4
import CertRegTesting
import Logging
import Synchronization
import Testing

@testable import CertRegForwarder

@Suite struct RefreshingCredentialsTests {
  private func source(_ provider: GatedProvider, clock: ManualClock = ManualClock()) -> RefreshingCredentials {
    RefreshingCredentials(
      provider: provider, clock: clock.clock, files: MemoryFiles().files, logger: Logger(label: "test"))
  }

  @Test func `calls that come together share one fetch`() async throws {
    let provider = GatedProvider()
    let source = source(provider)
    #expect(source.current() == nil && source.provenance == nil)
    try await withThrowingTaskGroup(of: SigningCredentials.self) { group in
      for _ in 0..<50 { group.addTask { try await source.credentials() } }
      await provider.started(1)
      provider.finish(.success(provider.set("A")))
      for try await credentials in group { #expect(credentials.accessKeyID == "A") }
    }
    #expect(provider.fetches == 1)
    #expect(source.current()?.accessKeyID == "A" && source.provenance?.source == "test")
    await source.shutdown()
  }

  @Test func `a caller that is cancelled does not end the fetch for the others`() async throws {
    let provider = GatedProvider()
    let source = source(provider)
    let leaving = Task { try await source.credentials() }
    await provider.started(1)
    async let staying = source.credentials()
    leaving.cancel()
    await #expect(throws: CredentialsError.self) { try await leaving.value }
    provider.finish(.success(provider.set("A")))
    #expect(try await staying.accessKeyID == "A")
    #expect(provider.fetches == 1)
    await source.shutdown()
  }

  @Test func `a refresh goes on beside the use of the old set`() async throws {
    let clock = ManualClock()
    let provider = GatedProvider()
    let source = source(provider, clock: clock)
    async let first = source.credentials()
    await provider.started(1)
    provider.finish(.success(provider.set("A", end: clock.wall + .seconds(3600))))
    _ = try await first
    clock.advance(.seconds(3500))
    #expect(source.current()?.accessKeyID == "A")
    await provider.started(2)
    #expect(source.current()?.accessKeyID == "A")
    provider.finish(.success(provider.set("B", end: clock.wall + .seconds(3600))))
    clock.advance(.seconds(200))
    #expect(try await source.credentials().accessKeyID == "B")
    #expect(provider.fetches == 2)
    await source.shutdown()
  }

  @Test func `the log tells a failed renewal from a lack of credentials, and a shutdown from both`() async throws {
    let clock = ManualClock()
    let provider = GatedProvider()
    let entries = RecordedEntries()
    let source = RefreshingCredentials(
      provider: provider, clock: clock.clock, files: MemoryFiles().files,
      logger: Logger(label: "test") { _ in entries })
    func asked(_ number: Int, _ outcome: GatedProvider.Outcome) async {
      let asking = Task {
        if let held = source.current() { return try await source.refresh(after: held) }
        return try await source.credentials()
      }
      await provider.started(number)
      provider.finish(outcome)
      _ = try? await asking.value
    }
    await asked(1, .failure(CredentialsError(.unavailable, "the first fetch")))
    clock.advance(.seconds(60))
    let end = clock.wall + .seconds(3600)
    await asked(2, .success(provider.set("A", end: end)))
    await asked(3, .failure(CredentialsError(.unavailable, "the renewal")))
    let refused = try await source.credentials()
    clock.advance(.seconds(60))
    let waiting = Task { try await source.refresh(after: refused) }
    await provider.started(4)
    #expect(
      entries.recorded.map(\.message) == [
        "no AWS credentials", "using AWS credentials",
        "AWS credentials could not be renewed; the present ones are still used",
      ])
    #expect(entries.recorded.last?.metadata["expires"] == "\(end.rfc3339)")
    await source.shutdown()
    _ = try? await waiting.value
    #expect(entries.recorded.count == 3)
  }

  @Test func `refused credentials are replaced for all callers at once`() async throws {
    let provider = GatedProvider()
    let source = source(provider)
    async let first = source.credentials()
    await provider.started(1)
    provider.finish(.success(provider.set("A")))
    let old = try await first
    try await withThrowingTaskGroup(of: SigningCredentials.self) { group in
      for _ in 0..<20 { group.addTask { try await source.refresh(after: old) } }
      await provider.started(2)
      provider.finish(.success(provider.set("B")))
      for try await credentials in group { #expect(credentials.accessKeyID == "B") }
    }
    #expect(provider.fetches == 2)
    await source.shutdown()
  }

  @Test(arguments: [false, true])
  func `a corrected file is fetched at once, however long the pause after a refusal`(isFound: Bool) async throws {
    let clock = ManualClock()
    let files = MemoryFiles(["/credentials": "wrong"])
    let provider = GatedProvider(filePaths: ["/credentials"])
    let source = RefreshingCredentials(
      provider: provider, clock: clock.clock, files: files.files, logger: Logger(label: "test"))
    // Refused again and again: without an expectable end, or the file cannot be understood.
    for number in 1...8 {
      let asking = Task {
        if let held = source.current() { return try await source.refresh(after: held) }
        return try await source.credentials()
      }
      await provider.started(number)
      provider.finish(isFound ? .success(provider.set("wrong")) : .failure(CredentialsError(.invalid, "line 3")))
      _ = try? await asking.value
      clock.advance(.seconds(300))
    }
    clock.advance(.seconds(-299))
    let refused = source.current()
    if let refused { #expect(try await source.refresh(after: refused) == refused) }
    #expect(provider.fetches == 8)

    files.write("/credentials", "right")
    let asking = Task {
      if let held = source.current() { return try await source.refresh(after: held) }
      return try await source.credentials()
    }
    await provider.started(9)
    provider.finish(.success(provider.set("right")))
    #expect(try await asking.value.accessKeyID == "right")
    #expect(source.current()?.accessKeyID == "right")
    await source.shutdown()
  }

  @Test func `a look at files, which may take long, holds nobody up`() async throws {
    let provider = GatedProvider(filePaths: ["/credentials"])
    let looks = Looks()
    let files = HostFiles(
      version: { _ in
        // Another caller meanwhile: it must not wait for the look.
        looks.note(looks.source.withLock { $0 }?.provenance?.source)
        return nil
      }, read: { (path) throws(FileReadError) in throw FileReadError(description: path) })
    let source = RefreshingCredentials(
      provider: provider, clock: ManualClock().clock, files: files, logger: Logger(label: "test"))
    looks.source.withLock { $0 = source }
    let asking = Task { try await source.credentials() }
    await provider.started(1)
    provider.finish(.failure(CredentialsError(.invalid, "line 3")))
    await #expect(throws: CredentialsError.self) { try await asking.value }
    await #expect(throws: CredentialsError.self) { try await source.credentials() }
    // Before the fetch, and in the pause after it.
    #expect(looks.found.withLock { $0 } == [nil, nil] && provider.fetches == 1)
    await source.shutdown()
  }

  @Test func `without a source, the error lists the sources`() async throws {
    let provider = GatedProvider()
    let source = source(provider)
    let first = Task { try await source.credentials() }
    await provider.started(1)
    provider.finish(.success(nil))
    let error = await #expect(throws: CredentialsError.self) { try await first.value }
    #expect(error?.code == .notFound && error?.message.contains("a test") == true)
    let failure = UpstreamFailure(try #require(error))
    #expect(failure.error.kind == .unauthorized && failure.error.reason == "no_credentials")
    #expect(failure.error.retryable && failure.disposition == .identity && failure.error.origin == .daemon)
    await source.shutdown()
  }

  @Test func `shutting down ends waiting callers and the fetch under way`() async throws {
    let provider = GatedProvider()
    let source = source(provider)
    let waiting = Task { try await source.credentials() }
    await provider.started(1)
    await source.shutdown()
    await #expect(throws: CredentialsError.self) { try await waiting.value }
    await #expect(throws: CredentialsError.self) { try await source.credentials() }
    #expect(provider.isShutDown)
  }
}

/// Clocks that the test sets.
final class ManualClock: Sendable {
  private let passed = Mutex(Duration.zero)
  private static let start = CivilTime.wallTime(year: 2026, month: 11, day: 24)

  var wall: WallTime { Self.start + passed.withLock { $0 } }

  func advance(_ duration: Duration) { passed.withLock { $0 += duration } }

  var clock: HostClock {
    HostClock(
      monotonic: { MonotonicTime(nanoseconds: 1) + self.passed.withLock { $0 } }, wall: { self.wall })
  }
}

/// A provider whose fetches wait until the test ends them.
final class GatedProvider: CredentialsProvider {
  typealias Outcome = Result<ProvidedCredentials?, CredentialsError>

  private struct State {
    var fetches = 0
    var isShutDown = false
    var pending: CheckedContinuation<Outcome, Never>?
    var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())
  let filePaths: [String]

  init(filePaths: [String] = []) { self.filePaths = filePaths }

  var summary: String { "a test" }
  var fetches: Int { state.withLock { $0.fetches } }
  var isShutDown: Bool { state.withLock { $0.isShutDown } }

  func set(_ name: String, end: WallTime? = nil) -> ProvidedCredentials {
    ProvidedCredentials(
      signing: SigningCredentials(accessKeyID: name, secretAccessKey: "s"), expiration: end, source: "test")
  }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          state.fetches += 1
          state.pending = continuation
          let ready = state.watchers.filter { $0.count <= state.fetches }
          state.watchers.removeAll { $0.count <= state.fetches }
          return ready
        }
        for watcher in ready { watcher.continuation.resume() }
      }
    } onCancel: {
      finish(.failure(CredentialsError(.unavailable, "cancelled")))
    }
    return try outcome.get()
  }

  /// Returns once `count` fetches have started.
  func started(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let isStarted = state.withLock { state in
        if state.fetches >= count { return true }
        state.watchers.append((count, continuation))
        return false
      }
      if isStarted { continuation.resume() }
    }
  }

  /// Ends the fetch that is under way.
  func finish(_ outcome: Outcome) {
    let pending = state.withLock { state in
      defer { state.pending = nil }
      return state.pending
    }
    pending?.resume(returning: outcome)
  }

  func shutdown() async { state.withLock { $0.isShutDown = true } }
}

/// The looks at the files of a source, and what its credentials were meanwhile.
private final class Looks: Sendable {
  let source = Mutex<RefreshingCredentials?>(nil)
  let found = Mutex<[String?]>([])

  func note(_ name: String?) { found.withLock { $0.append(name) } }
}
