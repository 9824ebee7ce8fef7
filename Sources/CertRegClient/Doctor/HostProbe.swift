package import CertRegCore

/// Everything that `doctor` asks of the machine. It is passed in, so that tests can describe machines that do not
/// exist.
package struct HostProbe {
  /// What came of connecting to the daemon's socket.
  package struct Contact {
    /// The process that listens; `nil` where there was no connection.
    package var peer: PeerCredentials?
    /// The daemon's answer to `status`, or why there is none.
    package var status: Result<Answer, ClientError>

    package init(peer: PeerCredentials?, status: Result<Answer, ClientError>) {
      self.peer = peer
      self.status = status
    }
  }

  /// The variables of the doctor's own process.
  package var environment: [String: String]
  /// Name of the user who runs the doctor.
  package var user: String
  /// The effective user ID of the doctor.
  package var userID: UInt32
  /// Names of this user's groups.
  package var groups: [String]
  /// This machine's time.
  package var wallTime: WallTime
  /// The facts about a path; `nil` where nothing is there, or in a folder that this user may not search.
  package var file: (_ path: String) -> FileFacts?
  /// Connects to the socket and asks for the daemon's status.
  package var contact: () -> Contact
  /// The facts about a process; `nil` where there is none with this number.
  package var process: (_ id: Int32) -> ProcessFacts?
  /// The program of this name that may be run; `nil` where there is none.
  package var program: (_ name: String) -> InstalledProgram?
  /// `path` without symbolic links if only root and this user can change the file; otherwise `nil`.
  package var protectedPath: (_ path: String) -> String?
  /// The account of this name; `nil` where there is none.
  package var account: (_ name: String) -> Account?
  /// Runs a program; `nil` where it cannot be started or did not end in time.
  package var run: (Command) -> ProgramResult?

  package init(
    environment: [String: String], user: String, userID: UInt32, groups: [String], wallTime: WallTime,
    file: @escaping (String) -> FileFacts?, contact: @escaping () -> Contact,
    process: @escaping (Int32) -> ProcessFacts?, program: @escaping (String) -> InstalledProgram?,
    protectedPath: @escaping (String) -> String?, account: @escaping (String) -> Account?,
    run: @escaping (Command) -> ProgramResult?
  ) {
    self.environment = environment
    self.user = user
    self.userID = userID
    self.groups = groups
    self.wallTime = wallTime
    self.file = file
    self.contact = contact
    self.process = process
    self.program = program
    self.protectedPath = protectedPath
    self.account = account
    self.run = run
  }

  /// Runs a program of the system with this user's rights and environment; `nil` where there is none of that name, or
  /// it did not end in time.
  func run(_ name: String, _ arguments: String...) -> ProgramResult? {
    program(name).flatMap { run(Command(arguments: [$0.path] + arguments, environment: environment)) }
  }
}

extension HostProbe {
  /// What stat(2) and access(2) say about a path.
  package struct FileFacts: Hashable, Sendable {
    /// The kinds of files that make a difference.
    package enum Kind: Hashable, Sendable {
      case socket
      case folder
      case file
      case other
    }

    package var kind: Kind
    /// Permission bits, as chmod(1) takes them.
    package var mode: UInt16
    /// Name of the owner.
    package var owner: String
    /// Name of the group.
    package var group: String
    /// Whether this user may read it.
    package var isReadable: Bool
    /// Whether this user may write to it.
    package var isWritable: Bool
    /// For a folder: whether this user may search it.
    package var isExecutable: Bool

    package init(
      kind: Kind, mode: UInt16, owner: String, group: String, isReadable: Bool, isWritable: Bool,
      isExecutable: Bool = true
    ) {
      self.kind = kind
      self.mode = mode
      self.owner = owner
      self.group = group
      self.isReadable = isReadable
      self.isWritable = isWritable
      self.isExecutable = isExecutable
    }
  }

  /// A user of this machine, as passwd(5) and group(5) have it.
  package struct Account: Hashable, Sendable {
    /// The user's number.
    package var userID: UInt32
    /// The primary group.
    package var groupID: UInt32
    /// Further groups.
    package var supplementaryGroupIDs: [UInt32]
    /// The home folder.
    package var home: String

    package init(userID: UInt32, groupID: UInt32, supplementaryGroupIDs: [UInt32] = [], home: String) {
      self.userID = userID
      self.groupID = groupID
      self.supplementaryGroupIDs = supplementaryGroupIDs
      self.home = home
    }
  }

  /// How a program ended.
  package struct ProgramResult: Hashable, Sendable {
    /// The exit status, or 128 and the number of the signal that ended the program.
    package var status: Int32
    /// Standard output and standard error, at most 64 KiB of it. Untrusted.
    package var output: String

    package init(status: Int32, output: String) {
      self.status = status
      self.output = output
    }
  }

  /// A program to run.
  package struct Command: Hashable, Sendable {
    /// The program's absolute path and its arguments.
    package var arguments: [String]
    /// All variables that the program gets, except `PATH`.
    package var environment: [String: String]

    package init(arguments: [String], environment: [String: String]) {
      self.arguments = arguments
      self.environment = environment
    }
  }
}
