import CertRegSigV4

/// A part of credentials as somebody wrote it, and where.
struct WrittenCredential {
  /// The setting, variable or member, for messages.
  let name: String
  let text: String

  init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

extension SigningCredentials {
  /// Credentials of parts that can be keys and tokens of AWS.
  ///
  /// - Throws: `invalid` where a part has a character that none of them has. A signature would be refused for it, in
  ///   words that do not lead to the setting. The message names the part, never its value.
  init(
    accessKeyID: WrittenCredential, secretAccessKey: WrittenCredential, sessionToken: WrittenCredential?
  ) throws(CredentialsError) {
    try accessKeyID.check()
    try secretAccessKey.check()
    try sessionToken?.check()
    self.init(
      accessKeyID: accessKeyID.text, secretAccessKey: secretAccessKey.text, sessionToken: sessionToken?.text)
  }
}

extension WrittenCredential {
  /// Keys and tokens are printable ASCII without quotes and blanks: access key IDs match `\w+` (API_AccessKey.html of
  /// IAM), secrets and tokens are base64.
  fileprivate func check() throws(CredentialsError) {
    for byte in text.utf8 where !(0x21...0x7e).contains(byte) || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
    {
      let found =
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): "a quote: write it without quotes"
        case UInt8(ascii: " "), UInt8(ascii: "\t"): "a blank"
        case 0x0a, 0x0d: "a line end"
        case 0x80...: "a character that is not ASCII"
        default: "a control character"
        }
      throw CredentialsError(.invalid, "\(name) cannot be used: it has \(found)")
    }
  }
}
