/// The values of an error's `reason` that come from talking to AWS. They are part of the wire's interface: none may change
/// its meaning.
package enum FailureReason: String, CaseIterable, Sendable {
  // The daemon's identity.
  /// No source has credentials.
  case noCredentials = "no_credentials"
  /// A source that is configured failed or gave something unusable.
  case credentialsInvalid = "credentials_invalid"
  /// A source that is configured could not be reached in time; the next call asks again.
  case credentialsUnavailable = "credentials_unavailable"
  /// The identity lacks the permission.
  case accessDenied = "access_denied"
  /// The temporary credentials are past their end, also after asking for new ones.
  case expiredToken = "expired_token"
  /// AWS does not know the access key or the session token.
  case unknownIdentity = "unknown_identity"
  /// The secret does not fit the access key.
  case invalidSignature = "invalid_signature"
  /// The clocks differ by more than five minutes, also after correcting for it.
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
  /// The call was given up because the daemon ends.
  case shuttingDown = "shutting_down"

  // The upstream's own faults.
  case upstreamInternal = "upstream_internal"
  case upstreamUnavailable = "upstream_unavailable"
  /// The answer is not one that the service gives.
  case upstreamGarbled = "upstream_garbled"
  /// The answer is a redirect, which the service does not give and the daemon does not follow.
  case upstreamRedirected = "upstream_redirected"
  /// The answer is about another certificate than the one that was sent.
  case upstreamMismatch = "upstream_mismatch"

  // What the upstream refuses for good.
  case upstreamRefusedCertificate = "upstream_refused_certificate"
  case upstreamRefusedRequest = "upstream_refused_request"
  case upstreamRefusedState = "upstream_refused_state"
  /// The endpoint does not know the operation or the resource.
  case upstreamNotFound = "upstream_not_found"
}
