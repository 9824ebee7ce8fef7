import ArgumentParser
import CertRegClient

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Prints a line for every registration and update that ends, until it is stopped.",
    discussion: """
        certregctl watch --outcome failed
        certregctl watch -n 1 --json
      """)

  @Option(name: [.customShort("n"), .long], help: "End after this number of lines.")
  var lines: Int?

  @Option(help: "Show only ends with this outcome: created, existing, updated or failed.")
  var outcome: Outcome?

  /// The ends of a registration or an update.
  enum Outcome: String, CaseIterable, ExpressibleByArgument {
    case created
    case existing
    case updated
    case failed
  }

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func validate() throws {
    guard lines ?? 1 >= 1 else { throw ValidationError("--lines takes a number of at least 1.") }
  }

  func run() throws {
    try options.run(targets: targets.target) { WatchVerb(limit: lines, outcome: outcome?.rawValue).run($0) }
  }
}
