import CertRegClock
import CertRegCore
import NIOSSL
import Testing

@testable import CertRegForwarder

/// A target's `proxy` and `caFile` concern every connection that it makes.
@Suite struct TargetConnectionTests {
  private static let keys = ["AWS_ACCESS_KEY_ID": "BASE", "AWS_SECRET_ACCESS_KEY": "secret"]
  private static let role = CredentialsConfiguration.assumeRole(
    roleARN: "arn:aws:iam::1:role/x", sourceProfile: nil, sessionName: nil, externalID: nil)

  /// Fetches a target's credentials, and returns why there are none.
  private func fetch(
    _ credentials: CredentialsConfiguration, _ environment: [String: String] = [:],
    files: HostFiles = MemoryFiles().files, _ configure: (inout TargetConfiguration) -> Void = { _ in }
  ) async throws -> CredentialsError? {
    var target = TargetConfiguration(credentials: credentials)
    configure(&target)
    let context = CredentialsContext.onHost(environment.merging(Self.keys) { own, _ in own }, files: files)
    let provider = try context.provider(for: target, region: "eu-central-1")
    var failure: CredentialsError?
    do throws(CredentialsError) { _ = try await provider.fetch() } catch { failure = error }
    await provider.shutdown()
    return failure
  }

  private func withProxy(_ body: (_ url: String, _ asked: () -> [String]) async throws -> Void) async throws {
    let proxy = try await LoopbackServer.start { _, _ in CannedReply(status: 407, ending: .close) }
    try await body("http://127.0.0.1:\(proxy.port)") { proxy.requests.map(\.uri) }
    try await proxy.stop()
  }

