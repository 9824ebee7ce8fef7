/// A separate part of AWS: its regions' names and the suffixes of its host names.
///
/// Follows the SDKs' `partitions.json`. A region that fits no pattern belongs to `aws`, so that regions newer than this
/// table work.
package struct AWSPartition: Hashable, Sendable {
  /// As in ARNs.
  package let name: String
  /// Beginnings of region names, which `-WORD-NUMBER` follows.
  let regionPrefixes: Set<String>
  /// Ends the host names of services.
  package let dnsSuffix: String
  /// Ends the names of hosts that have IPv6, too.
  package let dualStackDNSSuffix: String

  static let aws = AWSPartition(
    name: "aws", regionPrefixes: ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"], dnsSuffix: "amazonaws.com",
    dualStackDNSSuffix: "api.aws")

  /// Every partition.
  package static let all = [
    aws,
    AWSPartition(
      name: "aws-cn", regionPrefixes: ["cn"], dnsSuffix: "amazonaws.com.cn",
      dualStackDNSSuffix: "api.amazonwebservices.com.cn"),
    AWSPartition(
      name: "aws-us-gov", regionPrefixes: ["us-gov"], dnsSuffix: "amazonaws.com", dualStackDNSSuffix: "api.aws"),
    AWSPartition(
      name: "aws-eusc", regionPrefixes: ["eusc-de"], dnsSuffix: "amazonaws.eu",
      dualStackDNSSuffix: "api.amazonwebservices.eu"),
    AWSPartition(
      name: "aws-iso", regionPrefixes: ["us-iso"], dnsSuffix: "c2s.ic.gov", dualStackDNSSuffix: "api.aws.ic.gov"),
    AWSPartition(
      name: "aws-iso-b", regionPrefixes: ["us-isob"], dnsSuffix: "sc2s.sgov.gov",
      dualStackDNSSuffix: "api.aws.scloud"),
    AWSPartition(
      name: "aws-iso-e", regionPrefixes: ["eu-isoe"], dnsSuffix: "cloud.adc-e.uk",
      dualStackDNSSuffix: "api.cloud-aws.adc-e.uk"),
    AWSPartition(
      name: "aws-iso-f", regionPrefixes: ["us-isof"], dnsSuffix: "csp.hci.ic.gov",
      dualStackDNSSuffix: "api.aws.hci.ic.gov"),
  ]

  /// Whether a host belongs to AWS.
  package static func owns(host: String) -> Bool {
    all.contains { partition in
      [partition.dnsSuffix, partition.dualStackDNSSuffix].contains { host.hasSuffix(".\($0)") }
    }
  }

  /// The partition of `region`.
  package static func containing(_ region: String) -> AWSPartition {
    if let whole = all.first(where: { region == "\($0.name)-global" }) { return whole }
    let parts = region.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 3, let number = parts.last, !number.isEmpty, number.allSatisfy(\.isNumber),
      !parts[parts.count - 2].isEmpty
    else { return .aws }
    let prefix = parts.dropLast(2).joined(separator: "-")
    return all.first { $0.regionPrefixes.contains(prefix) } ?? .aws
  }
}
