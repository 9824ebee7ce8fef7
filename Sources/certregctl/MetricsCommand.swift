import ArgumentParser
import CertRegClient

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "Prints certregd's metrics in Prometheus' text format.")

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run { MetricsVerb().run($0) }
  }
}
