import ArgumentParser
import CertRegClient
import CertRegCore

struct RegisterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "register",
    abstract: "Registers certificates and prints a line for each: outcome, ID, ARN, file.",
    discussion: """
      Reads whatever certregctl import reads. Private keys are never sent, and certificates of authorities are passed over. \
      A repeat is harmless: a certificate that is registered already has the outcome 'existing' or 'cached', and counts as \
      a success.

        certregctl register device.pem
        certregctl register --status INACTIVE certificates/
        certregctl register --provision sensors --device-id pump-7 --attribute site=7 device.pem
        openssl x509 -in device.der -inform DER | certregctl register -
      """)

  @Argument(help: "Files and folders; - reads standard input.", completion: .file())
  var files: [String]

  @OptionGroup var status: StatusOption

  @OptionGroup var input: InputArguments

  @Option(
    help: ArgumentHelp(
      "The name of the device, for one certificate; tables name theirs: see --name-column.", valueName: "name"))
  var deviceId: String?

  @OptionGroup var targets: TargetOptions

  @OptionGroup var ifExists: IfExistsOption

  @Flag(help: "Ask AWS IoT again even if certregd has a result, and replace that result.")
  var refresh = false

  @OptionGroup var provisioning: ProvisionOptions

  @Flag(help: "Do not wait for AWS IoT: return when the request is safe on certregd's disk.")
  var noWait = false

  @OptionGroup var options: SocketOptions

  func validate() throws {
    guard let deviceId else { return }
    if DeviceID(deviceId) == nil {
      throw ValidationError("--device-id has 1 to \(DeviceID.maxCharacters) characters.")
    }
    if input.nameColumn != nil || input.checkCn {
      throw ValidationError("--device-id names the device; --name-column and --check-cn take its name from the files.")
    }
  }

  func run() throws {
    var verb = RegisterVerb(paths: files)
    verb.deviceID = deviceId
    verb.status = status.status
    verb.ifExists = ifExists.ifExists
    verb.provision = provisioning.choice
    verb.refresh = refresh
    verb.wait = !noWait
    verb.input = input.options
    try options.run(targets: targets.target) { verb.run($0) }
  }
}

extension CertificateStatus: ExpressibleByArgument {
  /// Reads the status in either case, with `-` or `_` between its words.
  package init?(argument: String) {
    self.init(rawValue: String(argument.uppercased().map { $0 == "-" ? "_" : $0 }))
  }
}

extension IfExists: ExpressibleByArgument {}
