import ArgumentParser
import CertRegClient
import CertRegCore

/// What `activate`, `deactivate` and `revoke` have in common.
struct UpdateArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Certificate IDs (64 hexadecimal digits), ARNs, files, folders, reports of certregctl import, or -.",
      valueName: "id-or-file"),
    completion: .file())
  var subjects: [String]

  @Flag(help: "Do not wait for AWS IoT: return when the request is safe on certregd's disk.")
  var noWait = false

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  /// Sets the status of all subjects.
  func run(_ status: CertificateStatus) throws {
    var verb = UpdateVerb(subjects: subjects, status: status)
    verb.wait = !noWait
    verb.input = input.options
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
