import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Foundation
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// The sources of credentials, each with a server or a program in place of the real one.
@Suite struct CredentialsProviderTests {
  static let expiration = "2036-11-24T07:55:55Z"
  static let end = CivilTime.wallTime(year: 2036, month: 11, day: 24, hour: 7, minute: 55, second: 55)

  /// The credentials of a configuration's provider.
  private func fetch(
    _ configuration: CredentialsConfiguration = .chain, environment: [String: String] = [:],
    files: MemoryFiles = MemoryFiles(), region: String? = "eu-central-1"
  ) async throws -> ProvidedCredentials? {
    let context = CredentialsContext.onHost(environment, files: files.files)
    let provider = try context.provider(for: TargetConfiguration(credentials: configuration), region: region)
    let result: Result<ProvidedCredentials?, CredentialsError>
    do throws(CredentialsError) { result = .success(try await provider.fetch()) } catch { result = .failure(error) }
    await provider.shutdown()
    return try result.get()
  }

  private func failure(
    _ configuration: CredentialsConfiguration = .chain, environment: [String: String] = [:],
    files: MemoryFiles = MemoryFiles(), region: String? = "eu-central-1"
  ) async throws -> CredentialsError {
    do {
      let provided = try await fetch(configuration, environment: environment, files: files, region: region)
      throw Unexpected(description: "no error but \(String(describing: provided))")
    } catch let error as CredentialsError {
      return error
    }
  }

  private struct Unexpected: Error, CustomStringConvertible { var description: String }

  private func withServer(
    _ answer: @escaping LoopbackServer.Answer, _ body: (LoopbackServer, String) async throws -> Void
  ) async throws {
    let server = try await LoopbackServer.start(answer: answer)
    try await body(server, "http://127.0.0.1:\(server.port)")
    try await server.stop()
  }

  // MARK: Environment and profile

  @Test func `the shared files are read once for all targets`() async throws {
    let count = 200
    let profiles = (0..<count).map { "[p\($0)]\naws_access_key_id = K\($0)\naws_secret_access_key = s\n" }.joined()
    let files = MemoryFiles(["/h/.aws/credentials": profiles])
    let context = CredentialsContext.onHost(files: files.files)
    for number in 0..<count {
      let configuration = CredentialsConfiguration.profile(name: "p\(number)", file: nil)
      let provider = try context.provider(for: TargetConfiguration(credentials: configuration), region: "eu-central-1")
      #expect(try await provider.fetch()?.signing.accessKeyID == "K\(number)")
      #expect(provider.filePaths == ["/h/.aws/config", "/h/.aws/credentials"])
      await provider.shutdown()
    }
    #expect(files.reads == 1)
  }

  @Test func `the environment comes first and half a pair is an error`() async throws {
    let files = MemoryFiles(["/h/.aws/credentials": "[default]\naws_access_key_id = F\naws_secret_access_key = f"])
    let keys = ["AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e", "AWS_SESSION_TOKEN": "t"]
    let provided = try await fetch(environment: keys, files: files)
    #expect(provided?.signing == SigningCredentials(accessKeyID: "E", secretAccessKey: "e", sessionToken: "t"))
    #expect(try await fetch(files: files)?.signing.accessKeyID == "F")
    #expect(try await fetch(environment: ["AWS_ACCESS_KEY_ID": ""], files: files)?.signing.accessKeyID == "F")
    let half = try await failure(environment: ["AWS_ACCESS_KEY_ID": "E"], files: files)
    #expect(half.code == .invalid && half.message.contains("AWS_SECRET_ACCESS_KEY is not"))
    let other = try await failure(environment: ["AWS_SECRET_ACCESS_KEY": "e"], files: files)
    #expect(other.message.contains("AWS_ACCESS_KEY_ID is not"))
  }

  @Test func `half a pair in a profile is an error that names the other half`() async throws {
    let files = MemoryFiles(["/h/.aws/credentials": "[default]\naws_access_key_id = F"])
    #expect(try await failure(files: files).message.contains("aws_secret_access_key is missing"))
  }

