package import CertRegCore

/// The account and region of a register.
package struct SandboxAccount: Hashable, Sendable {
  /// The region if none is named.
  package static let defaultRegion = "eu-central-1"
  /// The account if none is named.
  package static let defaultID = "123456789012"

  /// The name of the region.
  package let region: String
  /// 12 digits.
  package let id: String
  /// The beginning of the ARNs of AWS IoT, which nearly every answer needs.
  private let iotPrefix: String

  package init(region: String = SandboxAccount.defaultRegion, id: String = SandboxAccount.defaultID) {
    self.region = region
    self.id = id
    iotPrefix = Self.arnPrefix(region: region, id: id, service: "iot")
  }

  /// `arn:aws:iot:REGION:ACCOUNT:cert/ID`, in the partition that the region belongs to.
  package func arn(of certificateID: CertificateID) -> String {
    arn("cert/\(certificateID.hex)")
  }

  /// The ARN of a resource of AWS IoT, such as `thing/NAME`, or of another service.
  package func arn(_ resource: String, service: String = "iot") -> String {
    (service == "iot" ? iotPrefix : Self.arnPrefix(region: region, id: id, service: service)) + resource
  }

  /// The resource that an ARN of this account, region and service names: `cert/ID`, `thinggroup/NAME`; otherwise `nil`.
  package func resource(ofARN arn: String) -> String? {
    arn.hasPrefix(iotPrefix) ? String(arn.dropFirst(iotPrefix.count)) : nil
  }

  private static func arnPrefix(region: String, id: String, service: String) -> String {
    "arn:\(AWSPartition.containing(region).name):\(service):\(region):\(id):"
  }
}
