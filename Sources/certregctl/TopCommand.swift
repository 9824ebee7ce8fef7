import ArgumentParser
import CertRegClient

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Shows certregd live: rates, queue, targets, errors. q ends.")

  @OptionGroup var options: SocketOptions

  func run() throws {
    Interruption.watch()
    try options.run { TopVerb(isInterrupted: { Interruption.isRequested }).run($0) }
  }
}
