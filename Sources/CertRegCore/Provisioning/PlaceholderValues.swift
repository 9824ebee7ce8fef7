/// The values that a request and its certificate give to placeholders.
package struct PlaceholderValues: Sendable {
  /// Parts of the certificate.
  package struct Certificate: Sendable {
    /// The subject's common name; `nil`: it has none.
    package var commonName: String?
    /// The serial number in lower-case hex.
    package var serialNumber: String

    package init(commonName: String?, serialNumber: String) {
      self.commonName = commonName
      self.serialNumber = serialNumber
    }
  }

  /// The certificate's ID.
  package var certificateID: CertificateID
  /// The device's name; `nil`: the request gave none.
  package var deviceID: DeviceID?
  /// The member `attributes` of the request, each name once.
  package var attributes: [NamedText]
  /// `nil`: not read, since no placeholder needs it.
  package var certificate: Certificate?

  package init(
    certificateID: CertificateID, deviceID: DeviceID?, attributes: [NamedText], certificate: Certificate?
  ) {
    self.certificateID = certificateID
    self.deviceID = deviceID
    self.attributes = attributes
    self.certificate = certificate
  }
}
