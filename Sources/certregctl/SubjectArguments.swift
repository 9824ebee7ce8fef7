import ArgumentParser
import CertRegClient

/// What `lookup` and `forget` have in common.
struct SubjectArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Certificate IDs (64 hexadecimal digits), ARNs, SHA-256 fingerprints, files, folders, reports of certregctl import, or -.",
      valueName: "id-or-file"),
    completion: .file())
  var subjects: [String]

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  /// Runs a verb and ends the process with its status.
  func run(_ verb: (Session) -> CommandStatus) throws {
    try options.run(targets: targets.target, verb)
  }
}
