import CertRegCore

/// Why no endpoint can be chosen.
package enum EndpointError: Error, Hashable, Sendable, CustomStringConvertible {
  case missingRegion
  case malformedRegion
  case malformedURL(ServiceURLError)
  case fipsWithCustomEndpoint
  case dualStackWithCustomEndpoint
  /// The shared files of the AWS CLI cannot be read; the text names the file.
  case sharedFiles(String)

  /// For the operator: what to change.
  package var description: String {
    switch self {
    case .missingRegion:
      "no region: set `region` of the target, AWS_REGION, or `region` in the profile"
    case .malformedRegion:
      "the region is not a name like eu-central-1"
    case .malformedURL(let error):
      "the endpoint is not a usable URL: \(error)"
    case .fipsWithCustomEndpoint:
      "`fips` cannot be combined with `endpoint`: name the FIPS endpoint itself in `endpoint`, or remove one of the two"
    case .dualStackWithCustomEndpoint:
      "`dualStack` cannot be combined with `endpoint`: name the dual-stack endpoint itself, or remove one of the two"
    case .sharedFiles(let message):
      message
    }
  }
}

/// The endpoints of AWS's services, after the endpoint rule sets of the SDKs.
package enum ServiceEndpoint {
  /// The control plane of AWS IoT.
  ///
  /// - Parameters:
  ///   - region: Ignored if `customURL` names the endpoint.
  ///   - fips: The region's FIPS endpoint.
  ///   - dualStack: The region's endpoint for IPv4 and IPv6.
  ///   - customURL: Used as it is; excludes the two flags.
  /// - Throws: `EndpointError`.
  package static func iot(
    region: String?, fips: Bool = false, dualStack: Bool = false, customURL: String? = nil
  ) throws(EndpointError) -> ServiceURL {
    if let customURL {
      if fips { throw .fipsWithCustomEndpoint }
      if dualStack { throw .dualStackWithCustomEndpoint }
      let url: ServiceURL
      do throws(ServiceURLError) { url = try ServiceURL(parsing: customURL) } catch { throw .malformedURL(error) }
      // Each operation has a query of its own, and a secret in this one would be shown with the endpoint.
      guard url.query.isEmpty else { throw .malformedURL(ServiceURLError(description: "it must not have a query")) }
      return url
    }
    guard let region else { throw .missingRegion }
    return try regional(fips ? "iot-fips" : "iot", region: region, dualStack: dualStack)
  }

  /// The Security Token Service of a region.
  ///
  /// - Throws: `EndpointError.malformedRegion`.
  static func sts(region: String, _ flags: EndpointFlags) throws(EndpointError) -> ServiceURL {
    if isGlobalSTS(region, flags) { return ServiceURL(scheme: .https, host: "sts.amazonaws.com") }
    // GovCloud's ordinary endpoint for IPv4 is its FIPS endpoint (AWS General Reference, "AWS Security Token Service
    // endpoints").
    let isPlain = !flags.fips || !flags.dualStack && AWSPartition.containing(region).name == "aws-us-gov"
    return try regional(isPlain ? "sts" : "sts-fips", region: region, dualStack: flags.dualStack)
  }

  /// The region that signatures for the one endpoint for all regions name.
  static let globalSTSRegion = "us-east-1"

  /// Whether a region's name stands for the one endpoint for all regions.
  static func isGlobalSTS(_ region: String, _ flags: EndpointFlags) -> Bool {
    region == "aws-global" && !flags.fips && !flags.dualStack
  }

  /// IAM Roles Anywhere in a region.
  ///
  /// - Throws: `EndpointError.malformedRegion`.
  static func rolesAnywhere(region: String, _ flags: EndpointFlags) throws(EndpointError) -> ServiceURL {
    try regional(flags.fips ? "rolesanywhere-fips" : "rolesanywhere", region: region, dualStack: flags.dualStack)
  }

  /// Service Quotas in a region.
  ///
  /// - Throws: `EndpointError.malformedRegion`.
  static func serviceQuotas(region: String, _ flags: EndpointFlags) throws(EndpointError) -> ServiceURL {
    // GovCloud's ordinary endpoint for IPv4 is its FIPS endpoint (AWS General Reference, "Service Quotas endpoints and
    // quotas").
    let isPlain = !flags.fips || !flags.dualStack && AWSPartition.containing(region).name == "aws-us-gov"
    return try regional(isPlain ? "servicequotas" : "servicequotas-fips", region: region, dualStack: flags.dualStack)
  }

  private static func regional(
    _ name: String, region: String, dualStack: Bool
  ) throws(EndpointError) -> ServiceURL {
    // The region becomes part of a host name: anything but one DNS label could lead signed requests elsewhere.
    let isLabel = region.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    guard isLabel, !region.isEmpty, region.utf8.count <= 63, !region.hasPrefix("-"), !region.hasSuffix("-") else {
      throw .malformedRegion
    }
    let partition = AWSPartition.containing(region)
    let suffix = dualStack ? partition.dualStackDNSSuffix : partition.dnsSuffix
    return ServiceURL(scheme: .https, host: "\(name).\(region).\(suffix)")
  }
}
