import AsyncHTTPClient
import CertRegCore
import NIOHTTP1

/// A complete HTTP response.
struct HTTPReply: Sendable {
  var status: Int
  var headers: HTTPHeaders
  var body: [UInt8]
}

/// How a transport makes connections.
struct TransportOptions: Sendable {
  var proxy: HTTPClient.Configuration.Proxy?
  /// PEM file of authorities; `nil`: the system's.
  var authoritiesFile: String?
  /// PEM files of the certificate (chain) and key for mutual TLS.
  var clientIdentity: (certificateFile: String, privateKeyFile: String)?
  var connectTimeout = Duration.seconds(5)
  /// The greatest number of connections at the same time.
  var connections = 8
}

/// A setting of TLS that cannot be used.
struct TransportConfigurationError: Error, Hashable, CustomStringConvertible {
  /// Names the file and what is wrong with it.
  let description: String
  /// The error of the TLS library, for the log.
  var cause: ErrorCause?
}
