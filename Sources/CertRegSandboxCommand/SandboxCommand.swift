import ArgumentParser
import CertRegClock
import CertRegSandbox
import Glibc
import Logging

/// The command line of the sandbox.
struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: SandboxProgram.name,
    abstract: "A stand-in for AWS IoT's registry of certificates and things, over HTTP or HTTPS.",
    discussion: """
      The sandbox has these operations as the API reference of AWS IoT describes them:
      \(operationList)
      and GetServiceQuota of Service Quotas for the rates of these operations, apart from ListThingPrincipalsV2. \
      RegisterThing takes certificates by ID or PEM; it issues none. There are no billing groups and no dynamic groups, \
      policies have one version, and tags are ignored. A thing type can be deleted five minutes after its \
      deprecation, as in AWS IoT.

      When the sandbox is ready it prints one line, "listening on URL". Give this URL to the AWS CLI or an SDK as the \
      endpoint. SIGTERM and SIGINT end the sandbox.

      EXAMPLES
      Register and list with the AWS CLI:
        certreg-sandbox --port 8080
        aws iot list-certificates --endpoint-url http://127.0.0.1:8080
      Accept only requests that this key pair signed for this region:
        certreg-sandbox --verify-signatures ID:SECRET --region eu-west-1
      The same with the key pairs in a file, one per line:
        certreg-sandbox --verify-signatures @keys.txt
      HTTPS; clients trust it with AWS_CA_BUNDLE=cert.pem:
        certreg-sandbox --tls-certificate cert.pem --tls-key key.pem
      As slow as a real account, with occasional failures:
        certreg-sandbox --throttle-rate 10 --latency 40-120 --error-rate 0.01
      A single operation that is throttled, and another one that fails half of the time:
        certreg-sandbox --throttle-rate AttachPolicy=15 --error-rate CreateThing=0.5
      Keep what was registered for the next start:
        certreg-sandbox --state register.jsonl

      EXIT STATUS
        0   after SIGTERM or SIGINT
        64  wrong command line
        65  the state file is damaged or belongs to another account
        66  the certificate or key cannot be read
        69  the address cannot be bound
        74  the state file cannot be opened, or not written at the start
        75  the state file is in use
      """)

  /// The names of AWS IoT's operations.
  private static var operationList: String {
    let names = SandboxOperation.Name.allCases.filter { $0 != .getServiceQuota }.map(\.rawValue)
    return names.joined(separator: ", ")
  }

  @OptionGroup(title: "Address") var address: AddressOptions
  @OptionGroup(title: "Identity and signatures") var identity: IdentityOptions
  @OptionGroup(title: "Faults") var faults: FaultOptions
  @OptionGroup(title: "State and log") var storage: StorageOptions

  func run() async throws {
    let logger = storage.logger
    let verifier = try identity.verifier()
    let serverIdentity = try address.serverIdentity()
    let stateFile = try storage.open(for: identity.sandboxAccount)
    let seed = faults.seed ?? .random(in: .min ... .max)
    if faults.plan != .none { logger.notice("faults are on", metadata: ["sandbox-seed": "\(seed)"]) }
    let endpoint = SandboxEndpoint(
      SandboxConfiguration(
        account: identity.sandboxAccount, signatures: verifier, denied: Set(identity.deny),
        faults: faults.plan, isControlled: faults.control),
      judge: X509CertificateJudge(), stateFile: stateFile, clock: .system, seed: seed)

    let signals = TerminationSignals()
    let server: SandboxServer
    do {
      server = try await SandboxServer.start(
        endpoint: endpoint, host: address.boundHost, port: address.boundPort, identity: serverIdentity,
        logger: logger)
    } catch {
      throw Exit.failure(EX_UNAVAILABLE, "cannot listen on \(address.boundHost):\(address.boundPort): \(error)")
    }
    print(address.printPort ? "\(server.port)" : "listening on \(server.url)")
    // Standard output is buffered if it is a file or a pipe, as in scripts.
    fflush(nil)
    await signals.first()
    logger.info("stopping", metadata: ["sandbox-certificates": "\(endpoint.certificateCount)"])
    await server.stop()
  }
}
