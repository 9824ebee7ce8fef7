import CertRegCodec
package import CertRegCore
import CertRegCrypto

/// A certificate as it will be sent.
package struct InputCertificate: Hashable, Sendable {
  /// The value of `certificatePem`.
  package let pem: String
  /// The SHA-256 digest of the DER, or of the text where it cannot be decoded. It identifies the certificate in a
  /// batch.
  package let id: CertificateID
  /// Whether the text can be decoded. Two certificates that cannot may differ although what is sent of them does not.
  let isDecoded: Bool
  /// The names and the role of the certificate; `nil` where the encoding could not be read.
  let outline: CertificateOutline?

  /// A certificate whose encoding is known.
  ///
  /// - Parameter pem: The text to send; `nil`: the encoding with lines of 64 characters.
  init(der: [UInt8], pem: String? = nil) {
    self.pem = pem ?? PEM.certificate(der: der)
    id = SHA256.digest(of: der)
    isDecoded = true
    isWhole = DERElements.declaredLength(der[...]) == der.count
    outline = CertificateOutline(der)
  }

  /// A text that only the daemon can judge.
  ///
  /// - Parameter text: The whole text, of which `pem` is the part to send. It identifies the certificate.
  init(undecodable pem: String, of text: String) {
    self.pem = pem
    id = SHA256.digest(of: text)
    isDecoded = false
    isWhole = false
    outline = nil
  }

  /// Whether the encoding is as long as it says. Otherwise `id` is not the ID of a certificate.
  private let isWhole: Bool

  /// The certificate's ID; `nil` where it is not all there.
  var digest: CertificateID? { isWhole ? id : nil }

  /// The encoding; `nil` where the text cannot be decoded.
  var der: [UInt8]? {
    let lines = pem.utf8.split(separator: UInt8(ascii: "\n")).dropFirst()
    return Base64.decodeAnyForm(lines.prefix { !$0.starts(with: "-----".utf8) }.joined())
  }

  /// The common name of the subject (RFC 5280 section 4.1.2.6), the last where there are several.
  package var commonName: String? { outline?.commonName }
}

/// An attribute of a device, for the placeholders of a profile.
package struct DeviceAttribute: Hashable, Sendable {
  /// The name in the request.
  package let name: String
  /// The value in the request.
  package let value: String
}

/// What the reader found at one place of a source, and what becomes of it.
package struct InputEntry: Hashable, Sendable {
  /// What was found.
  package enum Content: Hashable, Sendable {
    /// A certificate to send.
    case certificate(InputCertificate)
    /// Something that should be a certificate and cannot be sent.
    case failure(InputError)
    /// Something that is not the certificate of a device.
    case passedOver(OtherContent)
  }

  /// Where it is: `file!member:line`. Untrusted.
  package var place: String
  /// The caller's name for the device, where the source has one. Untrusted.
  package var deviceID: String?
  /// Attributes of the device that the user asked for.
  package var attributes: [DeviceAttribute] = []
  /// The profile that an earlier run asked for, where the source is its file of failed entries.
  var provision: ProfileChoice?
  /// The set that the certificate belongs to, where a supplier delivers several for one chip.
  var set: String?
  /// Whether it stood in a signed manifest.
  var isSigned = false
  /// The digest of the certificate that the manifest names as its signer's.
  var manifestSigner: CertificateID?
  /// What was found.
  package var content: Content
  /// Whether the device's name was read as Windows-1252, which nothing but its letters tells.
  package var isNameGuessed = false
  /// The certificate of an entry that failed because of its device's name. It is kept for another try.
  var refused: InputCertificate?

  init(place: String, deviceID: String? = nil, _ content: Content) {
    self.place = place
    self.deviceID = deviceID
    self.content = content
  }

  init(place: String, deviceID: String? = nil, _ error: InputError) {
    self.init(place: place, deviceID: deviceID, .failure(error))
  }

  init(place: String, deviceID: String? = nil, _ other: OtherContent) {
    self.init(place: place, deviceID: deviceID, .passedOver(other))
  }

  /// The certificate to send; `nil` where there is none.
  var certificate: InputCertificate? {
    if case .certificate(let certificate) = content { certificate } else { nil }
  }

  /// Fails a certificate because of its device, and keeps it.
  mutating func refuse(_ error: InputError) {
    guard case .certificate(let certificate) = content else { return }
    content = .failure(error)
    refused = certificate
  }

  /// The entry with a failure in place of its certificate, which is not kept for another try.
  func failed(_ error: InputError) -> InputEntry {
    var entry = self
    entry.content = .failure(error)
    return entry
  }

  /// The place with the device's name.
  package var name: String { deviceID.map { "\(place) \($0)" } ?? place }
}
