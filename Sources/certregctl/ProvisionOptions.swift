import ArgumentParser
import CertRegClient

/// The options of verbs that register certificates, about what else makes a device.
struct ProvisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      The provisioning profile of certregd's configuration to apply; none registers only (default: the target's own).
      """,
      valueName: "name"))
  var provision: String?

  /// The choice; `nil`: none was made.
  var choice: ProfileChoice? { provision.map(ProfileChoice.init(word:)) }

  func validate() throws {
    if provision == "" { throw ValidationError("--provision needs the name of a profile, or none.") }
  }
}
