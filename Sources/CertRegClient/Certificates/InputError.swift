/// What can go wrong with an input or a report before the daemon is asked.
package struct InputError: Error, Hashable, Sendable {
  /// The kinds of errors.
  package enum Code: Hashable, Sendable {
    /// The file does not exist or cannot be read.
    case unreadable
    /// The content is empty, or nothing in it could be a certificate.
    case noCertificate
    /// The content is something else: a key, parameters, a bundle of another kind.
    case otherContent
    /// The text of a certificate is damaged.
    case damagedText
    /// The common name is not the device's name.
    case commonName
    /// The name of the device cannot be sent.
    case deviceName
    /// The column or member that the user named for the device's name or an attribute does not exist or is empty.
    case missingField
    /// A device on the list does not occur in the source.
    case notInSource
    /// The source has several certificates for a device, and none was selected.
    case notSelected
    /// A set is selected, and the source has none of that name.
    case nothingToSelect
    /// The file asks for a profile, and another user could have written it.
    case foreignRequest
    /// The request would be longer than the daemon reads.
    case tooLong
    /// The signature of a manifest's entry is not one of the signers'.
    case wrongSignature
    /// A report cannot be written, or exists already.
    case notWritable
    /// An ARN is of another account or region than the target.
    case otherHome
    /// The certificate came before for another device.
    case otherDevice
    /// A word is meant for the ID of a certificate, and is none.
    case notAnID
  }

  /// The kind of error.
  package var code: Code
  /// What is wrong.
  package var message: String
  /// What a person can do about it.
  package var advice: String?

  /// What was found in place of a certificate.
  package var otherContent: OtherContent?

  /// Whether what follows in the source is not read, so that nothing can be said of it.
  package var leavesRest = false

  package init(_ code: Code, _ message: String, advice: String? = nil) {
    self.code = code
    self.message = message
    self.advice = advice
  }

  /// The error for the option --select where nothing has the name of a set.
  static func nothingToSelect(_ set: String) -> InputError {
    InputError(
      .nothingToSelect, "--select \(set): nothing here belongs to a set, so none can be selected",
      advice: "leave --select out: it chooses among the certificates that a supplier delivers for one chip")
  }

  /// The error for a certificate beside the ID of another one.
  static func otherCertificate(_ id: String) -> InputError {
    InputError(
      .damagedText, "the certificate is not the one whose ID stands beside it, \(id): one of them is damaged",
      advice: "get the certificate again: aws iot describe-certificate --certificate-id \(id) gives the one of this ID")
  }

  /// The error for a text in an encoding that nothing tells.
  ///
  /// - Parameter what: What the text is.
  static func unreadable(_ what: String) -> InputError {
    InputError(
      .deviceName, "\(what) cannot be read: it is neither UTF-8 nor Windows-1252, or lost characters before",
      advice: "iconv -f GB18030 -t UTF-8 FILE | certregctl import -"
        + " (for Chinese text; SHIFT_JIS is for Japanese, WINDOWS-1251 for Cyrillic, MACINTOSH and CP850 for older files)"
    )
  }

  /// The error for something in place of a certificate.
  init(_ other: OtherContent) {
    let message =
      other == .notSelected
      ? "certificates that the options do not select: --column or --select names others"
      : "\(other.name), not a certificate"
    self.init(.otherContent, message, advice: other.advice)
    self.otherContent = other
  }

  /// How a command ends that got this error and no other.
  package var exitStatus: CommandStatus {
    switch code {
    case .unreadable: .noInput
    case .noCertificate, .otherContent, .damagedText, .commonName, .deviceName, .missingField, .notInSource,
      .notSelected, .tooLong, .wrongSignature, .foreignRequest, .otherHome,
      .otherDevice:
      .dataError
    case .notWritable: .cannotCreate
    case .notAnID, .nothingToSelect: .usage
    }
  }

  /// The stable word for the error in reports and `--json` lines.
  var reason: String {
    switch code {
    case .unreadable, .notWritable: "unreadable"
    case .noCertificate, .otherContent: otherContent?.rawValue ?? "no_certificate"
    case .damagedText: "damaged_pem"
    case .commonName: "common_name_differs"
    case .deviceName: "invalid_device_name"
    case .missingField: "missing_field"
    case .notInSource: "not_in_source"
    case .notSelected: "set_not_selected"
    case .nothingToSelect: "nothing_to_select"
    case .foreignRequest: "foreign_request"
    case .tooLong: "line_too_long"
    case .wrongSignature: "wrong_manifest_signature"
    case .otherHome: "arn_differs"
    case .otherDevice: "duplicate_of_other_device"
    case .notAnID: "not_a_certificate_id"
    }
  }
}
