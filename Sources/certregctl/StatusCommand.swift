import ArgumentParser
import CertRegClient

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows the state of certregd: targets and their health, cache, queue, connections, limits.",
    discussion: """
        certregctl status
        certregctl status --json | jq .queue
      """)

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run(targets: targets.target) { StatusVerb().run($0) }
  }
}