  @Test func `a proxy that cannot be reached is named`() async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "station")
    defer { identity.remove() }
    let provider = CredentialsConfiguration.iotProvider(
      endpoint: "c.example.test", roleAlias: "a", thingName: nil, certificateFile: identity.certificateFile,
      privateKeyFile: identity.keyFile, caFile: nil)
    for credentials in [Self.role, provider] {
      let failure = try await fetch(credentials, files: .system) { $0.proxy = "http://127.0.0.1:1" }
      #expect(failure?.message.hasSuffix(": proxy 127.0.0.1:1: the connection was refused") == true)
    }
    let refused = try await withUpstreamClient {
      ($0.endpoint, $0.proxy) = ("https://iot-fips.example.test", "socks5://[::1]:1")
    } answer: { _, _ in
      .silence
    } _: { client, _ in
      await client.registerCertificateWithoutCA(
        RegisterCertificateCall(certificateID: CertificateID(), der: [], status: nil))
    }
    guard case .failed(let failed) = refused else { throw CredentialsError(.invalid, "no failure") }
    #expect(failed.error.message.hasPrefix("iot-fips.example.test: proxy [::1]:1: "))
    let unknown = TransportError(.nameResolution, "the host name cannot be resolved").by(proxy: "proxy.test:80")
    #expect(
      unknown.detail(at: "iot-fips.us-east-1.amazonaws.com")
        == "proxy proxy.test:80: the host name cannot be resolved")
  }

  @Test func `every service in the network is reached by the target's proxy`() async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "station")
    defer { identity.remove() }
    let cases: [(CredentialsConfiguration, String)] = [
      (Self.role, "sts.eu-central-1.amazonaws.com:443"),
      (
        .webIdentity(roleARN: "arn:aws:iam::1:role/x", tokenFile: identity.certificateFile, sessionName: nil),
        "sts.eu-central-1.amazonaws.com:443"
      ),
      (
        .rolesAnywhere(
          trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a", profileARN: "p", roleARN: "r",
          certificateFile: identity.certificateFile, privateKeyFile: identity.keyFile, chainFile: nil),
        "rolesanywhere.eu-west-1.amazonaws.com:443"
      ),
      (
        .iotProvider(
          endpoint: "c.example.test", roleAlias: "a", thingName: nil, certificateFile: identity.certificateFile,
          privateKeyFile: identity.keyFile, caFile: nil), "c.example.test:443"
      ),
    ]
    for (credentials, host) in cases {
      try await withProxy { url, asked in
        let failure = try await fetch(credentials, files: .system) { $0.proxy = url }
        #expect(failure?.message.contains("proxy") == true, "\(failure?.message ?? "none")")
        #expect(asked().first == host)
      }
    }
  }

  @Test func `sources on this host and its link are reached without the target's proxy`() async throws {
    let reply = #"{"AccessKeyId":"C","SecretAccessKey":"c","Token":"t","Expiration":"2036-11-24T07:55:55Z"}"#
    let source = try await LoopbackServer.start { _, _ in .json(200, reply) }
    let url = "http://127.0.0.1:\(source.port)"
    try await withProxy { proxy, asked in
      for credentials in [CredentialsConfiguration.container(uri: url), .instanceMetadata(endpoint: url)] {
        _ = try await fetch(credentials) { ($0.proxy, $0.caFile) = (proxy, "/does/not/exist") }
      }
      #expect(asked().isEmpty && !source.requests.isEmpty)
    }
    try await source.stop()
  }

  @Test func `the target's authorities are those of the services, too`() async throws {
    let server = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer { server.remove() }
    let tls = try NIOSSLContext(
      configuration: .makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMFile(server.certificateFile).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: server.keyFile, format: .pem))))
    let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    let service = try await LoopbackServer.start(tls: tls) { _, _ in CannedReply(status: 403, body: refusal) }
    let url = ["AWS_ENDPOINT_URL_STS": "https://localhost:\(service.port)"]
    let bundle = url.merging(["AWS_CA_BUNDLE": server.certificateFile]) { $1 }
    #expect(try await fetch(Self.role, url) { $0.caFile = server.certificateFile }?.code == .invalid)
    #expect(service.requests.count == 1)
    // The system's authorities do not know the server.
    #expect(try await fetch(Self.role, url) { _ in }?.code == .unavailable)
    #expect(try await fetch(Self.role, bundle) { $0.withoutValue = [.caFile] }?.code == .unavailable)
    #expect(service.requests.count == 1)
    #expect(try await fetch(Self.role, bundle) { _ in }?.code == .invalid)
    #expect(service.requests.count == 2)
    let profile = MemoryFiles(["/h/.aws/config": "[default]\nca_bundle = \(server.certificateFile)"]).files
    #expect(try await fetch(Self.role, url, files: profile)?.code == .invalid)
    #expect(service.requests.count == 3)
    try await service.stop()
  }

  @Test func `the profile's authorities count where neither the target nor a variable has any`() {
    let files = MemoryFiles(["/h/.aws/config": "[default]\nca_bundle = /default\n[profile p]\nca_bundle = /p"]).files
    func authorities(
      _ credentials: CredentialsConfiguration, _ variables: [String: String] = [:],
      _ configure: (inout TargetConfiguration) -> Void = { _ in }
    ) -> String? {
      var target = TargetConfiguration(credentials: credentials)
      configure(&target)
      return CredentialsContext.onHost(variables, files: files).connections(of: target).authoritiesFile
    }
    #expect(authorities(.chain) == "/default")
    #expect(authorities(.chain, ["AWS_PROFILE": "p"]) == "/p")
    #expect(authorities(.profile(name: "p", file: nil)) == "/p")
    #expect(authorities(.profile(name: "none", file: nil)) == nil)
    #expect(authorities(.chain, ["AWS_CA_BUNDLE": "/variable"]) == "/variable")
    #expect(authorities(.chain) { $0.caFile = "/own" } == "/own")
  }

  private static let impatience = ["AWS_METADATA_SERVICE_TIMEOUT": "2"]

  @Test func `metadata that takes a request and sends no token may be out of reach of a container`() async throws {
    let service = try await LoopbackServer.start { _, _ in .silence }
    let silent = CredentialsConfiguration.instanceMetadata(endpoint: "http://127.0.0.1:\(service.port)")
    let error = try await fetch(silent, Self.impatience)
    #expect(error?.code == .unavailable && error?.message.contains("hop limit") == true, "\(error?.message ?? "")")
    let down = try await fetch(.instanceMetadata(endpoint: "http://127.0.0.1:1"))
    #expect(down?.message.contains("hop limit") == false)
    try await service.stop()
  }

  @Test func `the chain ends at an EC2 instance whose metadata is silent`() async throws {
    let service = try await LoopbackServer.start { _, _ in .silence }
    let environment = Self.impatience.merging([
      "AWS_EC2_METADATA_DISABLED": "false", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
      "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:\(service.port)",
    ]) { $1 }
    #expect(try await fetch(.chain, environment) == nil)
    let instance = MemoryFiles(["/sys/devices/virtual/dmi/id/board_asset_tag": "i-0123456789abcdef0\n"]).files
    #expect(try await fetch(.chain, environment, files: instance)?.message.contains("hop limit") == true)
    try await service.stop()
  }

  /// One meaning of `none`, whatever the environment says. The pace is the daemon's: `TargetLimits`.
  @Test(arguments: InheritedSetting.allCases.filter { $0 != .ratePerSecond })
  func `nothing fills a setting that is none`(setting: InheritedSetting) async throws {
    let variables = [
      "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "https://variable", "AWS_ENDPOINT_URL_IOT": "https://variable",
      "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true", "HTTPS_PROXY": "http://variable:1",
      "ALL_PROXY": "http://variable:1", "AWS_CA_BUNDLE": "/variable", "HOME": "/h",
    ]
    let config =
      "[default]\nregion = eu-west-2\nendpoint_url = https://profile\nuse_fips_endpoint = true\n"
      + "use_dualstack_endpoint = true\nca_bundle = /profile"
    let environment = ProcessEnvironment(variables)
    let profiles = SharedProfileStore(environment: environment, files: MemoryFiles(["/h/.aws/config": config]).files)
    var target = TargetConfiguration(credentials: .chain)
    target.withoutValue = [setting]
    let connections = ConnectionSettings(target, environment: environment, profiles: profiles)
    let found = resolver(target, variables, config: config)
    switch setting {
    case .region:
      await #expect(throws: UpstreamConfigurationError.self) {
        try await TargetEndpoint(configuration: target, environment: environment, profiles: profiles) {
          () async throws(CredentialsError) in "eu-west-3"
        }
      }
    case .endpoint: #expect(try found.iot(region: "r").host == "iot-fips.r.api.aws")
    case .fips: #expect(try found.flags() == EndpointFlags(fips: false, dualStack: true))
    case .dualStack: #expect(try found.flags() == EndpointFlags(fips: true, dualStack: false))
    case .proxy: #expect(try connections.proxy(for: ServiceURL(parsing: "https://example.com")) == nil)
    case .caFile: #expect(connections.authoritiesFile == nil)
    case .ratePerSecond: Issue.record("a target's connections have no pace")
    }
  }
}
