import CertRegCodec
import CertRegCore

extension Doctor {
  /// The identity that AWS sees, and whether it may register.
  func identity(_ line: JSON, whose: String?, works: Bool, _ finding: MakeFinding) -> [Finding] {
    var seen = line["credentials"]?["source"]?.string ?? ""
    if let whose, !seen.isEmpty { seen = "\(whose): \(seen)" }
    if let identity = line["credentials"]?["identity"]?.string { seen += ", \(identity)" }
    let end = line["credentials"]?["expiresAt"]?.string.flatMap(StatusView.time)
    if let end {
      let left = Double((end - probe.wallTime).milliseconds) / 1000
      seen += left > 0 ? ", for another \(StatusView.duration(seconds: left))" : ", ended \(end.rfc3339)"
    }
    let held = seen.isEmpty ? [] : [finding(.ok, "credentials", seen, nil)]
    guard let error = line["refused"].flatMap(AnswerError.init(json:)) else {
      guard line["unreachable"] == nil else { return held }
      return held + [
        finding(.ok, "permission", "may iot:RegisterCertificateWithoutCA (asked with no certificate)", nil)
      ]
    }
    let cure = Advice.about(error)
    let message = "\(error.message) (\(error.reason))"
    switch error.reason {
    case "no_credentials", "credentials_invalid", "credentials_unavailable":
      // The daemon may have credentials that this user does not have.
      if works {
        return [finding(.ok, "credentials", "certregd has registered certificates with its own credentials", nil)]
      }
      return [finding(whose == nil ? .error : .warning, "credentials", message, cure)]
    case "expired_token", "unknown_identity":
      return [finding(.error, "credentials", seen.isEmpty ? message : "\(seen): \(message)", cure)]
    case "invalid_signature":
      let subject = Advice.isAboutRegion(error) ? "region" : "credentials"
      return (subject == "region" ? held : []) + [finding(.error, subject, message, cure)]
    case "access_denied", "not_opted_in": return held + [finding(.error, "permission", message, cure)]
    case "clock_skew": return held + [finding(.error, "clock there", message, cure)]
    case "throttled_by_upstream": return held + [finding(.warning, "quota", message, cure)]
    default: return held + [finding(.error, "upstream", message, cure)]
    }
  }

}
