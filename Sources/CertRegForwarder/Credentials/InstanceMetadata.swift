import CertRegCore
import NIOHTTP1

/// The metadata service of an EC2 instance, in version 2.
///
/// Version 1 is not used: it answers every plain GET that the host can be made to send.
struct InstanceMetadata: Sendable {
  static let name = "instance metadata"
  /// The reply with a token does not travel further than the hop limit, which is 1 by default (EC2 User Guide,
  /// "Configure the Instance Metadata Service options").
  static let hopLimitAdvice =
    "in a container, the instance's hop limit must be 2 or more (aws ec2 modify-instance-metadata-options "
    + "--http-put-response-hop-limit 2)"

  /// Overrides the environment.
  let endpoint: String?
  let environment: ProcessEnvironment
  let endpoints: CredentialEndpoints

  /// Whether the environment forbids to ask.
  var isDisabled: Bool { environment.flag("AWS_EC2_METADATA_DISABLED") }

  /// Whether the host identifies itself as an EC2 instance (EC2 User Guide, "Detect whether a host is an EC2
  /// instance").
  static func isInstance(_ files: HostFiles) -> Bool {
    // On Nitro the tag is the instance's ID; on Xen the UUID begins with `ec2`.
    let tag = try? files.text("/sys/devices/virtual/dmi/id/board_asset_tag")
    let uuid = try? files.text("/sys/hypervisor/uuid")
    return tag?.hasPrefix("i-") ?? false || uuid?.hasPrefix("ec2") ?? false
  }

  /// The reply to the request for a token, which version 2 wants with each further request.
  enum Session: Sendable {
    case token(String)
    /// Something replied that does not speak version 2.
    case refused(status: Int)

    /// - Throws: `invalid` if there is none.
    func token() throws(CredentialsError) -> String {
      switch self {
      case .token(let token): return token
      case .refused(let status):
        throw CredentialsError(
          .invalid,
          "Instance metadata gives no session token (HTTP \(status)): version 2 must be on, version 1 is not used")
      }
    }
  }

  /// Begins a session. A new one for each refresh costs one request an hour.
  ///
  /// - Throws: `unavailable` if nothing replies, or the service has no answer at the moment.
  func session() async throws(CredentialsError) -> Session {
    let reply = try await endpoints.send(
      .PUT, try url(), path: "/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "300")],
      timeout: timeout, service: Self.name, place: .host, timeoutAdvice: Self.hopLimitAdvice)
    guard reply.status < 500, reply.status != 429 else { throw Self.overloaded(reply.status) }
    let token = String(decoding: reply.body, as: UTF8.self)
    guard reply.status == 200, UpstreamText.identifier(token) != nil else { return .refused(status: reply.status) }
    return .token(token)
  }

  func get(_ path: String, token: String) async throws(CredentialsError) -> HTTPReply {
    try await endpoints.send(
      .GET, try url(), path: path, headers: [("X-aws-ec2-metadata-token", token)], timeout: timeout, service: Self.name,
      place: .host)
  }

  /// The region that the instance runs in: the category `placement/region` (EC2 User Guide, "Instance metadata
  /// categories"), which the SDKs ask for last.
  ///
  /// Asks a second time if there is no reply: without a region the daemon does not start, and a packet may get lost.
  func region() async throws(CredentialsError) -> String {
    do throws(CredentialsError) { return try await placement() } catch {
      guard error.code == .unavailable else { throw error }
      return try await placement()
    }
  }

  private func placement() async throws(CredentialsError) -> String {
    let reply = try await get("/latest/meta-data/placement/region", token: try await session().token())
    guard reply.status < 500, reply.status != 429 else { throw Self.overloaded(reply.status) }
    guard reply.status == 200, let region = UpstreamText.identifier(Self.firstLine(reply)) else {
      throw CredentialsError(.invalid, "Instance metadata names no region (HTTP \(reply.status))")
    }
    return region
  }

  private static func overloaded(_ status: Int) -> CredentialsError {
    CredentialsError(.unavailable, "Instance metadata has no answer at the moment (HTTP \(status))")
  }

  /// The first line of a reply.
  static func firstLine(_ reply: HTTPReply) -> String {
    String(
      decoding: reply.body.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }, as: UTF8.self)
  }

  private func url() throws(CredentialsError) -> ServiceURL {
    if let text = endpoint ?? environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
      do throws(ServiceURLError) { return try ServiceURL(parsing: text) } catch {
        throw CredentialsError(.invalid, "The endpoint of instance metadata is not a usable URL: \(error)")
      }
    }
    let isIPv6 = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
    return ServiceURL(scheme: .http, host: isIPv6 ? "fd00:ec2::254" : "169.254.169.254")
  }

  private var timeout: Duration {
    guard let text = environment["AWS_METADATA_SERVICE_TIMEOUT"], let seconds = Double(text), seconds > 0, seconds <= 60
    else { return .seconds(1) }
    return .seconds(seconds)
  }
}
