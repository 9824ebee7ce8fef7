/// Values of an error's `reason` for calls to AWS. They are part of the interface of the socket: none may change its
/// meaning.
package enum FailureReason: String, CaseIterable, Sendable {
  // The daemon's identity.
  /// No source has credentials.
  case noCredentials = "no_credentials"
  /// A configured source failed or gave unusable credentials.
  case credentialsInvalid = "credentials_invalid"
  /// A configured source could not be reached in time. The next call asks again.
  case credentialsUnavailable = "credentials_unavailable"
  /// The identity lacks the permission.
  case accessDenied = "access_denied"
  /// The temporary credentials have ended, and so have those that replaced them.
  case expiredToken = "expired_token"
  /// AWS does not know the access key or the session token.
  case unknownIdentity = "unknown_identity"
  /// The secret does not fit the access key.
  case invalidSignature = "invalid_signature"
  /// The clocks differ by more than five minutes, even after a correction.
  case clockSkew = "clock_skew"
  /// The account is not signed up for the service or the region.
  case notOptedIn = "not_opted_in"

  // The account's rate.
  case throttledByUpstream = "throttled_by_upstream"

  // The way to the upstream.
  case nameResolution = "name_resolution"
  case connectionRefused = "connection_refused"
  case networkUnreachable = "network_unreachable"
  case connectTimeout = "connect_timeout"
  case connectionLost = "connection_lost"
  case requestTimeout = "request_timeout"
  case tlsFailure = "tls_failure"
  case proxyRefused = "proxy_refused"
  case upstreamUnreachable = "upstream_unreachable"
  /// The call was not made, or given up, because the daemon stops or the target has changed.
  case shuttingDown = "shutting_down"

  // The upstream's own faults.
  case upstreamInternal = "upstream_internal"
  case upstreamUnavailable = "upstream_unavailable"
  /// The service gives no such reply.
  case upstreamGarbled = "upstream_garbled"
  /// The reply is a redirect, which the service does not send and the daemon does not follow.
  case upstreamRedirected = "upstream_redirected"
  /// The reply is about another certificate or thing.
  case upstreamMismatch = "upstream_mismatch"

  // Final refusals of the upstream.
  case upstreamRefusedCertificate = "upstream_refused_certificate"
  case upstreamRefusedRequest = "upstream_refused_request"
  case upstreamRefusedState = "upstream_refused_state"
  /// The upstream does not have the certificate.
  case certificateNotFound = "certificate_not_found"
  /// CreateThing: the upstream does not have the thing type.
  case thingTypeNotFound = "thing_type_not_found"
  /// AddThingToThingGroup: the upstream does not have the thing group.
  case thingGroupNotFound = "thing_group_not_found"
  /// AttachPolicy: the upstream does not have the policy.
  case policyNotFound = "policy_not_found"
  /// AttachThingPrincipal: the upstream does not have the thing or the certificate.
  case thingOrCertificateNotFound = "thing_or_certificate_not_found"
  /// RegisterThing: the upstream does not have a resource, and its message does not tell the kind.
  case templateResourceNotFound = "template_resource_not_found"
  /// A thing of that name has another type or other attributes.
  case thingDiffers = "thing_differs"
  /// A resource of AWS IoT cannot have more of another.
  case limitExceeded = "limit_exceeded"
  /// The endpoint does not know the operation or the resource.
  case upstreamNotFound = "upstream_not_found"

  /// Whether the daemon found no identity to call with.
  package var isOfCredentials: Bool {
    [.noCredentials, .credentialsInvalid, .credentialsUnavailable].contains(self)
  }
}
