import ArgumentParser
import CertRegClient

/// The options of all verbs that read certificates from files.
struct InputArguments: ParsableArguments {
  @Option(help: "What the files are, where their content does not tell.")
  var format: InputFormat?

  @Option(help: ArgumentHelp("The column (heading or number) or member that has the certificate.", valueName: "name"))
  var column: String?

  @Option(
    help: ArgumentHelp(
      "The column or member that has the device's name (default: a usual heading, such as deviceId or MAC).",
      valueName: "name"))
  var nameColumn: String?

  @Option(
    help: ArgumentHelp(
      "An attribute for the profile's placeholders: NAME=@COLUMN or NAME=VALUE; may be repeated.",
      valueName: "name=value"))
  var attribute: [AttributeRule] = []

  @Flag(help: "Fail entries whose common name differs from the device's name.")
  var checkCn = false

  @Option(
    help: ArgumentHelp("Take only the devices on this list: a name or certificate ID on each line.", valueName: "file"),
    completion: .file())
  var only: String?

  @Option(
    help: ArgumentHelp(
      "The set to take where a supplier delivers several certificates for one chip.", valueName: "name"))
  var select: String?

  @Flag(help: "Take the certificates of authorities, too.")
  var includeCa = false

  func validate() throws {
    if let name = CommandWords.repeated(in: attribute.map(\.name)) {
      throw ValidationError("--attribute has the name \(name) more than once.")
    }
  }

  /// The options as the client has them.
  var options: InputOptions {
    var options = InputOptions()
    options.format = format
    options.column = column
    options.nameColumn = nameColumn
    options.attributes = attribute
    options.checksCommonName = checkCn
    options.onlyPath = only
    options.set = select
    options.includesAuthorities = includeCa
    return options
  }
}

extension InputFormat: ExpressibleByArgument {}

extension AttributeRule: ExpressibleByArgument {
  /// Reads `NAME=@COLUMN` or `NAME=VALUE`.
  package init?(argument: String) {
    self.init(argument)
  }
}
