import CertRegCodec
package import CertRegCore
import Synchronization

/// The endpoint as a function from requests to answers: everything but the sockets.
package final class SandboxEndpoint: Sendable {
  private struct State: Sendable {
    var faults: FaultPlan
    var buckets: [SandboxOperation.Name: TokenBucket] = [:]
    var generator: SplitMix64
  }

  private let configuration: SandboxConfiguration
  private let judge: any CertificateJudge
  private let clock: HostClock
  private let store: RegisterStore
  /// Protects the faults, the token buckets and the random numbers that faults and IDs of requests are drawn with.
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
    var generator = SplitMix64(seed: seed)
    store = RegisterStore(
      register: stateFile?.register ?? SandboxRegister(account: configuration.account), file: stateFile?.file,
      seed: generator.next())
    state = Mutex(State(faults: configuration.faults, generator: generator))
  }

  /// How many certificates are registered.
  package var certificateCount: Int { store.certificateCount }

  /// Carries out a request.
  package func answer(_ request: SandboxRequest) -> SandboxAnswer {
    if configuration.isControlled, request.path == "/sandbox/faults" { return control(request) }
    let now = clock.wall
    let route = Result { () throws(SandboxError) in try SandboxOperation.route(request) }
    let operation = (try? route.get())?.operation
    let service = operation?.service ?? .iot
    var call = state.withLock { state in
      let faults = operation.map { state.faults.plan(for: $0.name) } ?? state.faults
      return Call(
        requestID: state.generator.nextID(), plan: state.faults, faults: faults,
        draw: faults.draw(using: &state.generator),
        now: now + faults.clockOffset)
    }
    var response: SandboxResponse
    var cause: String?
    do throws(SandboxError) {
      response = SandboxResponse(try carryOut(request, route, &call), service: service)
    } catch {
      cause = error.cause
      response = SandboxResponse(error.translated(for: service), service: service)
    }
    if let scripted = call.scripted, let status = scripted.status {
      response = SandboxResponse(scripted, status: status)
    }
    response.addStandardHeaders(requestID: call.requestID, date: call.now)
    let cut = call.operation == nil ? nil : call.scripted?.cut ?? call.draw.cut
    return SandboxAnswer(
      response: cut == nil ? response : nil, cut: cut ?? .closed, latency: call.draw.latency,
      bytesPerSecond: call.faults.bytesPerSecond, operation: call.operation, cause: cause)
  }

  /// The state of a request under way.
  private struct Call {
    var requestID: UniqueID
    /// The plan when the call came.
    var plan: FaultPlan
    /// The same as it applies to the operation.
    var faults: FaultPlan
    var draw: FaultPlan.Draw
    /// By the endpoint's clock.
    var now: WallTime
    /// `nil` until the caller is known.
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

  /// Checks the caller and carries the operation out. Faults come after the check of the caller: an unknown caller is
  /// refused whatever the state of the service.
  ///
  /// - Returns: The operation's output; `nil` if it has none.
  private func carryOut(
    _ request: SandboxRequest, _ route: Result<SandboxOperation.Route, SandboxError>, _ call: inout Call
  ) throws(SandboxError) -> JSONValue? {
    let service = (try? route.get())?.operation.service ?? .iot
    try configuration.signatures?.verify(request, service: service.signingName, at: call.now)
    if let keyID = request.accessKeyID, call.faults.expiredKeyIDs.contains(keyID) {
      throw SandboxError(.expiredToken, "The security token included in the request is expired")
    }
    let route = try route.get()
    let name = route.operation.name
    call.operation = name
    if configuration.denied.contains(name) {
      throw SandboxError(.unauthorized, "You are not authorized to perform this operation.")
    }
    if let rate = call.faults.throttle { try throttle(name, to: rate) }
    if call.draw.moment == .before {
      if let error = call.draw.error { throw error }
      // The answer is discarded; nothing is done.
      if call.draw.cut != nil { return nil }
    }
    call.scripted = state.withLock { $0.faults.takeAnswer(for: name) }
    if call.scripted?.isCarriedOut == false { return nil }
    let output = try route.operation.handler(
      OperationInput(route, request),
      OperationScope(
        account: configuration.account, store: store, judge: judge, now: call.now, draw: call.draw,
        faults: call.plan))
    if let error = call.draw.error { throw error }
    return output
  }

  private func throttle(_ operation: SandboxOperation.Name, to rate: ThrottleRate) throws(SandboxError) {
    let now = clock.monotonic
    let isAllowed = state.withLock { state in
      state.buckets[operation, default: rate.bucket].take(now: now) == nil
    }
    if !isAllowed { throw SandboxError(.throttling, "Rate exceeded") }
  }
}
