package import CertRegCore

/// What a target's upstream says to a call that registers nothing.
///
/// The call is RegisterCertificateWithoutCA with a text that is no certificate. AWS looks at who asks before it looks at
/// what is asked for, so an identity without the permission gets AccessDeniedException, and one with it
/// CertificateValidationException.
package struct UpstreamCheck: Sendable {
  /// The endpoint's URL.
  package var endpoint: String
  package var region: String
  /// Why no answer came, if none did: name resolution, connection, TLS, proxy.
  package var unreachable: ServiceError?
  /// How far the upstream's clock is ahead of the host's, to the second.
  package var clockDifference: Duration?
  /// Where the credentials are from and when they end.
  package var credentials: ProvidedCredentials?
  /// ARN of the identity, where the Security Token Service told it.
  package var identity: String?
  /// Why registrations would be refused, if they would.
  package var refused: ServiceError?
}

extension CredentialsContext {
  /// Longest that each step of a check may take.
  private static let checkTimeout = Duration.seconds(8)

  /// Checks the way to a target's upstream, the credentials, and whether they may register.
  ///
  /// - Throws: Where the target cannot be used as it is configured.
  package func check(_ configuration: TargetConfiguration) async throws(UpstreamConfigurationError) -> UpstreamCheck {
    var configuration = configuration
    configuration.requestTimeout = min(configuration.requestTimeout, Self.checkTimeout)
    let client = try await AWSUpstreamClient(configuration: configuration, context: self)
    var check = UpstreamCheck(endpoint: client.endpoint.url.text(path: ""), region: client.endpoint.region)
    do throws(UpstreamFailure) {
      check.clockDifference = try await client.reach()
      check.refused = await refusal(of: client)
    } catch {
      check.unreachable = error.error
      check.refused = await client.prepare()
    }
    check.credentials = client.credentialsProvenance
    // Keys for an endpoint of one's own are no business of AWS's.
    if check.unreachable == nil, let credentials = check.credentials, knowsIdentities(configuration) {
      check.identity = await identity(of: credentials, region: client.endpoint.region)
    }
    await client.shutdown()
    return check
  }

  private func refusal(of client: AWSUpstreamClient) async -> ServiceError? {
    let call = RegisterCertificateCall(certificateID: CertificateID(), der: Array("no certificate".utf8), status: nil)
    guard case .failed(let failure) = await client.registerCertificateWithoutCA(call) else { return nil }
    let isOnlyAboutTheText = [FailureReason.upstreamRefusedCertificate, .upstreamRefusedRequest]
      .contains { Reason($0) == failure.error.reason }
    return isOnlyAboutTheText ? nil : failure.error
  }

  private func knowsIdentities(_ configuration: TargetConfiguration) -> Bool {
    configuration.endpoint == nil || environment["AWS_ENDPOINT_URL_STS"] != nil
  }

  private func identity(of credentials: ProvidedCredentials, region: String) async -> String? {
    let endpoints = CredentialEndpoints(environment: environment, eventLoopGroup: eventLoopGroup)
    let service = SecurityTokenService(region: region, environment: environment, clock: clock, endpoints: endpoints)
    // Who it is, is worth telling and no reason to fail.
    let identity = try? await service.callerIdentity(credentials.signing)
    await endpoints.shutdown()
    return identity
  }
}
