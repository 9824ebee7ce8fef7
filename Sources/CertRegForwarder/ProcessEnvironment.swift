import CertRegCore

/// The environment variables that the forwarder reads, as a value so that tests can choose them.
package struct ProcessEnvironment: Sendable {
  private let values: [String: String]
  /// The secrets in the variables: values of variables with a telling name, and user information of URLs.
  let secrets: SecretMask

  /// Takes `values` and collects the secrets among them, which are masked wherever text of a reply or a process is
  /// shown.
  package init(_ values: [String: String]) {
    self.values = values
    var secrets = SecretMask()
    for (name, value) in values {
      // The names of the working directory's variables end like those of passwords.
      if SecretMask.isSecretName(name), name != "PWD", name != "OLDPWD" { secrets.add(value) }
      secrets.addUserInformation(of: value)
    }
    self.secrets = secrets
  }

  /// The variable's value. An empty variable counts as unset, as in the AWS SDKs.
  package subscript(name: String) -> String? {
    guard let value = values[name], !value.isEmpty else { return nil }
    return value
  }

  /// Whether the variable is `true`, in any case.
  func flag(_ name: String) -> Bool {
    self[name]?.lowercased() == "true"
  }
}
