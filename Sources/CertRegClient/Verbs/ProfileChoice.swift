import CertRegCodec

/// The provisioning profile that a request to register asks for: its member `provision` (docs/provisioning.md).
/// Requests without the member get the profile of their target.
package enum ProfileChoice: Hashable, Sendable {
  /// `null`: the certificate is only registered.
  case registrationOnly
  /// The name of a profile of the daemon's configuration.
  case named(String)

  /// Reads a word of the command line: the name of a profile, or `none`.
  package init(word: String) {
    self = word == "none" ? .registrationOnly : .named(word)
  }

  /// Reads the member of a request that was kept; `nil` where it is neither a string nor `null`.
  init?(member: JSON) {
    if member.isNull {
      self = .registrationOnly
    } else if let name = member.string {
      self = .named(name)
    } else {
      return nil
    }
  }

  /// The value of the member.
  var member: JSON {
    switch self {
    case .registrationOnly: .null
    case .named(let name): .string(name)
    }
  }
}
