import ArgumentParser
import CertRegClient
import CertRegCore

struct ActivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate",
    abstract: "Sets the status of certificates to ACTIVE.",
    discussion: """
      Only with an ACTIVE certificate, and a policy that is attached to it, can a device connect. Every entry of an import's report, files, certificate IDs and ARNs can be named. A repeat does no harm.

        certregctl activate device.pem
        certregctl activate batch.import.csv
      """)

  @OptionGroup var update: UpdateArguments

  func run() throws { try update.run(.active) }
}
