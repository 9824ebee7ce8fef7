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

    package init(kind: Kind, mode: UInt16, owner: String, group: String, isReadable: Bool, isWritable: Bool) {
      self.kind = kind
      self.mode = mode
      self.owner = owner
      self.group = group
      self.isReadable = isReadable
      self.isWritable = isWritable
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

  /// How a name or address was reached.
  package enum Reach: Hashable, Sendable {
    case reached(address: String)
    case notResolved(String)
    case notConnected(String)
  }

  package var environment: [String: String]
  /// Name of the user that runs this, and names of its groups.
  package var user: String
  package var groups: [String]
  package var wallTime: WallTime
  /// `nil`: not there, or in a folder that may not be searched.
  package var file: (_ path: String) -> FileFacts?
  /// Free bytes where `path` is, for those who are not root; `nil`: not known.
  package var freeBytes: (_ path: String) -> Int64?
  /// Asks the daemon for its status.
  package var status: () -> Result<Answer, ClientError>
  /// Runs a program of PATH; `nil`: there is none of that name, or it did not end in time.
  package var run: (_ arguments: [String]) -> ProgramResult?
  /// Resolves a name and connects by TCP.
  package var reach: (_ host: String, _ port: UInt16) -> Reach

  package init(
    environment: [String: String], user: String, groups: [String], wallTime: WallTime,
    file: @escaping (String) -> FileFacts?, freeBytes: @escaping (String) -> Int64?,
    status: @escaping () -> Result<Answer, ClientError>, run: @escaping ([String]) -> ProgramResult?,
    reach: @escaping (String, UInt16) -> Reach
  ) {
    self.environment = environment
    self.user = user
    self.groups = groups
    self.wallTime = wallTime
    self.file = file
    self.freeBytes = freeBytes
    self.status = status
    self.run = run
    self.reach = reach
  }
}
