/// Where results belong: to a target, the location of its upstream, and the account that the results' ARNs name.
package struct ResultHome: Hashable, Sendable {
  /// The target that requests name.
  package let target: TargetName
  /// `nil`: nobody has said yet where the target's upstream is.
  package let location: UpstreamLocation?
  /// The ARNs' beginning up to the account: see ``AccountPrefix``. `nil`: not known.
  package let account: AccountPrefix?
  /// The name that the store keeps the results under: the target's own for the home that the target had first.
  package let storedName: TargetName
  /// Tells the home's results in memory from those of all other homes.
  package let name: TargetName

  init(target: TargetName, location: UpstreamLocation?, account: AccountPrefix?, isFirst: Bool) {
    self.target = target
    self.location = location
    self.account = account
    if let location {
      // No part holds a line end.
      name = TargetName("\(target)\n\(location)\n\(account?.rawValue ?? "")")
    } else {
      name = target
    }
    storedName = isFirst ? target : name
  }

  /// The home as jobs note it; `nil`: nobody has said yet where the target's upstream is.
  package var jobHome: JobHome? { location.map { JobHome(location: $0, account: account) } }

  /// The key of a result in the store.
  package func storedKey(_ certificateID: CertificateID) -> RegistrationKey {
    RegistrationKey(certificateID: certificateID, target: storedName)
  }

  /// Whether a result with this ARN may belong here. Earlier versions kept the results of all upstreams of a target
  /// together. An ARN of another form tells nothing.
  package func mayHold(arn: String?) -> Bool {
    guard let arn else { return true }
    if let account { return arn.hasPrefix(account.rawValue) || AccountPrefix(arn: arn) == nil }
    guard let region = location?.regionOfAWS, let other = AccountPrefix(arn: arn) else { return true }
    return other.region == region
  }
}

/// The beginning of a certificate's ARN up to its account, `arn:aws:iot:eu-central-1:123456789012:`.
package struct AccountPrefix: RawRepresentable, Hashable, Sendable {
  package let rawValue: String

  /// - Returns: `nil` for a text of another form.
  package init?(rawValue: String) {
    guard let prefix = AccountPrefix(arn: rawValue), prefix.rawValue == rawValue else { return nil }
    self = prefix
  }

  /// Reads `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
  /// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
  ///
  /// - Returns: `nil` for a text of another form.
  package init?(arn: String) {
    guard arn.hasPrefix("arn:"), arn.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    let fields = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard fields.count == 6, !fields[3].isEmpty, !fields[4].isEmpty else { return nil }
    rawValue = String(arn[..<fields[5].startIndex])
  }

  /// The account's number.
  package var number: Substring { rawValue.split(separator: ":", omittingEmptySubsequences: false)[4] }

  /// The region that the ARN names.
  var region: Substring { rawValue.split(separator: ":", omittingEmptySubsequences: false)[3] }
}
