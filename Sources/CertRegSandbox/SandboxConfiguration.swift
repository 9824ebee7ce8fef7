/// The configuration of an endpoint.
package struct SandboxConfiguration: Sendable {
  /// The account and region that the endpoint serves.
  package var account: SandboxAccount
  /// `nil` accepts every request, signed or not.
  package var signatures: SignatureVerifier?
  /// Operations that are answered with UnauthorizedException (GetServiceQuota: AccessDeniedException).
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
  /// Why the sandbox itself failed, for the log; `nil`: it did not.
  package var cause: String?
}
