import CertRegCore
import CertRegSigV4
import Synchronization

@testable import CertRegForwarder

/// Credentials that a test chooses.
final class FixedCredentials: CredentialsSource {
  static let first = SigningCredentials(
    accessKeyID: "ASIAFIRST", secretAccessKey: "first-secret", sessionToken: "first-token")
  static let second = SigningCredentials(
    accessKeyID: "ASIASECOND", secretAccessKey: "second-secret", sessionToken: "second-token")

  private let held: Mutex<SigningCredentials>
  private let afterRefresh: SigningCredentials?

  init(_ credentials: SigningCredentials = first, afterRefresh: SigningCredentials? = nil) {
    held = Mutex(credentials)
    self.afterRefresh = afterRefresh
  }

  func current() -> SigningCredentials? { held.withLock { $0 } }
  func credentials() async throws(CredentialsError) -> SigningCredentials { held.withLock { $0 } }
  func refresh(after rejected: SigningCredentials) async throws(CredentialsError) -> SigningCredentials {
    held.withLock { held in
      if let afterRefresh { held = afterRefresh }
      return held
    }
  }
  var provenance: ProvidedCredentials? { nil }
  func shutdown() async {}
}

/// Credentials that never come.
struct StuckCredentials: CredentialsSource {
  func current() -> SigningCredentials? { nil }
  func credentials() async throws(CredentialsError) -> SigningCredentials {
    let never = AsyncStream<Never> { _ in }
    for await _ in never {}
    throw CredentialsError(.unavailable, "cancelled")
  }
  func refresh(after rejected: SigningCredentials) async throws(CredentialsError) -> SigningCredentials {
    try await credentials()
  }
  var provenance: ProvidedCredentials? { nil }
  func shutdown() async {}
}

extension TargetConfiguration {
  /// A target of which only the credentials matter.
  init(credentials: CredentialsConfiguration) {
    self.init(name: TargetName("t"))
    self.credentials = credentials
  }
}
