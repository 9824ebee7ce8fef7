import ArgumentParser
import CertRegClient
import CertRegCore

struct DeactivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deactivate",
    abstract: "Sets the status of certificates to INACTIVE.",
    discussion: """
      AWS IoT disconnects devices with these certificates within minutes. They can be activated again. Every entry of an import's report, files, certificate IDs and ARNs can be named. A repeat does no harm.

        certregctl deactivate device.pem
        certregctl deactivate batch.import.csv
      """)

  @OptionGroup var update: UpdateArguments

  func run() throws { try update.run(.inactive) }
}
