import ArgumentParser
import CertRegClient

struct LookupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Shows what certregd knows about certificates.",
    discussion: "Ends with 1 where nothing is known about one of them.")

  @Argument(
    help: ArgumentHelp("Certificate IDs (64 hexadecimal digits), files, folders, or -.", valueName: "id-or-file"))
  var subjects: [String]

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run(targets: targets.target) { LookupVerb(subjects: subjects).run($0) }
  }
}
