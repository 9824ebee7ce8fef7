import CertRegCodec
package import CertRegCore
import CertRegCrypto
import Synchronization

/// The configuration of an endpoint.
package struct SandboxConfiguration: Sendable {
  /// The account and region that the endpoint serves.
  package var account: SandboxAccount
  /// `nil` accepts every request, signed or not.
  package var signatures: SignatureVerifier?
  /// Operations that are answered with UnauthorizedException.
  package var denied: Set<SandboxOperation.Name>
  /// At first; see `isControlled`.
  package var faults: FaultPlan
  /// Whether `PUT /sandbox/faults` with a `FaultPlan` as JSON replaces the plan. Any client may send it.
  package var isControlled: Bool

  package init(
    account: SandboxAccount = SandboxAccount(), signatures: SignatureVerifier? = nil,
    denied: Set<SandboxOperation.Name> = [], faults: FaultPlan = .none, isControlled: Bool = false
  ) {
    self.account = account
    self.signatures = signatures
    self.denied = denied
    self.faults = faults
    self.isControlled = isControlled
  }
}

/// The answer to a request and how it is sent.
package struct SandboxAnswer: Sendable {
  /// `nil` if the connection is cut instead.
  package var response: SandboxResponse?
  /// How the connection ends if there is no response.
  package var cut = FaultPlan.Draw.Cut.closed
  /// How long to wait before.
  package var latency: Duration
  /// How fast the body is sent; `nil`: at once.
  package var bytesPerSecond: Int?
  /// The operation of the request; `nil` if the request names none.
  package var operation: SandboxOperation.Name?
}

