/// Advice about errors, by their `reason`.
package enum Advice {
  /// One sentence that says what to do; `nil` where the message is enough.
  package static func forReason(_ reason: String) -> String? {
    byReason[reason]
  }

  /// What the mode of a certificate means for devices; `nil` for modes without a condition.
  ///
  /// The modes are those of https://docs.aws.amazon.com/iot/latest/apireference/API_CertificateDescription.html.
  static func forMode(_ mode: String) -> String? {
    guard mode == "SNI_ONLY" else { return nil }
    return "SNI_ONLY: devices have to name the account's endpoint as the server in TLS (SNI), the one that "
      + "aws iot describe-endpoint --endpoint-type iot:Data-ATS prints"
  }

  private static let byReason: [String: String] = [
    "peer_not_allowed":
      "certregd's configuration does not grant this: ask for your user, group or unit to be added to its access section",
    "deadline_exceeded":
      "it goes on: certregctl lookup FILE tells how it ended, a longer --timeout waits for it",
    "status_differs":
      "set it with certregctl activate, deactivate or revoke, or register with --if-exists update",
    "policy_not_found": "create the policy in the account and region of the target, or correct the name in the profile",
    "thing_type_not_found":
      "create the thing type in the account and region of the target, or correct the name in the profile",
    "thing_group_not_found":
      "create the thing group in the account and region of the target, or correct the name in the profile",
    "template_resource_not_found": "create what the template refers to in the account and region of the target",
    "thing_differs":
      "a thing of that name has another type or other attributes: compare it with the profile, and correct either",
    "limit_exceeded":
      "remove attachments that are not needed, or ask for a higher limit in Service Quotas (AWS IoT Core)",
    "invalid_provisioning":
      "give what the profile needs: --device-id, or --name-column of a table, for the device's name, --attribute for the rest",
    "unknown_profile": "the profiles are in the section provisioning of certregd's configuration",
    "too_many_describes": "others ask, too: try again later",
    "not_registered": "certregctl register or import registers it, with the same files",
    "thing_not_attached": "to attach it: certregctl register FILE --refresh, with a profile that has the thing",
    "policy_not_attached": "to attach it: certregctl register FILE --refresh, with a profile that has the policy",
    "not_complete":
      "certregctl register or import, with the same files and options, goes on with the steps that are left",
    "certificate_not_found":
      "AWS IoT has no such certificate in this account and region: register it, or check the target",
    "expired": "if it is to be registered all the same, the configuration's validation section can allow expired",
    "not_yet_valid":
      "check this machine's clock; the configuration's validation section can allow not_yet_valid",
    "wrong_pem_label": #"where it is a certificate in another form: "#
      + #"sed -E 's/-(BEGIN|END) [A-Z0-9 ]*CERTIFICATE-/-\1 TRUSTED CERTIFICATE-/' FILE"#
      + " | openssl storeutl -certs /dev/stdin | certregctl register -",
    "weak_rsa_key": "issue the certificate again with an RSA key of 2048 bits or more, or an EC key",
    "unknown_target": "certregctl status lists the targets that are configured",
    "start_failed":
      "journalctl -u certregd -n 50 names the reason; once the fault is corrected: "
      + "sudo systemctl reset-failed certregd.service certregd.socket, then start certregd.socket",
    "draining": "certregd is stopping: try again when it is back",
    "queue_full": "certregd's queue is at its limit: try again later; certregctl status shows what holds it up",
    "queue_expired":
      "it waited for the upstream longer than queue.maxAge allows: certregctl status shows what held it up",
    "store_full": "make room on the file system of certregd's state directory",
    "store_failed": "certregd's log names the file and the fault: journalctl -u certregd",
    "upstream_mismatch":
      "the endpoint answered for another certificate: check the target's endpoint and what is between",
    "upstream_garbled": "something else than AWS IoT answers: check the target's endpoint and proxy",
    "upstream_redirected": "something else than AWS IoT answers: check the target's endpoint and proxy",
    "throttled_by_upstream":
      "certregd keeps to the pace that AWS allows and goes on; a higher one is a quota request for the account",
    "no_credentials":
      "give the target a source of credentials: what the AWS CLI would find, or targets.NAME.credentials",
    "credentials_unavailable":
      "the source of the target's credentials does not answer: certregctl doctor, certregd's log",
    "credentials_invalid":
      "a source of the target's credentials is wrong or incomplete: correct the setting that the message names",
    "unknown_identity":
      "AWS does not know the target's credentials: check the key pair or the role, and that the account uses the region",
    "invalid_signature": "the secret key does not belong to the access key: check the target's credentials",
    "expired_token": "the target's credentials have expired: renew them where they come from",
    "access_denied":
      "allow the target's identity iot:RegisterCertificateWithoutCA on resource *, and what else the configuration needs "
      + "(IAM policy, permissions boundary, SCP): certregd --print-iam-policy prints a policy",
    "not_opted_in": "the account has to be opted in to the target's region",
    "clock_skew": "set this machine's clock: sudo timedatectl set-ntp true",
    "name_resolution":
      "check the spelling of the target's region, endpoint or proxy, and this machine's DNS (/etc/resolv.conf)",
    "tls_failure":
      "give the authority that signed the endpoint's or the proxy's certificate as the target's caFile; for AWS's own "
      + "install ca-certificates, and check the clock",
    "connect_timeout": "let this machine connect to the endpoint (firewall, route), or set the target's proxy",
    "connection_refused":
      "nothing listens at the address that the message names: check the target's endpoint and proxy",
    "network_unreachable": "this machine has no route to the endpoint: check its network, or set the target's proxy",
    "proxy_refused": "the target's proxy does not let certregd through: check its rules and the target's proxy setting",
  ]
}
