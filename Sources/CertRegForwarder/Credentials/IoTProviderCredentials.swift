import CertRegCodec
import CertRegCore
import NIOCore
import NIOHTTP1
import Synchronization

/// Credentials of AWS IoT's credential provider, which exchanges a device certificate, shown over mutual TLS, for the
/// credentials of the role that a role alias names.
final class IoTProviderCredentials: CredentialsProvider {
  struct Settings: Sendable {
    /// A host name, or a URL.
    var endpoint: String
    /// Of letters, digits and `_=,@-` (API reference, CreateRoleAlias), as the settings have checked: it becomes part
    /// of a path.
    var roleAlias: String
    var thingName: String?
    var certificateFile: String
    var privateKeyFile: String
    var caFile: String?
  }

  private struct Connected {
    var versions: [FileVersion?]
    var transport: HTTPTransport
  }

  private static let source = "the AWS IoT credential provider"

  private let settings: Settings
  private let url: ServiceURL
  private let connections: ConnectionSettings
  private let files: HostFiles
  private let eventLoopGroup: any EventLoopGroup
  /// Protects the transport, which is replaced when the certificate, the key or the authorities were replaced.
  private let connected = Mutex<Connected?>(nil)

  init(
    settings: Settings, connections: ConnectionSettings, files: HostFiles, eventLoopGroup: any EventLoopGroup
  ) throws(UpstreamConfigurationError) {
    let text = settings.endpoint.contains("://") ? settings.endpoint : "https://\(settings.endpoint)"
    do throws(ServiceURLError) { url = try ServiceURL(parsing: text) } catch {
      throw UpstreamConfigurationError("the endpoint of the credential provider is not usable: \(error)")
    }
    guard url.scheme == .https else {
      throw UpstreamConfigurationError("the endpoint of the credential provider must be reached over https")
    }
    self.settings = settings
    self.connections = connections
    self.files = files
    self.eventLoopGroup = eventLoopGroup
  }

  var summary: String { "\(Self.source) at \(url.authority)" }
  var filePaths: [String] {
    [settings.certificateFile, settings.privateKeyFile] + (authoritiesFile.map { [$0] } ?? [])
  }
  private var authoritiesFile: String? { settings.caFile ?? connections.authoritiesFile }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let transport = try await transport()
    var headers: [(name: String, value: String)] = [("Accept", "application/json")]
    if let thing = settings.thingName { headers.append(("x-amzn-iot-thingname", thing)) }
    let reply: HTTPReply
    do throws(TransportError) {
      reply = try await transport.send(
        .GET, url.text(path: "/role-aliases/\(settings.roleAlias)/credentials"), headers: headers,
        deadline: .now() + .nanoseconds(CredentialEndpoints.remoteTimeout.nanoseconds))
    } catch {
      throw failure(error)
    }
    guard reply.status == 200 else {
      throw CredentialsError(
        refusal: reply, source: Self.source,
        advice:
          "check that the certificate is active, that its policy allows iot:AssumeRoleWithCertificate on the role "
          + "alias \(settings.roleAlias), and that `thingName` is the thing it is attached to",
        secrets: connections.secrets, speaksJSON: true)
    }
    let object = try? JSONValue(parsing: reply.body)
    return try CredentialFields.service.read(
      object?["credentials"], source: "\(Self.source), role alias \(settings.roleAlias)")
  }

  private func failure(_ error: TransportError) -> CredentialsError {
    let place = "\(Self.source) at \(url.authority)"
    let (code, message): (CredentialsError.Code, String) =
      switch error.kind {
      // Only the operator can correct a handshake that fails.
      case .clientCertificateRefused:
        (
          .invalid,
          "\(place) refuses the certificate \(settings.certificateFile): check that it is registered and ACTIVE in the "
            + "account of this endpoint, and has not expired"
        )
      case .tlsFailure: (.invalid, "\(place): \(error.detail)")
      default: (.unavailable, "\(place): \(error.detail(at: url.host))")
      }
    return CredentialsError(code, message, cause: error.cause?.masked(with: connections.secrets))
  }

  func shutdown() async {
    let transport = connected.withLock { connected in
      defer { connected = nil }
      return connected?.transport
    }
    await transport?.shutdown()
  }

  private func transport() async throws(CredentialsError) -> HTTPTransport {
    let paths = [settings.certificateFile, settings.privateKeyFile, authoritiesFile]
    let versions = paths.map { $0.flatMap(files.version) }
    let last = connected.withLock { $0 }
    if let last, last.versions == versions { return last.transport }
    do {
      var options = TransportOptions()
      options.proxy = try connections.proxy(for: url)
      options.authoritiesFile = authoritiesFile
      options.clientIdentity = (settings.certificateFile, settings.privateKeyFile)
      options.connections = 1
      let transport = try HTTPTransport(options: options, eventLoopGroup: eventLoopGroup)
      connected.withLock { $0 = Connected(versions: versions, transport: transport) }
      await last?.transport.shutdown()
      return transport
    } catch {
      throw CredentialsError(.invalid, "\(error)", cause: (error as? TransportConfigurationError)?.cause)
    }
  }
}
