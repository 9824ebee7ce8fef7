import CertRegCore
import Synchronization

/// What an endpoint is like.
package struct SandboxConfiguration: Sendable {
  package var account: SandboxAccount
  /// `nil` accepts every request, signed or not.
  package var signatures: SignatureVerifier?
  /// Operations that nobody may use: UnauthorizedException.
  package var denied: Set<SandboxOperation.Name>
  /// What each operation may be called a second; `nil` sets no limit.
  package var throttle: ThrottleRate?
  package var faults: FaultPlan

  package init(
    account: SandboxAccount = SandboxAccount(), signatures: SignatureVerifier? = nil,
    denied: Set<SandboxOperation.Name> = [], throttle: ThrottleRate? = nil, faults: FaultPlan = .none
  ) {
    self.account = account
    self.signatures = signatures
    self.denied = denied
    self.throttle = throttle
    self.faults = faults
  }
}

/// What becomes of a request.
package struct SandboxAnswer: Sendable {
  /// `nil` closes the connection instead.
  package var response: SandboxResponse?
  /// How long to wait before.
  package var latency: Duration
  /// The operation that was asked for, where it is one.
  package var operation: SandboxOperation.Name?
}

/// The endpoint as a function from requests to answers: everything but the sockets.
package final class SandboxEndpoint: Sendable {
  private struct State: Sendable {
    var register: SandboxRegister
    var file: StateFile?
    var buckets: [SandboxOperation.Name: TokenBucket] = [:]
    var generator: SeededGenerator
  }

  private let configuration: SandboxConfiguration
  private let judge: any CertificateJudge
  private let clock: SandboxClock
  /// Protects the register, its file, the token buckets and the random numbers: calls take effect one after the other.
  private let state: Mutex<State>

  /// - Parameters:
  ///   - stateFile: Where the register is kept, with what was in it; `nil` starts with an empty register in memory.
  ///   - seed: Decides IDs and faults.
  package init(
    _ configuration: SandboxConfiguration, judge: any CertificateJudge,
    stateFile: (file: StateFile, register: SandboxRegister)? = nil, clock: SandboxClock = .system, seed: UInt64
  ) {
    self.configuration = configuration
    self.judge = judge
    self.clock = clock
    state = Mutex(
      State(
        register: stateFile?.register ?? SandboxRegister(account: configuration.account), file: stateFile?.file,
        generator: SeededGenerator(seed: seed)))
  }

  /// How many certificates are registered.
  package var certificateCount: Int {
    state.withLock { $0.register.count }
  }

  /// Carries out what `request` asks for.
  package func answer(_ request: SandboxRequest) -> SandboxAnswer {
    let now = clock.wallTime()
    let (requestID, draw) = state.withLock { state in
      (state.generator.nextID(), configuration.faults.draw(using: &state.generator))
    }
    var operation: SandboxOperation.Name?
    var response: SandboxResponse
    do throws(SandboxError) {
      let result = try carryOut(request, draw: draw, at: now, operation: &operation)
      response = try SandboxResponse(result)
    } catch {
      response = SandboxResponse(error)
    }
    response.headers += [
      ("x-amzn-RequestId", requestID.description), ("Content-Type", "application/json"), ("Date", now.httpDate),
    ]
    let isDropped = draw.isDropped && operation != nil
    return SandboxAnswer(response: isDropped ? nil : response, latency: draw.latency, operation: operation)
  }

  /// Answers a request whose body is longer than the server reads.
  package func answerTooLarge() -> SandboxResponse {
    let requestID = state.withLock { $0.generator.nextID() }
    var response = SandboxResponse(SandboxError(.requestEntityTooLarge, "The request body is too large"))
    response.headers += [
      ("x-amzn-RequestId", requestID.description), ("Content-Type", "application/json"),
      ("Date", clock.wallTime().httpDate),
    ]
    return response
  }

  // MARK: Steps

  /// Checks who asks, finds out for what, and does it. Faults befall calls that have come so far: who is not known is
  /// refused, however well the service is.
  ///
  /// - Returns: The operation's output; `nil` where it has none.
  private func carryOut(
    _ request: SandboxRequest, draw: FaultPlan.Draw, at now: WallTime, operation: inout SandboxOperation.Name?
  ) throws(SandboxError) -> (any Encodable)? {
    try configuration.signatures?.verify(request, at: now)
    let route = try SandboxOperation.route(method: request.method, path: request.path)
    operation = route.name
    if configuration.denied.contains(route.name) {
      throw SandboxError(.unauthorized, "You are not authorized to perform this operation.")
    }
    try throttle(route.name)
    if draw.moment == .before {
      if let error = draw.error { throw error }
      // The answer is thrown away: what matters is that nothing is done.
      if draw.isDropped { return nil }
    }
    let output = try perform(try SandboxOperation(route, query: request.query, body: request.body), at: now)
    if let error = draw.error { throw error }
    return output
  }

  private func throttle(_ operation: SandboxOperation.Name) throws(SandboxError) {
    guard let rate = configuration.throttle else { return }
    let now = clock.monotonicTime()
    let isAllowed = state.withLock { state in
      state.buckets[operation, default: TokenBucket(rate, at: now)].take(at: now)
    }
    if !isAllowed { throw SandboxError(.throttling, "Rate exceeded") }
  }

  private func perform(_ operation: SandboxOperation, at now: WallTime) throws(SandboxError) -> (any Encodable)? {
    let account = configuration.account
    switch operation {
    case .registerCertificateWithoutCA(let pem, let status):
      if let status { try SandboxRegister.checkRegistrable(status) }
      let certificate = try judge.judge(pem: pem, at: now)
      try change { state throws(SandboxError) in
        try state.register.registration(
          of: certificate, status: status, at: now, generationID: state.generator.nextID())
      }
      return SandboxOutput.RegisterCertificateWithoutCA(
        certificateArn: account.arn(of: certificate.id), certificateId: certificate.id.hex)

    case .describeCertificate(let id):
      let certificate = try state.withLock { state throws(SandboxError) in try state.register.describe(id) }
      return SandboxOutput.DescribeCertificate(
        certificateDescription: SandboxOutput.Description(certificate, of: account))

    case .listCertificates(let pageSize, let marker, let ascending):
      let page = state.withLock { $0.register.page(size: pageSize, after: marker, ascending: ascending) }
      return SandboxOutput.ListCertificates(
        certificates: page.certificates.map { SandboxOutput.Summary($0, of: account) }, nextMarker: page.next?.text)

    case .updateCertificate(let id, let status):
      try change { state throws(SandboxError) in try state.register.statusChange(of: id, to: status, at: now) }
      return nil

    case .deleteCertificate(let id, let forced):
      try change { state throws(SandboxError) in try state.register.deletion(of: id, forced: forced) }
      return nil
    }
  }

  /// Decides on a change, writes it to the file, and only then makes it.
  private func change(_ decide: (inout State) throws(SandboxError) -> RegisterChange) throws(SandboxError) {
    try state.withLock { state throws(SandboxError) in
      let change = try decide(&state)
      do throws(StateFileError) {
        try state.file?.append(change)
      } catch {
        throw SandboxError(.internalFailure, "The sandbox cannot write its state file")
      }
      state.register.apply(change)
    }
  }
}
