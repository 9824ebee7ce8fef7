import CertRegClock
import CertRegCore
import NIOHTTP1
import Synchronization
import Testing

@testable import CertRegForwarder

/// The region of an EC2 instance, for targets without another source of the region.
@Suite struct InstanceRegionTests {
  private static let asked = ["PUT /latest/api/token", "GET /latest/meta-data/placement/region"]
  private static let regions: LoopbackServer.Answer = { request, _ in
    if request.method == "PUT" { return CannedReply(body: "TOKEN==") }
    return request.headers["X-aws-ec2-metadata-token"] == ["TOKEN=="] ? CannedReply(body: "eu-west-3") : .json(401, "")
  }

  /// The endpoint of a target's client on a host whose metadata service gives the answers of `answer`, or why there is
  /// none; and the requests to the service.
  private func endpoint(
    _ environment: [String: String] = [:], files: [String: String] = [:],
    answer: @escaping LoopbackServer.Answer = regions, configure: (inout TargetConfiguration) -> Void = { _ in }
  ) async throws -> (endpoint: Result<TargetEndpoint, UpstreamConfigurationError>, asked: [String]) {
    let server = try await LoopbackServer.start(answer: answer)
    // No test depends on how fast this machine is.
    let metadata = [
      "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:\(server.port)", "AWS_METADATA_SERVICE_TIMEOUT": "60",
      "AWS_EC2_METADATA_DISABLED": "false",
    ]
    let context = CredentialsContext.onHost(metadata.merging(environment) { $1 }, files: MemoryFiles(files).files)
    var configuration = TargetConfiguration(name: TargetName("t"))
    configure(&configuration)
    let endpoint: Result<TargetEndpoint, UpstreamConfigurationError>
    do throws(UpstreamConfigurationError) {
      let client = try await AWSUpstreamClient(configuration: configuration, context: context)
      endpoint = .success(client.endpoint)
      await client.shutdown()
    } catch {
      endpoint = .failure(error)
    }
    try await server.stop()
    return (endpoint, server.requests.map { "\($0.method) \($0.uri)" })
  }

  private func problem(_ endpoint: Result<TargetEndpoint, UpstreamConfigurationError>) -> String {
    if case .failure(let error) = endpoint { error.description } else { "" }
  }

  @Test func `is used for the endpoint and for signing if no other source names a region`() async throws {
    let (endpoint, asked) = try await endpoint()
    #expect(try endpoint.get().url.host == "iot.eu-west-3.amazonaws.com")
    #expect(try endpoint.get().region == "eu-west-3")
    #expect(asked == Self.asked)
    let own = try await self.endpoint(configure: { $0.endpoint = "https://iot.example.com" }).endpoint.get()
    #expect(own.url.host == "iot.example.com" && own.region == "eu-west-3")
  }

  @Test func `is not asked for if another source names a region or the environment forbids it`() async throws {
    let named = try await endpoint(configure: { $0.region = "eu-central-1" })
    #expect(try named.endpoint.get().region == "eu-central-1" && named.asked == [])
    let exported = try await endpoint(["AWS_DEFAULT_REGION": "eu-west-1"])
    #expect(try exported.endpoint.get().region == "eu-west-1" && exported.asked == [])
    let forbidden = try await endpoint(["AWS_EC2_METADATA_DISABLED": "true"])
    #expect(problem(forbidden.endpoint).hasSuffix("`region` in the profile") && forbidden.asked == [])
  }

  @Test func `comes from the metadata service that the credentials come from`() async throws {
    let server = try await LoopbackServer.start(answer: Self.regions)
    let (endpoint, asked) = try await endpoint(configure: {
      $0.credentials = .instanceMetadata(endpoint: "http://127.0.0.1:\(server.port)")
    })
    #expect(try endpoint.get().region == "eu-west-3")
    #expect(asked == [] && server.requests.count == 2)
    try await server.stop()
  }

  @Test func `is asked for twice if no answer comes`() async throws {
    let lost = Mutex(0)
    let (endpoint, _) = try await endpoint { request, count in
      let isFirst = lost.withLock { lost in
        lost += 1
        return lost == 1
      }
      return isFirst ? CannedReply(raw: "", ending: .close) : Self.regions(request, count)
    }
    #expect(try endpoint.get().region == "eu-west-3")

    let silent = try await self.endpoint { _, _ in CannedReply(raw: "", ending: .close) }
    #expect(silent.asked == ["PUT /latest/api/token", "PUT /latest/api/token"])
    #expect(problem(silent.endpoint).contains("no region: set `region`"))
    #expect(problem(silent.endpoint).contains("the instance was asked for its own: instance metadata at 127.0.0.1"))
  }

  @Test(arguments: [
    (CannedReply.json(403, ""), "HTTP 403"), (CannedReply(body: ""), "HTTP 200"),
    (CannedReply(body: "an error page"), "HTTP 200"),
  ])
  func `is not asked for again, nor in version 1, if another service answers`(
    reply: CannedReply, says: String
  ) async throws {
    let (endpoint, asked) = try await endpoint { _, _ in reply }
    #expect(problem(endpoint).contains("no session token (\(says))"))
    #expect(asked == ["PUT /latest/api/token"])
  }

  @Test(arguments: [
    (CannedReply.json(404, ""), "names no region (HTTP 404)"), (CannedReply(body: "eu west"), "names no region"),
    (CannedReply(body: "Mars/1"), "not a name like"),
  ])
  func `has to have the form of a region`(reply: CannedReply, says: String) async throws {
    let (endpoint, asked) = try await endpoint { request, _ in
      request.method == "PUT" ? CannedReply(body: "TOKEN") : reply
    }
    #expect(problem(endpoint).contains(says))
    #expect(asked == Self.asked)
  }

  @Test(arguments: [
    ([:], false), (["/sys/devices/virtual/dmi/id/board_asset_tag": "i-0123456789abcdef0\n"], true),
    (["/sys/devices/virtual/dmi/id/board_asset_tag": "No Asset Tag\n"], false),
    (["/sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef\n"], true),
    (["/sys/hypervisor/uuid": "b21e1916-9099-7caf-fd21-012345abcdef\n"], false),
  ])
  func `may come later on an instance whose network is not up yet`(
    files: [String: String], isInstance: Bool
  ) async throws {
    func mayPass(_ reply: CannedReply) async throws -> Bool? {
      let found = try await endpoint(files: files) { _, _ in reply }.endpoint
      return if case .failure(let error) = found { error.mayPass } else { nil }
    }
    #expect(try await mayPass(CannedReply(raw: "", ending: .close)) == isInstance)
    #expect(try await mayPass(.json(503, "")) == isInstance)
    #expect(try await mayPass(.json(403, "")) == false)
  }
}
