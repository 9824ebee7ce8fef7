package import CertRegCore

/// Advice about errors, by their `reason`.
package enum Advice {
  /// One sentence that says what to do; `nil` where the message is enough.
  package static func forReason(_ reason: String) -> String? {
    byReason[reason]
  }

  /// One sentence that says what to do about an error of the daemon; `nil` where the message is enough.
  ///
  /// - Parameters:
  ///   - error: The error.
  ///   - status: The status that the command line names; `nil`: none.
  ///   - targets: The targets that the command line names.
  package static func about(_ error: AnswerError, status: CertificateStatus? = nil, targets: [String] = []) -> String? {
    switch error.reason {
    case "deadline_exceeded":
      let options = targets.map { " --target \($0.quotedForShell)" }.joined()
      return "it goes on: certregctl lookup\(options) FILE tells how it ended, a longer --timeout waits for it"
    case "status_differs": return forStatus(error.status, wanted: status?.rawValue)
    case "invalid_signature" where isAboutRegion(error):
      return "the endpoint belongs to another region: set the target's region to that one, or remove its endpoint"
    case "tls_failure": return forTLS(error.message)
    default: return byReason[error.reason]
    }
  }

  /// What to do about a thing that is not attached to a certificate.
  ///
  /// - Parameter other: A thing that is attached; `nil`: none is. An exclusive one keeps others away.
  static func forThing(attached other: String?) -> String {
    let attach = "certregctl register FILE --refresh, with a profile that has the thing"
    guard let other else { return "to attach it: \(attach)" }
    return "to attach it: \(attach); if one of the two is exclusive, first: "
      + "aws iot detach-thing-principal --thing-name \(other.quotedForShell) --principal ARN"
  }

  /// What to do about a request that has not ended.
  static let forQueued = "certregd goes on by itself: certregctl lookup shows how far it is; verify again later"

  /// Whether AWS refused a signature because it was made for another region.
  static func isAboutRegion(_ error: AnswerError) -> Bool {
    error.reason == "invalid_signature" && error.message.contains("scoped to a valid region")
  }

  /// What to do about a failure of TLS, by the words of certregd's message.
  private static func forTLS(_ message: String) -> String? {
    if message.contains("for another host name") {
      return "name the server in the target's endpoint as its certificate does, or have one issued for this name; "
        + "openssl s_client -connect HOST:443 shows what it has"
    }
    if message.contains("does not speak TLS") {
      return "correct the port or the scheme of the target's endpoint: https is spoken elsewhere, or http here"
    }
    return byReason["tls_failure"]
  }

  /// What to do about a certificate that has the status `found`, and not the one that is wanted.
  static func forStatus(_ found: String?, wanted: String?) -> String {
    if found == CertificateStatus.revoked.rawValue {
      return "a revoked certificate stays revoked: give the device another certificate"
    }
    if let wanted = wanted.flatMap(CertificateStatus.init(rawValue:)), !wanted.canBeSet {
      return "AWS IoT lets nobody set \(wanted.rawValue): ask for ACTIVE, INACTIVE or REVOKED, or leave --status out"
    }
    if found == CertificateStatus.pendingTransfer.rawValue {
      return "it is on its way to another account: have the transfer accepted there, or cancel it here, and ask again"
    }
    return "set it with certregctl activate, deactivate or revoke, or register with --if-exists update"
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
      "the endpoint answered for another certificate or account: check the target's endpoint and what is between",
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