  @Test(arguments: ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name", "login_session"])
  func `a profile that needs a person ends the search`(setting: String) async throws {
    let files = MemoryFiles(["/h/.aws/config": "[default]\n\(setting) = x"])
    #expect(try await failure(files: files).message.contains("needs a person at a browser"))
  }

  @Test func `a named profile must exist`() async throws {
    #expect(try await fetch() == nil)
    #expect(try await failure(environment: ["AWS_PROFILE": "line"]).message.contains("line"))
    #expect(try await failure(.profile(name: "line", file: nil)).code == .invalid)
  }

  @Test func `a profile of a file of its own`() async throws {
    let files = MemoryFiles(["/run/aws": "[line]\naws_access_key_id = L\naws_secret_access_key = l"])
    #expect(try await fetch(.profile(name: "line", file: "/run/aws"), files: files)?.signing.accessKeyID == "L")
  }

  // MARK: Container

  private static let metadataBody =
    #"{"AccessKeyId":"C","SecretAccessKey":"c","Token":"t","Expiration":"\#(expiration)","RoleArn":"r"}"#

  @Test func `asks the container endpoint with the file's current token`() async throws {
    try await withServer { _, _ in
      .json(200, Self.metadataBody)
    } _: { (server, url) async throws in
      let files = MemoryFiles(["/token": "from-file\n"])
      let environment = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/creds?x=1", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "from-variable",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
      ]
      let provided = try await fetch(environment: environment, files: files)
      #expect(provided?.signing == SigningCredentials(accessKeyID: "C", secretAccessKey: "c", sessionToken: "t"))
      #expect(provided?.expiration == Self.end)
      files.write("/token", "newer")
      _ = try await fetch(.container(uri: url + "/creds"), environment: environment, files: files)
      #expect(server.requests.map { $0.headers["Authorization"] } == [["from-file"], ["newer"]])
      #expect(server.requests.map(\.uri) == ["/creds?x=1", "/creds"])
    }
  }

