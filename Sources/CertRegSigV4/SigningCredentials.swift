/// A key pair that signs requests, and the session token of a temporary one.
///
/// Every form of printing (`print`, interpolation, `dump`, a debugger's mirror) shows the last four characters of the
/// access key's ID and nothing else.
package struct SigningCredentials: Equatable, Sendable {
  /// The public half; it is sent in the `Authorization` header.
  package let accessKeyID: String
  /// The secret half; it never leaves the process.
  package let secretAccessKey: String
  /// Sent as `X-Amz-Security-Token`; `nil` for the keys of a user.
  package let sessionToken: String?

  package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  /// The access key's ID with all but its last four characters hidden: enough to tell keys apart in a log.
  package var maskedAccessKeyID: String {
    accessKeyID.count > 8 ? "****" + accessKeyID.suffix(4) : "****"
  }
}

extension SigningCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "SigningCredentials(\(maskedAccessKeyID))" }
  /// The same as `description`: a debugger does not show the secret either.
  package var debugDescription: String { description }
  /// Hides the members from `dump` and debuggers, except for the end of the access key's ID.
  package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": maskedAccessKeyID]) }
}
