/// How a command ends, by the numbers of sysexits(3).
package enum CommandStatus: Int32, CaseIterable, Hashable, Sendable {
  case success = 0
  /// `lookup` or `forget` found nothing, as in grep(1).
  case nothingFound = 1
  /// `verify` found a certificate that is not as it should be.
  package static let differs = CommandStatus.nothingFound
  /// EX_USAGE: the command line is wrong.
  case usage = 64
  /// EX_DATAERR: a certificate cannot be registered.
  case dataError = 65
  /// EX_NOINPUT: a file does not exist or cannot be read.
  case noInput = 66
  /// EX_UNAVAILABLE: no daemon, or it went away.
  case unavailable = 69
  /// EX_SOFTWARE: a fault of the upstream, the daemon or this program.
  case software = 70
  /// EX_CANTCREAT: an output file cannot be written.
  case cannotCreate = 73
  /// EX_IOERR: the results could not be written.
  case outputLost = 74
  /// EX_TEMPFAIL: another try, later, can succeed.
  case temporaryFailure = 75
  /// EX_PROTOCOL: the program that answers is not certregd.
  case protocolError = 76
  /// EX_NOPERM: the socket or the daemon refuses this user.
  case notPermitted = 77
  /// Stopped by SIGINT (128 + 2, as shells report it).
  case interrupted = 130

  /// What the status says, in few words.
  private var meaning: String {
    switch self {
    case .success: "all succeeded"
    case .nothingFound: "nothing known or not as expected"
    case .usage: "wrong usage"
    case .dataError: "a certificate cannot be registered"
    case .noInput: "a file does not exist"
    case .unavailable: "no daemon, or doctor found something wrong"
    case .software: "fault"
    case .cannotCreate: "a report cannot be written"
    case .outputLost: "the results cannot be written"
    case .temporaryFailure: "try again later"
    case .protocolError: "not certregd"
    case .notPermitted: "not permitted"
    case .interrupted: "stopped by Ctrl-C"
    }
  }

  /// All statuses with their meanings, for the help text.
  package static var list: String { allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: ", ") }

  /// The failure to report out of several: output that is not whole comes before everything that it should tell, and
  /// what a person must correct before what can pass by itself.
  package static func combining(_ statuses: some Sequence<CommandStatus>) -> CommandStatus {
    let seen = Set(statuses)
    let order: [CommandStatus] = [
      .interrupted, .usage, .outputLost, .cannotCreate, .protocolError, .software, .dataError, .noInput,
      .notPermitted, .unavailable, .temporaryFailure, .nothingFound,
    ]
    return order.first(where: seen.contains) ?? .success
  }
}