  @Test(arguments: [
    "http://example.com/", "http://10.0.0.1/", "http://169.254.170.3/", "http://127.0.0.1.example.com/",
  ])
  func `does not send the container token to a stranger in the clear`(uri: String) async throws {
    let error = try await failure(environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": uri])
    #expect(error.code == .invalid && error.message.contains("plain HTTP"))
  }

  @Test(arguments: [
    "127.0.0.1", "127.8.9.1", "localhost", "::1", "0:0::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23",
  ])
  func `trusts the hosts of the SDKs without TLS`(host: String) {
    #expect(ContainerCredentials.isTrustedWithoutTLS(host))
  }

  @Test func `a container token with a line end is refused`() async throws {
    let error = try await failure(environment: [
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX: y",
    ])
    #expect(error.code == .invalid)
  }

  @Test func `an endpoint without a listener is unavailable, a refusing one is not`() async throws {
    let down = try await failure(.container(uri: "http://127.0.0.1:1/"))
    #expect(down.code == .unavailable)
    try await withServer { request, _ in
      request.uri == "/503" ? .json(503, "{}") : .json(403, #"{"code":"AccessDenied","message":"no\u0007"}"#)
    } _: { (_, url) async throws in
      #expect(try await failure(.container(uri: url + "/503")).code == .unavailable)
      let refused = try await failure(.container(uri: url + "/403"))
      #expect(refused.code == .invalid && refused.message.contains(": no ;"))
    }
  }

  @Test(arguments: ["", "{}", #"{"AccessKeyId":"C"}"#, #"{"AccessKeyId":"C","SecretAccessKey":"sekret","Token":"t"}"#])
  func `an incomplete answer is an error that shows none of its text`(body: String) async throws {
    try await withServer { _, _ in
      .json(200, body)
    } _: { (_, url) async throws in
      let error = try await failure(.container(uri: url))
      #expect(error.code == .invalid && !error.message.contains("sekret"))
    }
  }

  // MARK: Instance metadata

  @Test func `talks version 2 of instance metadata`() async throws {
    try await withServer { request, _ in
      if request.method == "PUT" { return CannedReply(body: "TOKEN==") }
      guard request.headers["X-aws-ec2-metadata-token"] == ["TOKEN=="] else { return .json(401, "") }
      return request.uri.hasSuffix("/station")
        ? .json(200, #"{"Code":"Success",\#(Self.metadataBody.dropFirst())"#)
        : CannedReply(body: "station\nother")
    } _: { (server, url) async throws in
      let provided = try await fetch(.instanceMetadata(endpoint: url))
      #expect(provided?.signing.accessKeyID == "C" && provided?.source == "instance metadata, role station")
      #expect(
        server.requests.map { "\($0.method) \($0.uri)" } == [
          "PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
          "GET /latest/meta-data/iam/security-credentials/station",
        ])
      let ttl = try #require(server.requests.first?.headers.first(name: "X-aws-ec2-metadata-token-ttl-seconds"))
      #expect((1...21_600).contains(Int(ttl) ?? 0))
    }
  }

  @Test func `does not fall back to version 1 of instance metadata`() async throws {
    try await withServer { request, _ in
      request.method == "PUT" ? .json(403, "") : CannedReply(body: "station")
    } _: { (server, url) async throws in
      #expect(try await failure(.instanceMetadata(endpoint: url)).code == .invalid)
      #expect(server.requests.map(\.method) == ["PUT"])
      let chained = ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url]
      #expect(try await fetch(environment: chained) == nil)
      #expect(server.requests.map(\.method) == ["PUT", "PUT"])
    }
  }

  @Test(arguments: [429, 500, 503])
  func `instance metadata that are overloaded answer later`(status: Int) async throws {
    try await withServer { _, _ in
      .json(status, "")
    } _: { (_, url) async throws in
      let required = try await failure(.instanceMetadata(endpoint: url))
      #expect(required.code == .unavailable && required.message.contains("HTTP \(status)"))
      let chained = ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url]
      let instance = MemoryFiles(["/sys/devices/virtual/dmi/id/board_asset_tag": "i-0123456789abcdef0"])
      #expect(try await failure(environment: chained, files: instance).code == .unavailable)
      #expect(try await fetch(environment: chained) == nil)
    }
  }

  @Test func `a role's name cannot lead elsewhere`() async throws {
    try await withServer { request, _ in
      request.method == "PUT" ? CannedReply(body: "T") : CannedReply(body: "../../user-data")
    } _: { (server, url) async throws in
      #expect(try await failure(.instanceMetadata(endpoint: url)).code == .invalid)
      #expect(server.requests.count == 2)
    }
  }

  @Test func `instance metadata without credentials at the moment is unavailable`() async throws {
    try await withServer { request, _ in
      if request.method == "PUT" { return CannedReply(body: "T") }
      return request.uri.hasSuffix("/r") ? .json(200, #"{"Code":"Failed","Message":"later"}"#) : CannedReply(body: "r")
    } _: { (_, url) async throws in
      let error = try await failure(.instanceMetadata(endpoint: url))
      #expect(error.code == .unavailable && error.message.contains("later"))
    }
  }

  // MARK: Programs

  private static func json(_ more: String = "") -> String {
    "{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"p\"\(more)}"
  }

  @Test func `reads the output of a program`() async throws {
    let temporary = ",\"SessionToken\":\"t\",\"Expiration\":\"\(Self.expiration)\""
    let provided = try await fetch(
      .process(command: "printf '%s' '\(Self.json(temporary))'"), environment: ["PATH": "/usr/bin:/bin"])
    #expect(provided?.signing == SigningCredentials(accessKeyID: "P", secretAccessKey: "p", sessionToken: "t"))
    #expect(provided?.expiration == Self.end)
    let lasting = try await fetch(.process(command: "echo '\(Self.json())'"))
    #expect(lasting?.signing.sessionToken == nil && lasting?.expiration == nil)
  }

  @Test func `a program of a profile`() async throws {
    let files = MemoryFiles(["/h/.aws/config": "[profile hsm]\ncredential_process = echo '\(Self.json())'"])
    #expect(try await fetch(environment: ["AWS_PROFILE": "hsm"], files: files)?.signing.accessKeyID == "P")
  }

  @Test func `keys of the credentials file come before a program, and a program before keys of the configuration file`()
    async throws
  {
    let keys = "[default]\naws_access_key_id = K\naws_secret_access_key = k\n"
    let program = "credential_process = echo '\(Self.json())'"
    let first = MemoryFiles(["/h/.aws/config": "[default]\n\(program)", "/h/.aws/credentials": keys])
    #expect(try await fetch(files: first)?.signing.accessKeyID == "K")
    let second = MemoryFiles(["/h/.aws/config": "\(keys)\(program)"])
    #expect(try await fetch(files: second)?.signing.accessKeyID == "P")
  }

  @Test func `a program that prints what has ended is run once more`() async throws {
    let old = Self.json(",\"Expiration\":\"2020-01-01T00:00:00Z\"")
    let folder = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let script = folder.appending(path: "helper")
    let new = Self.json(",\"Expiration\":\"\(Self.expiration)\"")
    let seen = folder.appending(path: "seen").path
    let text = "#!/bin/sh\nif [ -e '\(seen)' ]; then echo '\(new)'; else touch '\(seen)'; echo '\(old)'; fi\n"
    try Data(text.utf8).write(to: script)
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script.path)
    let provided = try await fetch(.process(command: script.path), environment: ["PATH": "/usr/bin:/bin"])
    #expect(provided?.expiration == Self.end)
    let error = try await failure(.process(command: "echo '\(old)'"))
    #expect(error.code == .invalid && error.message.contains("ended at 2020-01-01T00:00:00"))
  }

  @Test(arguments: ["1893456000", "true", "{}", "\"tomorrow\""])
  func `an expiration of another form is an error`(value: String) async throws {
    let error = try await failure(.process(command: "echo '\(Self.json(",\"Expiration\":\(value)"))'"))
    #expect(error.code == .invalid && error.message.contains("Expiration"))
  }

  @Test func `keys in variables that have ended are an error that names the variable`() async throws {
    let error = try await failure(
      environment: [
        "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e", "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
      ])
    #expect(error.code == .invalid && error.message.contains("AWS_CREDENTIAL_EXPIRATION"))
  }

  @Test func `credentials that have ended are told with the host's time, which may be wrong`() async throws {
    let now = Self.end + .seconds(7200)
    let clock = HostClock(monotonic: { HostClock.system.monotonic }, wall: { now })
    let environment = [
      "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "e", "AWS_CREDENTIAL_EXPIRATION": Self.expiration,
    ]
    let program = "echo '\(Self.json(",\"Expiration\":\"\(Self.expiration)\""))'"
    for configuration in [CredentialsConfiguration.environment, .process(command: program)] {
      let provider = try CredentialsContext.onHost(environment, clock: clock).provider(
        for: TargetConfiguration(credentials: configuration), region: "eu-central-1")
      let error = await #expect(throws: CredentialsError.self) { try await provider.fetch() }
      #expect(error?.message.hasSuffix("by this host's clock (\(now.rfc3339))") == true, "\(error?.message ?? "none")")
      await provider.shutdown()
    }
  }

