package import CertRegCore

/// The result of a call that registers nothing.
///
/// The call is RegisterCertificateWithoutCA with a text that is no certificate. AWS checks the identity before the
/// request: an identity without the permission gets AccessDeniedException, and one with it
/// CertificateValidationException.
package struct UpstreamCheck: Sendable {
  /// The endpoint's URL.
  package var endpoint: String
  /// The target's region.
  package var region: String
  /// Why there was no reply: name resolution, connection, TLS or proxy. `nil` if there was one.
  package var unreachable: ServiceError?
  /// How far the upstream's clock is ahead of the host's, to the second.
  package var clockDifference: Duration?
  /// The source and the end of the credentials.
  package var credentials: ProvidedCredentials?
  /// The ARN of the identity, if the Security Token Service told it.
  package var identity: String?
  /// Why registrations would be refused; `nil` if they would not.
  package var refused: ServiceError?
}

extension CredentialsContext {
  /// Time limit of each request of a check.
  private static let checkTimeout = Duration.seconds(8)
  /// Time limit for the credentials. The daemon fetches them ahead of its calls, so that a source may take longer than
  /// a call. A program that takes too long is reported as such by its own limit.
  private static let credentialsTimeout = CredentialProcess.timeout + .seconds(1)

  /// Looks for what a start would end with, without a call: the target's region and endpoint, and its file of
  /// authorities.
  ///
  /// - Returns: What is missing here, which the service's own environment may have; `nil`: nothing.
  /// - Throws: `UpstreamConfigurationError` if the target cannot be used as it is configured.
  package func remark(on configuration: TargetConfiguration) async throws(UpstreamConfigurationError) -> String? {
    if let path = connections(of: configuration).authoritiesFile {
      do throws(TransportConfigurationError) { _ = try CertificateFiles.shared.certificates(path) } catch {
        throw UpstreamConfigurationError("target \(configuration.name): \(error)")
      }
    }
    do throws(UpstreamConfigurationError) {
      _ = try await TargetEndpoint(
        configuration: configuration, environment: environment, profiles: profileStore(for: configuration.credentials),
        isInstance: true
      ) { () async throws(CredentialsError) in
        throw CredentialsError(.unavailable, "it was not asked")
      }
    } catch {
      guard error.mayPass else { throw error }
      guard !InstanceMetadata.isInstance(files) else { return nil }
      return "target \(configuration.name): \(EndpointError.missingRegion); a service without one does not start"
    }
    return nil
  }

  /// Checks whether a target's upstream can be reached, the credentials, and whether they may register.
  ///
  /// - Throws: `UpstreamConfigurationError` if the target cannot be used as it is configured.
  package func check(_ configuration: TargetConfiguration) async throws(UpstreamConfigurationError) -> UpstreamCheck {
    var configuration = configuration
    configuration.requestTimeout = min(configuration.requestTimeout, Self.checkTimeout)
    let client = try await AWSUpstreamClient(configuration: configuration, context: self)
    var check = UpstreamCheck(endpoint: client.endpoint.url.text(path: ""), region: client.endpoint.region)
    do throws(UpstreamFailure) { check.clockDifference = try await client.reach() } catch {
      check.unreachable = error.error
    }
    check.refused = await client.prepare(within: Self.credentialsTimeout)
    if check.unreachable == nil, check.refused == nil { check.refused = await refusal(of: client) }
    check.credentials = client.credentialsProvenance
    // Keys for an endpoint that is not AWS's must not be sent to AWS.
    if check.unreachable == nil, let credentials = check.credentials {
      check.identity = await identity(of: credentials, configuration, client.endpoint)
    }
    await client.shutdown()
    return check
  }

  private func refusal(of client: AWSUpstreamClient) async -> ServiceError? {
    let call = RegisterCertificateCall(certificateID: CertificateID(), der: Array("no certificate".utf8), status: nil)
    guard case .failed(let failure) = await client.perform(.registerCertificateWithoutCA(call)) else { return nil }
    let isOnlyAboutTheText = [FailureReason.upstreamRefusedCertificate, .upstreamRefusedRequest]
      .contains { Reason($0) == failure.error.reason }
    return isOnlyAboutTheText ? nil : failure.error
  }

  private func identity(
    of credentials: ProvidedCredentials, _ configuration: TargetConfiguration, _ endpoint: TargetEndpoint
  ) async -> String? {
    let endpoints = CredentialEndpoints(
      connections(of: configuration), environment: environment, eventLoopGroup: eventLoopGroup)
    let service = securityTokenService(of: configuration, region: endpoint.region, endpoints)
    var identity: String?
    // The identity is additional information: the check does not fail without it.
    if endpoint.isAWS || (try? service.resolver.configuredURL(.sts)) != nil {
      identity = try? await service.callerIdentity(credentials.signing)
    }
    await endpoints.shutdown()
    return identity
  }
}
