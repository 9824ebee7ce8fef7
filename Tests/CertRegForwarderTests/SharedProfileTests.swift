import CertRegCore
import CertRegSigV4
import Synchronization
import Testing

@testable import CertRegForwarder

/// Files in memory; each write makes a new version.
final class MemoryFiles: Sendable {
  private struct State {
    var contents: [String: [UInt8]] = [:]
    var versions: [String: Int64] = [:]
    var reads = 0
  }

  private let state: Mutex<State>

  init(_ files: [String: String] = [:]) {
    state = Mutex(State(contents: files.mapValues { Array($0.utf8) }, versions: files.mapValues { _ in 1 }))
  }

  var reads: Int { state.withLock { $0.reads } }

  func write(_ path: String, _ text: String?) {
    state.withLock { state in
      state.contents[path] = text.map { Array($0.utf8) }
      state.versions[path, default: 0] += 1
    }
  }

  var files: HostFiles {
    HostFiles(
      version: { path in
        self.state.withLock { state in
          guard let content = state.contents[path], let version = state.versions[path] else { return nil }
          return FileVersion(
            device: 1, inode: 1, size: Int64(content.count), modifiedSeconds: version, modifiedNanoseconds: 0)
        }
      },
      read: { (path) throws(FileReadError) in
        let content = self.state.withLock { state in
          state.reads += 1
          return state.contents[path]
        }
        guard let content else { throw FileReadError(description: "\(path) cannot be read") }
        return content
      })
  }
}

@Suite struct SharedProfileStoreTests {
  private let environment = ProcessEnvironment(["HOME": "/home/u"])

  @Test func `merges the two files and lets the credentials file win`() throws {
    let files = MemoryFiles([
      "/home/u/.aws/config":
        "[default]\nregion = r\naws_access_key_id = config\n[profile p]\nregion = q\n[ignored]\nx = y",
      "/home/u/.aws/credentials": "[default]\naws_access_key_id = credentials\n[p]\naws_secret_access_key = s",
    ])
    let profiles = try SharedProfileStore(environment: environment, files: files.files).profiles()
    #expect(profiles.profiles["default"]?.values == ["region": "r", "aws_access_key_id": "credentials"])
    #expect(profiles.profiles["p"]?.values == ["region": "q", "aws_secret_access_key": "s"])
    #expect(profiles.profiles["ignored"] == nil)
  }

  @Test func `reads again only what has changed`() throws {
    let files = MemoryFiles(["/home/u/.aws/credentials": "[default]\naws_access_key_id = one"])
    let store = SharedProfileStore(environment: environment, files: files.files)
    for _ in 0..<3 { _ = try store.profiles() }
    #expect(files.reads == 1)
    files.write("/home/u/.aws/credentials", "[default]\naws_access_key_id = two")
    #expect(try store.profiles().profiles["default"]?["aws_access_key_id"] == "two")
    files.write("/home/u/.aws/credentials", nil)
    #expect(try store.profiles().profiles.isEmpty)
  }

  @Test func `reads the files that the environment names`() throws {
    let environment = ProcessEnvironment([
      "HOME": "/home/u", "AWS_CONFIG_FILE": "~/c", "AWS_SHARED_CREDENTIALS_FILE": "/run/creds/aws", "AWS_PROFILE": "p",
    ])
    let store = SharedProfileStore(environment: environment, files: MemoryFiles().files)
    #expect(store.configPath == "/home/u/c" && store.credentialsPath == "/run/creds/aws")
    for path in ["$HOME/c", "${HOME}/c"] {
      let environment = ProcessEnvironment(["HOME": "/home/u", "AWS_CONFIG_FILE": path])
      #expect(SharedProfileStore(environment: environment, files: MemoryFiles().files).configPath == "/home/u/c")
    }
    #expect(store.defaultProfileName == "p" && store.isProfileNamed)
    let own = SharedProfileStore(environment: environment, files: MemoryFiles().files, credentialsFile: "/own")
    #expect(own.credentialsPath == "/own")
    let homeless = SharedProfileStore(environment: ProcessEnvironment([:]), files: MemoryFiles().files)
    #expect(homeless.configPath == nil && homeless.credentialsPath == nil)
    #expect(try homeless.profiles().profiles.isEmpty)
  }

  @Test func `an unreadable file is an error that names file and line`() {
    let files = MemoryFiles(["/home/u/.aws/config": "[default]\nregion"])
    let store = SharedProfileStore(environment: environment, files: files.files)
    let error = #expect(throws: CredentialsError.self) { try store.profiles() }
    #expect(error?.message.contains("/home/u/.aws/config line 2") == true)
  }
}

