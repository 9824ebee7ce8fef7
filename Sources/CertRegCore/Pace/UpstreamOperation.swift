/// A call of the upstream that has a rate of its own (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
package enum UpstreamOperation: String, CaseIterable, Hashable, Sendable {
  case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
  case updateCertificate = "UpdateCertificate"
  case createThing = "CreateThing"
  case addThingToThingGroup = "AddThingToThingGroup"
  case attachPolicy = "AttachPolicy"
  case attachThingPrincipal = "AttachThingPrincipal"
  case registerThing = "RegisterThing"
  /// Made for `describe`, and for the status of a certificate that a registration found, at one ``DescribePace``.
  case describeCertificate = "DescribeCertificate"

  /// The operations that jobs call.
  package static let ofJobs = allCases.filter { $0 != .describeCertificate }

  /// AWS's default quota in calls a second for each account and region.
  package var defaultQuota: Double {
    switch self {
    case .registerCertificateWithoutCA, .updateCertificate, .registerThing, .describeCertificate: 10
    case .attachPolicy: 15
    case .createThing, .addThingToThingGroup, .attachThingPrincipal: 100
    }
  }
}
