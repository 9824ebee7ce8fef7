package import CertRegCore

/// What `doctor` asks of the machine. Passed in, so that its conclusions can be tested on machines that do not exist.
package struct HostProbe {
  /// What lstat(2) and access(2) say about a path.
  package struct FileFacts: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
      case socket
      case folder
      case file
      case other
    }

    package var kind: Kind
    /// Permission bits, as chmod(1) takes them.
    package var mode: UInt16
    package var owner: String
    package var group: String
    package var isReadable: Bool
    package var isWritable: Bool
    /// Of a folder: whether it may be searched.
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

  /// How a program ended.
  package struct ProgramResult: Hashable, Sendable {
    package var status: Int32
    /// Standard output and standard error, as far as they were read.
    package var output: String

    package init(status: Int32, output: String) {
      self.status = status
      self.output = output
    }
  }

  /// A program to run.
  package struct Command: Hashable, Sendable {
    /// The program's name and its arguments.
    package var arguments: [String]
    /// `nil`: that of this process.
    package var environment: [String: String]?

    package init(_ arguments: String...) {
      self.arguments = arguments
    }

    package init(arguments: [String], environment: [String: String]?) {
      self.arguments = arguments
      self.environment = environment
    }
  }

  /// What the system tells of a running daemon.
  package struct DaemonProcess: Hashable, Sendable {
    /// Numbers of a user and its group.
    package struct User: Hashable, Sendable {
      package var id: UInt32
      package var group: UInt32

      package init(id: UInt32, group: UInt32) {
        self.id = id
        self.group = group
      }
    }

    package var user: User
    /// Without the program's name.
    package var arguments: [String]
    /// `nil`: not for this user to see.
    package var environment: [String: String]?
    package var workingDirectory: String?

    package init(user: User, arguments: [String], environment: [String: String]?, workingDirectory: String? = nil) {
      self.user = user
      self.arguments = arguments
      self.environment = environment
      self.workingDirectory = workingDirectory
    }
  }

  /// What is free on a file system, for those who are not root.
  package struct Room: Hashable, Sendable {
    package var bytes: Int64
    package var files: Int64

    package init(bytes: Int64, files: Int64) {
      self.bytes = bytes
      self.files = files
    }
  }

  package var environment: [String: String]
  /// Name and number of the user that runs this, and names of its groups.
  package var user: String
  package var userID: UInt32
  package var groups: [String]
  package var wallTime: WallTime
  /// `nil`: not there, or in a folder that may not be searched.
  package var file: (_ path: String) -> FileFacts?
  /// What is free where `path` is; `nil`: not known.
  package var room: (_ path: String) -> Room?
  /// Asks the daemon for its status.
  package var status: () -> Result<Answer, ClientError>
  /// The certregd process with this number; `nil`: there is none.
  package var daemonProcess: (_ id: Int) -> DaemonProcess?
  /// Runs a program; `nil`: there is none of that name, or it did not end in time.
  package var run: (Command) -> ProgramResult?

  package init(
    environment: [String: String], user: String, userID: UInt32, groups: [String], wallTime: WallTime,
    file: @escaping (String) -> FileFacts?, room: @escaping (String) -> Room?,
    status: @escaping () -> Result<Answer, ClientError>, daemonProcess: @escaping (Int) -> DaemonProcess?,
    run: @escaping (Command) -> ProgramResult?
  ) {
    self.environment = environment
    self.user = user
    self.userID = userID
    self.groups = groups
    self.wallTime = wallTime
    self.file = file
    self.room = room
    self.status = status
    self.daemonProcess = daemonProcess
    self.run = run
  }
}
