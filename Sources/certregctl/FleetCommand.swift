import ArgumentParser
import CertRegClient
import CertRegFleet
import Glibc

struct FleetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "Shows the fleet that the host belongs to, sets up its database, and removes hosts that are gone.",
    discussion: """
        certregctl fleet
        certregctl fleet init --url postgresql://owner@db.example.com/certregd
        certregctl fleet remove line7
      """,
    subcommands: [FleetStatusCommand.self, FleetInitCommand.self, FleetSQLCommand.self, FleetRemoveCommand.self],
    defaultSubcommand: FleetStatusCommand.self)
}

struct FleetStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Shows the members, when they were heard of, their queues and shares.")

  @OptionGroup var options: SocketOptions

  func run() throws { try options.run { FleetVerb().run($0) } }
}

struct FleetInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Creates the fleet's tables in a PostgreSQL database, or brings them up to date.",
    discussion: "Run it as the owner of the database. A second run changes nothing.")

  @Option(help: ArgumentHelp("The database: postgresql://[user@]host[:port]/database[?options].", valueName: "url"))
  var url: String

  @Option(
    help: ArgumentHelp("A file with the password on one line, mode 0600 or stricter.", valueName: "file"),
    completion: .file())
  var passwordFile: String?

  @Option(help: ArgumentHelp("The role that members log in as; it gets its rights where it exists.", valueName: "name"))
  var role = "certregd"

  func validate() throws { try checkRole(role) }

  func run() throws {
    let console = Console.standard(environment: Environment.current)
    try console.end(FleetInitVerb(url: url, passwordFile: passwordFile, role: role).run(console))
  }
}

struct FleetSQLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sql",
    abstract: "Prints the fleet's tables and the least rights of the members' role as SQL.",
    discussion: "The role itself is created by the owner of the database.")

  @Option(help: ArgumentHelp("The role that members log in as.", valueName: "name"))
  var role = "certregd"

  func validate() throws { try checkRole(role) }

  func run() throws {
    let console = Console.standard(environment: Environment.current)
    console.printVerbatim(FleetSchema.script(role: role), terminator: "")
    try console.end(.success)
  }
}

private func checkRole(_ role: String) throws {
  if role.isEmpty || role.utf8.contains(where: { $0 < 0x20 }) {
    throw ValidationError("--role needs the name of a role of PostgreSQL, found \"\(role)\".")
  }
}

struct FleetRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Declares a host gone, so that the others finish its queue at once.",
    discussion: "If the host comes back, it is a member again and makes no call for what the others finished.")

  @Argument(help: ArgumentHelp("The host's name in the fleet.", valueName: "member"))
  var member: String

  @OptionGroup var options: SocketOptions

  func run() throws { try options.run { FleetRemoveVerb(member: member).run($0) } }
}
