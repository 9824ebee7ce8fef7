package import CertRegCore
package import CertRegSigV4

/// Why there are no credentials.
package struct CredentialsError: Error, Hashable, Sendable {
  /// What has to happen before there are credentials.
  package enum Code: Hashable, Sendable {
    /// No source has any.
    case notFound
    /// A configured source is wrong, incomplete, or was refused: the operator has to correct it.
    case invalid
    /// A configured source did not answer, but may answer later.
    case unavailable
  }

  /// Decides whether the next source is asked and whether the same source is asked again.
  package let code: Code
  /// Tells the operator which sources were asked, what is wrong and what to do. Never holds a secret.
  package let message: String
  /// The underlying error, for the log.
  package let cause: ErrorCause?

  package init(_ code: Code, _ message: String, cause: ErrorCause? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }
}

/// Credentials and their source.
package struct ProvidedCredentials: Sendable, Equatable {
  /// The key pair and session token that sign requests.
  package let signing: SigningCredentials
  /// The end of the credentials; `nil` for lasting keys.
  package let expiration: WallTime?
  /// The name of the source, for logs and `status`: `environment variables`, `shared files, profile line-3` …
  package let source: String
  /// How soon to look for a change, for sources that cost next to nothing to ask.
  package let recheckAfter: Duration?

  package init(
    signing: SigningCredentials, expiration: WallTime? = nil, source: String, recheckAfter: Duration? = nil
  ) {
    self.signing = signing
    self.expiration = expiration
    self.source = source
    self.recheckAfter = recheckAfter
  }
}

/// A source of credentials. Each call asks it again; `RefreshingCredentials` keeps and renews the result.
package protocol CredentialsProvider: Sendable {
  /// Gets credentials.
  ///
  /// - Returns: `nil` if this source is not configured, so that a chain goes on to the next.
  /// - Throws: `CredentialsError` if it is configured and fails. A chain stops there.
  func fetch() async throws(CredentialsError) -> ProvidedCredentials?

  /// The name of the source in "looked at …": `environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`.
  var summary: String { get }

  /// The files that the source reads. A change of one ends the pause after a refusal.
  var filePaths: [String] { get }

  /// Releases connections.
  func shutdown() async
}

extension CredentialsProvider {
  package var filePaths: [String] { [] }

  package func shutdown() async {}
}

/// Supplies the credentials that sign requests.
package protocol CredentialsSource: Sendable {
  /// The credentials at hand; `nil` if they have to be fetched first.
  func current() -> SigningCredentials?

  /// The credentials to use now, fetched if necessary.
  ///
  /// - Throws: `CredentialsError` if there are none.
  func credentials() async throws(CredentialsError) -> SigningCredentials

  /// Fetches other credentials after the upstream refused `rejected`. Simultaneous calls share one fetch. A call whose
  /// `rejected` is no longer current gets the current credentials.
  ///
  /// - Throws: `CredentialsError` if there are none.
  func refresh(after rejected: SigningCredentials) async throws(CredentialsError) -> SigningCredentials

  /// The source and the end of the credentials in use, for `status`; `nil` before the first fetch.
  var provenance: ProvidedCredentials? { get }

  /// Ends fetches and releases connections.
  func shutdown() async
}