@Suite struct TargetEndpointTests {
  private func endpoint(
    _ configure: (inout TargetConfiguration) -> Void = { _ in }, _ environment: [String: String] = [:],
    config: String = "", instanceRegion: () async throws(CredentialsError) -> String? = { nil }
  ) async throws -> TargetEndpoint {
    var configuration = TargetConfiguration(name: TargetName("t"))
    configure(&configuration)
    let environment = ProcessEnvironment(environment.merging(["HOME": "/h"]) { own, _ in own })
    let files = MemoryFiles(["/h/.aws/config": config])
    return try await TargetEndpoint(
      configuration: configuration, environment: environment,
      profiles: SharedProfileStore(environment: environment, files: files.files), instanceRegion: instanceRegion)
  }

  @Test func `the region is the target's, else the environment's, else the profile's`() async throws {
    let environment = ["AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"]
    let config = "[default]\nregion = eu-west-3"
    #expect(try await endpoint({ $0.region = "eu-central-1" }, environment, config: config).region == "eu-central-1")
    #expect(try await endpoint({ _ in }, environment, config: config).region == "eu-west-1")
    #expect(try await endpoint({ _ in }, ["AWS_DEFAULT_REGION": "eu-west-2"], config: config).region == "eu-west-2")
    #expect(try await endpoint({ _ in }, config: config).region == "eu-west-3")
    await #expect(throws: UpstreamConfigurationError.self) { try await endpoint() }
  }

  @Test func `a named profile that is missing is named where nothing else has a region`() async throws {
    let error = await #expect(throws: UpstreamConfigurationError.self) {
      try await endpoint({ _ in }, ["AWS_PROFILE": "line-3"], config: "[default]\nregion = eu-west-3")
    }
    #expect(error?.description.contains("the profile line-3, which may name it, is not in /h/.aws/credentials") == true)
    #expect(try await endpoint({ $0.region = "eu-west-1" }, ["AWS_PROFILE": "line-3"]).region == "eu-west-1")
  }

  @Test func `a region that is none names its value and the place it comes from`() async throws {
    func message(_ environment: [String: String], config: String = "") async -> String {
      do {
        return "no error but \(try await endpoint({ _ in }, environment, config: config))"
      } catch { return "\(error)" }
    }
    let profile = await message([:], config: "[default]\nregion = EU (Frankfurt)")
    #expect(
      profile == "target t: the region is not a name like eu-central-1: found \"EU (Frankfurt)\" "
        + "(from the profile default in /h/.aws/credentials and /h/.aws/config)")
    #expect(await message(["AWS_REGION": "eu_central_1"]).hasSuffix("found \"eu_central_1\" (from AWS_REGION)"))
  }

  @Test func `the endpoint is the target's, else the environment's, else the profile's, else AWS's`() async throws {
    let config =
      "[default]\nregion = r\nservices = s\nendpoint_url = http://all\n[services s]\niot =\n  endpoint_url = http://iot"
    let environment = ["AWS_ENDPOINT_URL_IOT": "http://env-iot", "AWS_ENDPOINT_URL": "http://env-all"]
    func host(
      _ configure: (inout TargetConfiguration) -> Void = { _ in }, _ environment: [String: String] = [:]
    ) async throws -> String {
      try await endpoint(configure, environment, config: config).url.host
    }
    #expect(try await host({ $0.endpoint = "http://own" }, environment) == "own")
    #expect(try await host({ _ in }, environment) == "env-iot")
    #expect(try await host({ _ in }, ["AWS_ENDPOINT_URL": "http://env-all"]) == "env-all")
    #expect(try await host() == "iot")
    #expect(try await host({ _ in }, ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) == "iot.r.amazonaws.com")
    let ignoring = "[default]\nregion = r\nignore_configured_endpoint_urls = True\nendpoint_url = http://all"
    #expect(try await endpoint({ _ in }, config: ignoring).url.host == "iot.r.amazonaws.com")
  }

  @Test(arguments: ["true", "True", "TRUE"])
  func `a profile's flags count in any case`(value: String) async throws {
    let config = "[default]\nregion = us-east-1\nuse_fips_endpoint = \(value)\nuse_dualstack_endpoint = \(value)"
    #expect(try await endpoint({ _ in }, config: config).url.host == "iot-fips.us-east-1.api.aws")
  }

  @Test func `flags of the environment do not disturb a target with its own endpoint`() async throws {
    let environment = [
      "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "TRUE", "AWS_REGION": "us-east-1",
    ]
    #expect(try await endpoint({ _ in }, environment).url.host == "iot-fips.us-east-1.api.aws")
    #expect(try await endpoint({ $0.endpoint = "http://own" }, environment).url.host == "own")
    await #expect(throws: UpstreamConfigurationError.self) {
      try await endpoint(
        {
          $0.endpoint = "http://own"; $0.fips = true
        }, environment)
    }
  }
}
