import CertRegCore
import CertRegForwarder
import CertRegSandbox
import Synchronization

/// The upstream clients of the configured targets.
final class TargetClients: Sendable {
  /// A client and the configuration that it was made from.
  private struct TargetClient: Sendable {
    var configuration: TargetConfiguration
    /// The file of authorities as it was when the client was made; `nil`: none.
    var authorities: FileVersion?
    var client: any UpstreamClient
    var describeTurns: DescribeTurns
    var isAWS: Bool
    /// The account's own rate of registrations, in calls a second; `nil`: not known.
    var accountRate: Double?

    /// Whether both are made from the same.
    func isSame(as other: TargetClient?) -> Bool {
      configuration == other?.configuration && authorities == other?.authorities
    }
  }

  private let context: CredentialsContext
  private let isSandbox: Bool
  private let signed: @Sendable (TargetName, UpstreamLocation, _ signer: String) -> Void
  private let clients = Mutex<[TargetName: TargetClient]>([:])
  /// The sandboxes of all targets and regions so far: what a target registered is there for the life of the process,
  /// whatever reloads change meanwhile.
  private let sandboxes = Mutex<[TargetName: [String?: EmbeddedUpstream]]>([:])
  /// Ends when the calls of all clients that reloads replaced have ended. ``shutDown()`` waits for it.
  private let retiring = Mutex<Task<Void, Never>?>(nil)

  /// - Parameters:
  ///   - isSandbox: Whether the embedded sandbox stands in for every upstream, for the life of the process.
  ///   - signed: Takes who signs the calls of a target, before a call is signed: see ``SigningCredentials/signer``.
  init(
    context: CredentialsContext, isSandbox: Bool,
    signed: @escaping @Sendable (TargetName, UpstreamLocation, _ signer: String) -> Void
  ) {
    self.context = context
    self.isSandbox = isSandbox
    self.signed = signed
  }

  /// The client of a target; `nil`: the target is not configured.
  func client(of target: TargetName) -> (any UpstreamClient)? {
    clients.withLock { $0[target]?.client }
  }

  /// The clients that call AWS, or a server in its place.
  var awsClients: [TargetName: AWSUpstreamClient] {
    clients.withLock { $0 }.compactMapValues { $0.client as? AWSUpstreamClient }
  }

  /// What the calls of each target are signed with, as far as one may tell.
  var signing: [TargetName: Reports.Signing] {
    awsClients.mapValues { client in
      Reports.Signing(
        region: client.endpoint.region,
        credentials: client.credentialsProvenance.map { .init(source: $0.source, expiresAt: $0.expiration) },
        clockOffset: client.clockOffset)
    }
  }

  /// Where the upstream of each target is.
  var locations: [TargetName: UpstreamLocation] {
    clients.withLock { $0 }.mapValues(\.client.location)
  }

  /// The pace of each target.
  var limits: [TargetName: TargetLimits] {
    clients.withLock { $0 }.mapValues { TargetLimits($0.configuration, isAWS: $0.isAWS, accountRate: $0.accountRate) }
  }

  /// The clients of targets whose rate Service Quotas is asked for.
  var clientsAskingForRate: [TargetName: AWSUpstreamClient] {
    clients.withLock { $0 }.filter(\.value.configuration.asksForRate).compactMapValues {
      $0.client as? AWSUpstreamClient
    }
  }

  /// Keeps the accounts' own rates, in calls a second.
  func setAccountRates(_ rates: [TargetName: Double]) {
    clients.withLock { clients in
      for (name, rate) in rates { clients[name]?.accountRate = rate }
    }
  }

  /// The turns of calls of DescribeCertificate in a target; `nil`: the target is not configured.
  func describeTurns(of target: TargetName) -> DescribeTurns? {
    clients.withLock { $0[target]?.describeTurns }
  }

  /// Takes the targets of a configuration, all of them or none. Clients whose target and file of authorities stay as
  /// they are are kept.
  ///
  /// The others finish their calls, and are not waited for.
  ///
  /// - Throws: The first target that cannot be used, or that the task was cancelled.
  func replace(with targets: [TargetConfiguration]) async throws(DaemonError) {
    let old = clients.withLock { $0 }
    var new: [TargetName: TargetClient] = [:]
    for target in targets {
      // Before the client reads the file: a file that is replaced meanwhile counts as changed at the next reload.
      let authorities = isSandbox ? nil : context.authorities(of: target)
      if let kept = old[target.name], kept.configuration == target, kept.authorities == authorities {
        new[target.name] = kept
        continue
      }
      do throws(UpstreamConfigurationError) {
        if Task.isCancelled { throw UpstreamConfigurationError("the daemon stops") }
        new[target.name] = try await make(target, authorities)
      } catch {
        await Self.shutDown(new.filter { !$0.value.isSame(as: old[$0.key]) })
        throw DaemonError(error)
      }
    }
    clients.withLock { [new] in $0 = new }
    let unused = old.filter { !$0.value.isSame(as: new[$0.key]) }
    guard !unused.isEmpty else { return }
    // Calls under way may take as long as their time limit.
    retiring.withLock { retiring in
      retiring = Task { [earlier = retiring] in
        await Self.shutDown(unused)
        await earlier?.value
      }
    }
  }

  private func make(
    _ target: TargetConfiguration, _ authorities: FileVersion?
  ) async throws(UpstreamConfigurationError) -> TargetClient {
    if isSandbox {
      return TargetClient(
        configuration: target, client: sandbox(of: target),
        describeTurns: DescribeTurns(perSecond: target.rates[.describeCertificate]), isAWS: false)
    }
    let client = try await AWSUpstreamClient(configuration: target, context: context) { [signed] in
      signed(target.name, $0, $1)
    }
    return TargetClient(
      configuration: target, authorities: authorities, client: client, describeTurns: client.describeTurns,
      isAWS: client.endpoint.isAWS)
  }

  /// Fetches the credentials of all targets, so that their signers are known before the first answer. Sources that take
  /// longer than a moment are left to ``CredentialsWatch``.
  func findSigners() async {
    enum End { case prepared, time }
    let clients = awsClients.values
    guard !clients.isEmpty else { return }
    await withTaskGroup { group in
      for client in clients {
        group.addTask {
          _ = await client.prepare()
          return End.prepared
        }
      }
      group.addTask {
        try? await Task.sleep(for: .milliseconds(50))
        return End.time
      }
      var left = clients.count
      for await end in group {
        if end == .prepared { left -= 1 }
        if end == .time || left == 0 { group.cancelAll() }
      }
    }
  }

  private func sandbox(of target: TargetConfiguration) -> EmbeddedUpstream {
    let sandbox = sandboxes.withLock { sandboxes in
      if let present = sandboxes[target.name]?[target.region] { return present }
      let new = EmbeddedUpstream(region: target.region ?? SandboxAccount.defaultRegion, clock: context.clock)
      sandboxes[target.name, default: [:]][target.region] = new
      return new
    }
    sandbox.setDescribesExisting(target.describeExisting)
    return sandbox
  }

  func shutDown() async {
    await Self.shutDown(clients.withLock { $0 })
    await retiring.withLock { $0 }?.value
  }

  /// A client that is not needed any more has to be told: it must not just go.
  private static func shutDown(_ clients: [TargetName: TargetClient]) async {
    for target in clients.values { await target.client.shutdown() }
  }
}
