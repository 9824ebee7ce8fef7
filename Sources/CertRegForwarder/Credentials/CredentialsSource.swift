package import CertRegCore
package import CertRegSigV4

/// Why there are no credentials.
package struct CredentialsError: Error, Hashable, Sendable {
  package enum Code: Hashable, Sendable {
    /// No source has any.
    case notFound
    /// A source that is configured is wrong, incomplete, or was refused: somebody must mend it.
    case invalid
    /// A source that is configured did not answer: it may later.
    case unavailable
  }

  package let code: Code
  /// For the operator: which sources were looked at, what is wrong, what to do. Never holds a secret.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

/// Credentials and where they are from.
package struct ProvidedCredentials: Sendable, Equatable {
  package let signing: SigningCredentials
  /// When they end; `nil` for keys without an end.
  package let expiration: WallTime?
  /// The name of the source, for logs and `status`: `environment`, `shared credentials file (profile line-3)` …
  package let source: String
  /// How soon to look whether the source has others, where looking costs next to nothing.
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

/// A place that credentials come from. It answers each call afresh; keeping and refreshing is done around it.
package protocol CredentialsProvider: Sendable {
  /// Gets credentials.
  ///
  /// - Returns: `nil` where this source is not configured, so that a chain goes on to the next.
  /// - Throws: Where it is configured and fails; a chain stops there.
  func fetch() async throws(CredentialsError) -> ProvidedCredentials?

  /// What to write into "looked at": `environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`.
  var summary: String { get }

  /// Releases connections.
  func shutdown() async
}

extension CredentialsProvider {
  package func shutdown() async {}
}

/// What requests are signed with, at any time.
package protocol CredentialsSource: Sendable {
  /// What is at hand without waiting; `nil` where it must be fetched first.
  func current() -> SigningCredentials?

  /// The credentials to use now.
  func credentials() async throws(CredentialsError) -> SigningCredentials

  /// Asks for others, after the upstream refused `rejected`. Calls that come together share one fetch, and a call whose
  /// `rejected` is not current any more gets what is current.
  func refresh(after rejected: SigningCredentials) async throws(CredentialsError) -> SigningCredentials

  /// Where the credentials in use are from and when they end, for `status`; `nil` before the first were fetched.
  var provenance: ProvidedCredentials? { get }

  /// Ends what goes on in the background and releases connections.
  func shutdown() async
}
