import ArgumentParser
import CertRegClient

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Prints certregd's metrics in Prometheus' text format.",
    discussion: """
        certregctl metrics | grep certregd_queue
      """)

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run { MetricsVerb().run($0) }
  }
}
