/// What a person can do about an error, by its `reason`.
package enum Advice {
  /// One sentence; `nil` where the message says all there is.
  package static func forReason(_ reason: String) -> String? {
    byReason[reason]
  }

  private static let byReason: [String: String] = [
    "peer_not_allowed":
      "certregd's configuration does not grant this: ask for your user, group or unit to be added to its access section",
    "deadline_exceeded":
      "the registration goes on: certregctl lookup FILE tells how it ended, a longer --timeout waits for it",
    "status_differs":
      "it keeps the status that it has: change it in AWS IoT (aws iot update-certificate), or ask for that status",
    "expired": "if it is to be registered all the same, the configuration's validation section can allow expired",
    "not_yet_valid":
      "check this machine's clock; the configuration's validation section can allow not_yet_valid",
    "multiple_certificates": "give each certificate its own request; certregctl splits PEM files by itself",
    "wrong_pem_label": "the block must begin with -----BEGIN CERTIFICATE-----",
    "weak_rsa_key": "issue the certificate again with an RSA key of 2048 bits or more, or an EC key",
    "unknown_target": "certregctl status lists the targets that are configured",
    "draining": "certregd is stopping: try again when it is back",
    "queue_full": "certregd's queue is at its limit: try again later; certregctl status shows what holds it up",
    "upstream_mismatch":
      "the endpoint answered for another certificate: check the target's endpoint and what is between",
    "no_credentials": "certregctl doctor shows which sources of credentials were tried",
    "credentials_unavailable": "certregctl doctor shows which sources of credentials were tried",
    "expired_token": "the daemon's credentials have expired: renew them where they come from",
    "access_denied": "the daemon's identity needs the permission iot:RegisterCertificateWithoutCA",
  ]
}
