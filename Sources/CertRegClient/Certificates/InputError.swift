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
    /// The request would be longer than the daemon reads.
    case tooLong
    /// The signature of a manifest's entry is not one of the signers'.
    case wrongSignature
    /// A report cannot be written, or exists already.
    case notWritable
  }

  package var code: Code
  /// What is wrong.
  package var message: String
  /// What a person can do about it.
  package var advice: String?

  package init(_ code: Code, _ message: String, advice: String? = nil) {
    self.code = code
    self.message = message
    self.advice = advice
  }

  /// How a command ends that got this error and no other.
  package var exitStatus: CommandStatus {
    switch code {
    case .unreadable: .noInput
    case .noCertificate, .otherContent, .tooLong, .wrongSignature: .dataError
    case .notWritable: .cannotCreate
    }
  }

  /// The stable word for the error in reports and `--json` lines.
  var reason: String {
    switch code {
    case .unreadable, .notWritable: "unreadable"
    case .noCertificate, .otherContent: "no_certificate"
    case .tooLong: "line_too_long"
    case .wrongSignature: "wrong_manifest_signature"
    }
  }
}