/// The endpoint as a function from requests to answers: everything but the sockets.
package final class SandboxEndpoint: Sendable {
  private struct State: Sendable {
    var register: SandboxRegister
    var file: StateFile?
    var faults: FaultPlan
    var buckets: [SandboxOperation.Name: TokenBucket] = [:]
    var generator: SplitMix64

    /// The scripted answer to the next registration; `nil` if the plan has none.
    mutating func takeScriptedAnswer() -> FaultPlan.ScriptedAnswer? {
      guard let answer = faults.answers.first else { return nil }
      if answer.times > 1 { faults.answers[0].times -= 1 } else { faults.answers.removeFirst() }
      return answer
    }
  }

  private let configuration: SandboxConfiguration
  private let judge: any CertificateJudge
  private let clock: HostClock
  /// Protects the register, its file, the faults, the token buckets and the random numbers: calls take effect one at a time.
  private let state: Mutex<State>

  /// - Parameters:
  ///   - configuration: Account, signatures and faults.
  ///   - judge: Decides which certificates AWS IoT would accept.
  ///   - stateFile: The file of the register, with its content; `nil` starts with an empty register in memory.
  ///   - clock: The time of answers and of signatures.
  ///   - seed: Decides IDs and faults.
  package init(
    _ configuration: SandboxConfiguration, judge: any CertificateJudge,
    stateFile: (file: StateFile, register: SandboxRegister)? = nil, clock: HostClock, seed: UInt64
  ) {
    self.configuration = configuration
    self.judge = judge
    self.clock = clock
    state = Mutex(
      State(
        register: stateFile?.register ?? SandboxRegister(account: configuration.account), file: stateFile?.file,
        faults: configuration.faults, generator: SplitMix64(seed: seed)))
  }

  /// How many certificates are registered.
  package var certificateCount: Int {
    state.withLock { $0.register.count }
  }

  /// Carries out a request.
  package func answer(_ request: SandboxRequest) -> SandboxAnswer {
    if configuration.isControlled, request.path == "/sandbox/faults" { return control(request) }
    let now = clock.wall
    var call = state.withLock { state in
      Call(
        requestID: state.generator.nextID(), faults: state.faults, draw: state.faults.draw(using: &state.generator),
        now: now + state.faults.clockOffset)
    }
    var response: SandboxResponse
    do throws(SandboxError) {
      let result = try carryOut(request, &call)
      response = SandboxResponse(result)
    } catch {
      response = SandboxResponse(error)
    }
    if let scripted = call.scripted { response = SandboxResponse(scripted) }
    response.addStandardHeaders(requestID: call.requestID, date: call.now)
    let cut = call.operation == nil ? nil : call.draw.cut
    return SandboxAnswer(
      response: cut == nil ? response : nil, cut: cut ?? .closed, latency: call.draw.latency,
      bytesPerSecond: call.faults.bytesPerSecond, operation: call.operation)
  }

  /// The state of a request under way.
  private struct Call {
    var requestID: UniqueID
    /// The plan when the call came.
    var faults: FaultPlan
    var draw: FaultPlan.Draw
    /// By the endpoint's clock.
    var now: WallTime
    var operation: SandboxOperation.Name?
    var scripted: FaultPlan.ScriptedAnswer?
  }

  /// Replaces the plan in force.
  private func control(_ request: SandboxRequest) -> SandboxAnswer {
    var response: SandboxResponse
    if request.method == "PUT" {
      do throws(SandboxError) {
        let plan = try FaultPlan(json: try controlBody(request.body))
        state.withLock { state in
          state.faults = plan
          state.buckets = [:]
        }
        response = SandboxResponse(.object([]))
      } catch {
        response = SandboxResponse(error)
      }
    } else {
      response = SandboxResponse(SandboxError(.unknownOperation, "PUT sets the faults"))
    }
    response.addStandardHeaders(requestID: state.withLock { $0.generator.nextID() }, date: clock.wall)
    return SandboxAnswer(response: response, latency: .zero)
  }

  private func controlBody(_ body: [UInt8]) throws(SandboxError) -> JSONValue {
    do throws(SyntaxFault) {
      return try JSONValue(parsing: body)
    } catch {
      throw SandboxError(
        .invalidRequest, "not a plan of faults: \(error.expectation) at byte offset \(error.offset)")
    }
  }

  /// Answers a request whose body is longer than the server reads.
  package func answerTooLarge() -> SandboxResponse {
    let requestID = state.withLock { $0.generator.nextID() }
    var response = SandboxResponse(SandboxError(.requestEntityTooLarge, "The request body is too large"))
    response.addStandardHeaders(requestID: requestID, date: clock.wall)
    return response
  }

  // MARK: Steps

  /// Checks the caller, finds the operation and carries it out. Faults come after the check of the caller: an unknown
  /// caller is refused whatever the state of the service.
  ///
  /// - Returns: The operation's output; `nil` if it has none.
  private func carryOut(_ request: SandboxRequest, _ call: inout Call) throws(SandboxError) -> JSONValue? {
    try configuration.signatures?.verify(request, at: call.now)
    if let keyID = request.accessKeyID, call.faults.expiredKeyIDs.contains(keyID) {
      throw SandboxError(.expiredToken, "The security token included in the request is expired")
    }
    let route = try SandboxOperation.route(method: request.method, path: request.path)
    call.operation = route.name
    if configuration.denied.contains(route.name) {
      throw SandboxError(.unauthorized, "You are not authorized to perform this operation.")
    }
    if let rate = call.faults.throttle { try throttle(route.name, to: rate) }
    if call.draw.moment == .before {
      if let error = call.draw.error { throw error }
      // The answer is discarded; nothing is done.
      if call.draw.cut != nil { return nil }
    }
    if route.name == .registerCertificateWithoutCA {
      call.scripted = state.withLock { $0.takeScriptedAnswer() }
      if call.scripted?.isCarriedOut == false { return nil }
    }
    let output = try perform(try SandboxOperation(route, query: request.query, body: request.body), call)
    if let error = call.draw.error { throw error }
    return output
  }

  private func throttle(_ operation: SandboxOperation.Name, to rate: ThrottleRate) throws(SandboxError) {
    let now = clock.monotonic
    let isAllowed = state.withLock { state in
      state.buckets[operation, default: TokenBucket(rate, at: now)].take(at: now)
    }
    if !isAllowed { throw SandboxError(.throttling, "Rate exceeded") }
  }

  private func perform(_ operation: SandboxOperation, _ call: Call) throws(SandboxError) -> JSONValue? {
    let account = configuration.account
    let now = call.now
    switch operation {
    case .registerCertificateWithoutCA(let pem, let status):
      if let status { try SandboxRegister.checkRegistrable(status) }
      let certificate = try judge.judge(pem: pem, at: now)
      try change { state throws(SandboxError) in
        try state.register.registration(
          of: certificate, status: status, at: now, generationID: state.generator.nextID())
      }
      let named = call.draw.isLie ? SHA256.digest(of: "another than \(certificate.id.hex)") : certificate.id
      return .registration(of: named, in: account)

    case .describeCertificate(let id):
      let certificate = try state.withLock { state throws(SandboxError) in try state.register.describe(id) }
      return .description(of: certificate, in: account)

    case .listCertificates(let pageSize, let marker, let ascending):
      let page = state.withLock { $0.register.page(size: pageSize, after: marker, ascending: ascending) }
      return .list(of: page.certificates, next: page.next, in: account)

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
