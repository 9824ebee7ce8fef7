import ArgumentParser
import CertRegClient

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Shows certregd live: rates, latencies, queue, pace, targets, credentials, errors. q ends.",
    discussion: """
      Needs a terminal of 80 columns and 24 rows; a larger one shows more. Rates and latencies cover the last ten seconds. \
      If the daemon restarts, top waits for it.

        certregctl top
        ssh -t station certregctl top
      """)

  @OptionGroup var options: ConnectionOptions

  func run() throws {
    Interruption.watch()
    try options.run { TopVerb(isInterrupted: { Interruption.isRequested }).run($0) }
  }
}
