import ArgumentParser
import CertRegClient
import CertRegCore

struct RevokeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Sets the status of certificates to REVOKED.",
    discussion: """
      AWS IoT disconnects devices with these certificates within minutes. A revoked certificate stays revoked: AWS IoT refuses every other status. Every entry of an import's report, files, certificate IDs and ARNs can be named. A repeat does no harm.

        certregctl revoke device.pem
        certregctl revoke batch.import.csv
      """)

  @OptionGroup var update: UpdateArguments

  func run() throws { try update.run(.revoked) }
}
