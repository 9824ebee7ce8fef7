/// A call of the upstream that has a rate of its own (https://docs.aws.amazon.com/general/latest/gr/iot-core.html).
package enum UpstreamOperation: String, CaseIterable, Hashable, Sendable {
  case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
  case updateCertificate = "UpdateCertificate"

  /// Its position among all cases, for tables.
  var index: Int {
    switch self {
    case .registerCertificateWithoutCA: 0
    case .updateCertificate: 1
    }
  }
}