  @Test(arguments: [
    ("/bin/sh -c 'echo broken >&2; exit 3'", "status 3: broken"), ("/bin/echo hello", "JSON"),
    ("/bin/echo '{\"Version\":2}'", "version"), ("/bin/echo '{\"Version\":1}'", "no AccessKeyId"),
    ("/no/such/program", "cannot be started"), ("'", "does not end"), ("", "empty"),
    ("/bin/sh -c 'kill -9 $$'", "signal 9"), ("/bin/sh -c 'head -c 200000 /dev/zero'", "more than"),
  ])
  func `names the fault of a program`(command: String, words: String) async throws {
    let error = try await failure(.process(command: command))
    #expect(error.message.contains(words), "\(error.message)")
  }

  @Test func `a program may complain at length and succeed`() async throws {
    let answer = #"{"Version":1,"AccessKeyId":"AKIDLONG","SecretAccessKey":"s"}"#
    let script = "head -c 1000000 /dev/zero | tr '\\\\0' x >&2; echo '\(answer.replacing("\"", with: "\\\""))'"
    let provided = try await fetch(
      .process(command: "/bin/sh -c \"\(script)\""), environment: ["PATH": "/usr/bin:/bin"])
    #expect(provided?.signing.accessKeyID == "AKIDLONG")
  }

  @Test func `a chain of profiles ends`() async throws {
    let profiles = (0..<20_000).map { number in
      "[profile p\(number)]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = p\(number + 1)\n"
    }
    let error = try await failure(
      environment: ["AWS_PROFILE": "p0"], files: MemoryFiles(["/h/.aws/config": profiles.joined()]))
    #expect(error.code == .invalid && error.message.contains("more than 8 profiles"), "\(error.message)")
  }

  @Test func `a program gets no secrets, no input, no descriptors and no shell`() async throws {
    // The program reports its environment through its standard error, the only text that is passed on.
    let script = "env >&2; ls /proc/self/fd | tr '\\n' ' ' >&2; cat; exit 1"
    let environment = [
      "PATH": "/usr/bin:/bin", "AWS_SECRET_ACCESS_KEY": "sekret", "AWS_SESSION_TOKEN": "sekret", "NOTIFY_SOCKET": "/x",
    ]
    let error = try await failure(.process(command: "/bin/sh -c \"\(script)\""), environment: environment)
    #expect(error.message.contains("PATH=/usr/bin:/bin"))
    #expect(!error.message.contains("sekret") && !error.message.contains("NOTIFY_SOCKET"))
    // 3 is the descriptor that ls itself reads the folder through.
    #expect(error.message.contains("0 1 2 3") && !error.message.contains(" 4"), "\(error.message)")
    let literal = try await failure(.process(command: "/bin/ls $HOME;id"))
    #expect(literal.message.contains("$HOME;id"))
  }
}
