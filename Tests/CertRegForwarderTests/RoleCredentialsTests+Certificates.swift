import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Foundation
import Logging
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import CertRegForwarder

/// Identities that a certificate and its key prove.
extension RoleCredentialsTests {
  @Test(
    arguments: [
      ["-newkey", "rsa:2048"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ], ["", "/base"])
  func `signs for IAM Roles Anywhere with the certificate's key`(key: [String], base: String) async throws {
    let identity = try IssuedIdentity(keyArguments: key, commonName: "station")
    defer { identity.remove() }
    let body =
      #"{"credentialSet":[{"credentials":{"accessKeyId":"RA","secretAccessKey":"s","sessionToken":"t","#
      + #""expiration":"\#(CredentialsProviderTests.expiration)"}}]}"#
    let server = try await LoopbackServer.start { _, _ in .json(201, body) }
    let configuration = CredentialsConfiguration.rolesAnywhere(
      trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a",
      profileARN: "arn:aws:rolesanywhere:eu-west-1:1:profile/p", roleARN: "arn:aws:iam::1:role/r",
      certificateFile: identity.certificateFile, privateKeyFile: identity.keyFile, chainFile: identity.certificateFile)
    let provided = try await fetch(
      configuration, environment: ["AWS_ENDPOINT_URL_ROLESANYWHERE": "http://127.0.0.1:\(server.port)\(base)"],
      files: .system)
    #expect(provided?.signing == SigningCredentials(accessKeyID: "RA", secretAccessKey: "s", sessionToken: "t"))
    let request = try #require(server.requests.first)
    try await server.stop()

    let authorization = try #require(request.headers.first(name: "Authorization"))
    let isRSA = key.contains("rsa:2048")
    let algorithm = isRSA ? "AWS4-X509-RSA-SHA256" : "AWS4-X509-ECDSA-SHA256"
    let date = try #require(request.headers.first(name: "X-Amz-Date"))
    let scope = SigningScope(region: "eu-west-1", service: "rolesanywhere")
    let names = "content-type;host;x-amz-date;x-amz-x509;x-amz-x509-chain"
    let prefix =
      "\(algorithm) Credential=\(try identity.decimalSerial())/\(scope.credentialScope(day: date.prefix(8))), "
      + "SignedHeaders=\(names), Signature="
    #expect(authorization.hasPrefix(prefix), "\(authorization)")
    let target = request.uri.split(separator: "?", maxSplits: 1).map(String.init)
    #expect(target.first == base + "/sessions")
    let canonical = CanonicalRequest(
      method: "POST", path: base + "/sessions", query: target.last ?? "",
      headers: request.headers.map { ($0.name, $0.value) },
      selection: .named(names.split(separator: ";").map(String.init)),
      payloadHash: SHA256.digest(of: request.body).hex)
    let signed = canonical.stringToSign(algorithm: algorithm, amzDate: date, scope: scope)
    #expect(try identity.verifies(signature: String(authorization.dropFirst(prefix.count)), of: signed))
    #expect(request.headers["X-Amz-X509"] == request.headers["X-Amz-X509-Chain"])
  }

  @Test(arguments: [401, 403, 404, 407])
  func `a page of something in between is no refusal`(status: Int) async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer { identity.remove() }
    let answer: LoopbackServer.Answer = { _, _ in CannedReply(status: status, body: "<html>Captive portal</html>") }
    let plain = try await LoopbackServer.start(answer: answer)
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)))
    let encrypted = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls), answer: answer)
    let url = "http://127.0.0.1:\(plain.port)"
    let sources: [CredentialsConfiguration] = [
      .rolesAnywhere(
        trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a", profileARN: "p", roleARN: "r",
        certificateFile: identity.certificateFile, privateKeyFile: identity.keyFile, chainFile: nil),
      .iotProvider(
        endpoint: "localhost:\(encrypted.port)", roleAlias: "a", thingName: nil,
        certificateFile: identity.certificateFile, privateKeyFile: identity.keyFile, caFile: identity.certificateFile),
      .webIdentity(roleARN: "arn:aws:iam::1:role/x", tokenFile: identity.certificateFile, sessionName: nil),
    ]
    for source in sources {
      let error = try await failure(source, environment: ["AWS_ENDPOINT_URL": url], files: .system)
      #expect(error.code == .unavailable, "\(error.message)")
    }
    try await plain.stop()
    try await encrypted.stop()
  }

  /// The paths of the files that are read, in the order of their names.
  private final class ReadPaths: Sendable {
    private let paths = Mutex<Set<String>>([])
    var sorted: [String] { paths.withLock { $0.sorted() } }

    func recording(_ files: HostFiles) -> HostFiles {
      HostFiles(version: files.version) { (path) throws(FileReadError) in
        _ = self.paths.withLock { $0.insert(path) }
        return try files.read(path)
      }
    }
  }

  @Test func `each source names the files that it reads`() async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "station")
    defer { identity.remove() }
    let config = """
      [default]
      role_arn = arn:aws:iam::1:role/a
      web_identity_token_file = /profile-token
      [profile hop]
      role_arn = arn:aws:iam::1:role/b
      source_profile = default
      [profile container]
      role_arn = arn:aws:iam::1:role/c
      credential_source = EcsContainer
      """
    let container = [
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
    ]
    let role = "arn:aws:iam::1:role/x"
    let cases: [(CredentialsConfiguration, [String: String], reads: [String])] = [
      (.chain, [:], ["/h/.aws/config", "/profile-token"]),
      (.chain, ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": role], ["/h/.aws/config", "/token"]),
      (.chain, container.merging(["AWS_CONFIG_FILE": "/none"]) { $1 }, ["/token"]),
      (.profile(name: "hop", file: nil), [:], ["/h/.aws/config", "/profile-token"]),
      (.profile(name: "container", file: nil), container, ["/h/.aws/config", "/token"]),
      (.container(uri: nil), container, ["/token"]),
      (.webIdentity(roleARN: role, tokenFile: "/token", sessionName: nil), [:], ["/h/.aws/config", "/token"]),
      (
        .assumeRole(roleARN: role, sourceProfile: "hop", sessionName: nil, externalID: nil), [:],
        ["/h/.aws/config", "/profile-token"]
      ),
      (
        .rolesAnywhere(
          trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a", profileARN: "p", roleARN: "r",
          certificateFile: "/certificate", privateKeyFile: "/key", chainFile: "/chain"), [:],
        ["/certificate", "/chain", "/h/.aws/config", "/key"]
      ),
    ]
    let certificate = try String(contentsOfFile: identity.certificateFile, encoding: .utf8)
    let files = MemoryFiles([
      "/h/.aws/config": config, "/profile-token": "t", "/token": "t", "/certificate": certificate,
      "/chain": certificate, "/key": try String(contentsOfFile: identity.keyFile, encoding: .utf8),
    ])
    for (configuration, variables, reads) in cases {
      let read = ReadPaths()
      let context = CredentialsContext.onHost(
        variables.merging(["AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_CA_BUNDLE": identity.certificateFile]) { $1 },
        files: read.recording(files.files))
      let provider = try context.provider(
        for: TargetConfiguration(credentials: configuration), region: "eu-central-1")
      _ = try? await provider.fetch()
      #expect(read.sorted == reads, "\(configuration)")
      let named = provider.filePaths
      #expect(Set(reads).isSubset(of: named), "\(configuration)")
      #expect(named.contains(identity.certificateFile), "\(configuration)")
      await provider.shutdown()
    }
  }

  @Test func `says which file of a certificate and key is wrong`() async throws {
    let one = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "a")
    let two = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "b")
    defer {
      one.remove()
      two.remove()
    }
    func message(_ certificate: String, _ key: String, chain: String? = nil) async throws -> String {
      try await failure(
        .rolesAnywhere(
          trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a", profileARN: "p", roleARN: "r",
          certificateFile: certificate, privateKeyFile: key, chainFile: chain), files: .system
      ).message
    }
    let good = try String(contentsOfFile: one.certificateFile, encoding: .utf8)
    let middle = good.index(good.startIndex, offsetBy: good.count / 2)
    let files = [
      (Data(), "holds no certificate"),
      (try Data(contentsOf: URL(fileURLWithPath: two.keyFile)), "holds no certificate"),
      (Data(try ClientIdentity.certificates(pem: Array(good.utf8))[0]), "holds no certificate"),
      (Data((good + good[..<middle] + "!" + good[middle...]).utf8), "damaged certificate"),
      (Data((good + good[..<middle]).utf8), "damaged certificate"),
      (Data(String(repeating: good, count: 17).utf8), "more than 16 certificates"),
    ]
    for (number, (content, words)) in files.enumerated() {
      let file = one.folder + "/chain-\(number).pem"
      try content.write(to: URL(fileURLWithPath: file))
      let chained = try await message(one.certificateFile, one.keyFile, chain: file)
      #expect(chained.hasPrefix("\(file): ") && chained.contains(words), "\(chained)")
      #expect(try await message(file, one.keyFile).contains(words))
    }
    #expect(try await message(one.certificateFile, two.keyFile).contains("not the certificate's"))
    #expect(try await message(one.keyFile, one.keyFile).contains("no certificate"))
    #expect(try await message(one.certificateFile, one.certificateFile).contains("no private key"))
    #expect(try await message("/no/such", one.keyFile).contains("/no/such"))
  }

  @Test func `presents its certificate to AWS IoT's credential provider, and the new one after a renewal`() async throws
  {
    let device = try IssuedIdentity(
      keyArguments: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], commonName: "d")
    let server = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer {
      device.remove()
      server.remove()
    }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(server.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: server.keyFile, format: .pem)))
    tls.certificateVerification = .noHostnameVerification
    tls.trustRoots = .file(device.certificateFile)
    let body =
      #"{"credentials":{"accessKeyId":"IOT","secretAccessKey":"s","sessionToken":"t","#
      + #""expiration":"\#(CredentialsProviderTests.expiration)"}}"#
    let loopback = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in .json(200, body) }
    func configuration(certificateFile: String, keyFile: String) -> CredentialsConfiguration {
      .iotProvider(
        endpoint: "localhost:\(loopback.port)", roleAlias: "station@1", thingName: "thing-7",
        certificateFile: certificateFile, privateKeyFile: keyFile, caFile: server.certificateFile)
    }
    let provided = try await fetch(
      configuration(certificateFile: device.certificateFile, keyFile: device.keyFile), files: .system)
    #expect(provided?.signing == SigningCredentials(accessKeyID: "IOT", secretAccessKey: "s", sessionToken: "t"))
    let request = try #require(loopback.requests.first)
    #expect(request.uri == "/role-aliases/station@1/credentials")
    #expect(request.headers["x-amzn-iot-thingname"] == ["thing-7"])
    // The server refuses a certificate that it does not trust, in TLS 1.3 once the request is on its way. Once the
    // files have the right one, the same provider succeeds.
    let files = FileManager.default
    let renewed = (certificate: server.folder + "/renewed.pem", key: server.folder + "/renewed-key.pem")
    try files.copyItem(atPath: server.certificateFile, toPath: renewed.certificate)
    try files.copyItem(atPath: server.keyFile, toPath: renewed.key)
    let provider = try IoTProviderCredentials(
      settings: .init(
        endpoint: "localhost:\(loopback.port)", roleAlias: "station", certificateFile: renewed.certificate,
        privateKeyFile: renewed.key, caFile: server.certificateFile),
      connections: ConnectionSettings(environment: ProcessEnvironment([:])), files: .system,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let stranger = await #expect(throws: CredentialsError.self) { try await provider.fetch() }
    #expect(stranger?.code == .invalid)
    #expect(
      stranger?.message.hasPrefix(
        "the AWS IoT credential provider at localhost:\(loopback.port) refuses the certificate \(renewed.certificate): "
      )
        == true, "\(String(describing: stranger))")
    #expect(loopback.requests.count == 1)
    try files.removeItem(atPath: renewed.certificate)
    try files.removeItem(atPath: renewed.key)
    try files.copyItem(atPath: device.certificateFile, toPath: renewed.certificate)
    try files.copyItem(atPath: device.keyFile, toPath: renewed.key)
    let accepted = try? await provider.fetch()
    #expect(accepted?.signing.accessKeyID == "IOT")
    await provider.shutdown()
    try await loopback.stop()
  }

  @Test func `takes the authorities of AWS IoT's credential provider from the file as it is now`() async throws {
    let device = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "d")
    let server = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer {
      device.remove()
      server.remove()
    }
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(server.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: server.keyFile, format: .pem)))
    let body =
      #"{"credentials":{"accessKeyId":"IOT","secretAccessKey":"s","sessionToken":"t","#
      + #""expiration":"\#(CredentialsProviderTests.expiration)"}}"#
    let loopback = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in .json(200, body) }
    let authorities = device.folder + "/authorities.pem"
    let files = FileManager.default
    try files.copyItem(atPath: device.certificateFile, toPath: authorities)
    let provider = try IoTProviderCredentials(
      settings: .init(
        endpoint: "localhost:\(loopback.port)", roleAlias: "station", certificateFile: device.certificateFile,
        privateKeyFile: device.keyFile, caFile: authorities),
      connections: ConnectionSettings(environment: ProcessEnvironment([:])), files: .system,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let error = await #expect(throws: CredentialsError.self) { try await provider.fetch() }
    #expect(error?.message.contains("the server's certificate is not trusted") == true)
    #expect(provider.filePaths.contains(authorities))
    try files.removeItem(atPath: authorities)
    try files.copyItem(atPath: server.certificateFile, toPath: authorities)
    let accepted = try? await provider.fetch()
    #expect(accepted?.signing.accessKeyID == "IOT")
    await provider.shutdown()
    try await loopback.stop()
  }

  @Test(arguments: ["http://localhost", "", "h h"])
  func `refuses an endpoint of the credential provider without TLS`(endpoint: String) async throws {
    await #expect(throws: UpstreamConfigurationError.self) {
      try await fetch(
        .iotProvider(
          endpoint: endpoint, roleAlias: "a", thingName: nil, certificateFile: "c", privateKeyFile: "k", caFile: nil),
        files: .system)
    }
  }
}
