import Glibc
import Synchronization
import Testing

@testable import CertRegHost

@Suite struct ListeningSocketTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func options(_ path: String, mode: UInt32 = 0o660) -> ListeningSocket.Options {
    .init(path: path, mode: mode, group: .unchanged)
  }

  /// The error code of a failed opening; `nil` if it succeeds.
  private func failure(_ options: ListeningSocket.Options) -> HostError.Code? {
    do throws(HostError) {
      let listening = try ListeningSocket.open(options)
      listening.removeFile()
      close(listening.descriptor)
      return nil
    } catch { return error.code }
  }

  @Test func `listens with the given mode and takes connections`() throws {
    let path = directory("s")
    let listening = try ListeningSocket.open(options(path, mode: 0o640))
    defer { close(listening.descriptor) }
    #expect(lstatMode(path)?.kind == S_IFSOCK)
    #expect(lstatMode(path)?.permissions == 0o640)
    #expect(fcntl(listening.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(listening.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    let client = makeSocket(SOCK_STREAM)
    defer { close(client) }
    #expect(connectResult(client, to: path) == 0)
    let accepted = accept(listening.descriptor, nil, nil)
    #expect(accepted >= 0)
    close(accepted)
  }

  @Test func `removing the file leaves nothing behind, and twice is once`() throws {
    let path = directory("s")
    let first = try ListeningSocket.open(options(path))
    first.removeFile()
    #expect(!exists(path) && !exists(path + ".lock"))
    close(first.descriptor)
    let second = try ListeningSocket.open(options(path))
    defer { close(second.descriptor) }
    first.removeFile()
    #expect(exists(path) && exists(path + ".lock"))
    second.removeFile()
  }

  @Test func `a file that took the socket's place is not removed`() throws {
    let path = directory("s")
    let listening = try ListeningSocket.open(options(path))
    defer { close(listening.descriptor) }
    unlink(path)
    makeFile(path)
    listening.removeFile()
    #expect(readFile(path) == "precious")
  }

  @Test func `a socket without a listener is replaced`() throws {
    let path = directory("s")
    close(makeSocket(SOCK_STREAM, boundTo: path))
    let before = try #require(lstatMode(path))
    #expect(before.kind == S_IFSOCK)
    let listening = try ListeningSocket.open(options(path))
    defer { close(listening.descriptor) }
    let client = makeSocket(SOCK_STREAM)
    defer { close(client) }
    #expect(connectResult(client, to: path) == 0)
    listening.removeFile()
  }

  @Test func `a second instance is refused, with the process that has the socket`() throws {
    let path = directory("s")
    let first = try ListeningSocket.open(options(path))
    defer { close(first.descriptor) }
    let inode = lstatMode(path)?.inode
    let error = #expect(throws: HostError.self) { try ListeningSocket.open(options(path)) }
    #expect(error?.code == .inUse)
    #expect(error?.exitStatus == 75)
    #expect(error?.message.contains("process \(getpid())") == true)
    #expect(lstatMode(path)?.inode == inode)
    first.removeFile()
  }

  @Test func `a strange server's socket is refused and kept`() throws {
    let path = directory("s")
    let stranger = makeSocket(SOCK_STREAM, boundTo: path)
    defer { close(stranger) }
    listen(stranger, 1)
    let inode = lstatMode(path)?.inode
    #expect(failure(options(path)) == .inUse)
    #expect(lstatMode(path)?.inode == inode)
    #expect(!exists(path + ".lock"))
  }

  @Test func `a server with a full backlog does not count as dead`() throws {
    let path = directory("s")
    let stranger = makeSocket(SOCK_STREAM, boundTo: path)
    defer { close(stranger) }
    listen(stranger, 0)
    let client = makeSocket(SOCK_STREAM)
    defer { close(client) }
    #expect(connectResult(client, to: path) == 0)
    #expect(failure(options(path)) == .inUse)
  }

  @Test func `a datagram socket is refused and kept`() throws {
    let path = directory("s")
    let stranger = makeSocket(SOCK_DGRAM, boundTo: path)
    defer { close(stranger) }
    #expect(failure(options(path)) == .inUse)
    #expect(exists(path))
  }

  @Test(arguments: ["file", "directory", "pipe", "link to a file", "link to a dead socket", "link to nothing"])
  func `a file that is no socket is refused and kept`(what: String) throws {
    let path = directory("s")
    let target = directory("target")
    switch what {
    case "file": makeFile(path)
    case "directory": mkdir(path, 0o755)
    case "pipe": mkfifo(path, 0o644)
    default:
      if what == "link to a file" { makeFile(target) }
      if what == "link to a dead socket" { close(makeSocket(SOCK_STREAM, boundTo: target)) }
      symlink(target, path)
    }
    let before = try #require(lstatMode(path))
    let targetBefore = lstatMode(target)?.inode
    #expect(failure(options(path)) == .occupied)
    let after = try #require(lstatMode(path))
    #expect(before == after)
    #expect(lstatMode(target)?.inode == targetBefore)
    #expect(!exists(path + ".lock"))
  }

  @Test(arguments: [
    "precious", "precious\n", "12 precious\n", "-1\n", " 1\n", "1\n\n", "\n1", "123456789012345678901234567890\n",
    "1\r\n", "\0",
  ])
  func `a file at the lock's path that is no lock file is refused and stays as it is`(content: String) throws {
    let path = directory("s")
    makeFile(path + ".lock", content)
    #expect(failure(options(path)) == .occupied)
    #expect(readFile(path + ".lock") == content)
    #expect(!exists(path))
  }

  @Test(arguments: ["", "1", "4194305", "4294967295\n"])
  func `what a killed instance left of a lock file is taken over`(content: String) throws {
    let path = directory("s")
    makeFile(path + ".lock", content)
    #expect(failure(options(path)) == nil)
  }

  @Test func `a file that took the lock file's place is not removed`() throws {
    let path = directory("s")
    let listening = try ListeningSocket.open(options(path))
    defer { close(listening.descriptor) }
    unlink(path + ".lock")
    makeFile(path + ".lock")
    listening.removeFile()
    #expect(readFile(path + ".lock") == "precious")
  }

  @Test func `no group has the number that chown takes for none`() {
    var options = options(directory("s"))
    options.group = .required("4294967295")
    #expect(failure(options) == .unknownGroup)
  }

  @Test(arguments: ["link", "directory", "pipe"])
  func `a lock path that is no file is refused`(what: String) throws {
    let path = directory("s")
    switch what {
    case "link": symlink(directory("elsewhere"), path + ".lock")
    case "directory": mkdir(path + ".lock", 0o755)
    default: mkfifo(path + ".lock", 0o600)
    }
    let code = failure(options(path))
    #expect(code == .occupied || what == "directory" && code == .failed)
    #expect(!exists(path) && !exists(directory("elsewhere")))
  }

  @Test func `the longest path works and one byte more is refused by name`() throws {
    let longest = directory(String(repeating: "x", count: 107 - directory("").utf8.count))
    #expect(longest.utf8.count == 107)
    #expect(failure(options(longest)) == nil)
    let error = #expect(throws: HostError.self) { try ListeningSocket.open(options(longest + "x")) }
    #expect(error?.code == .invalid)
    #expect(error?.message.contains("108 bytes") == true)
    #expect(error?.exitStatus == 78)
  }

  @Test(arguments: ["", "a\u{0}b", "/tmp/"])
  func `a path that names no file is refused`(path: String) {
    #expect(failure(options(path)) == .invalid)
  }

  @Test func `a missing directory is created, a missing parent is an error`() throws {
    #expect(failure(options(directory("run/s"))) == nil)
    #expect(lstatMode(directory("run"))?.permissions == 0o755)
    #expect(failure(options(directory("a/b/s"))) == .failed)
    #expect(!exists(directory("a")))
  }

  @Test(arguments: [EIO, ECONNREFUSED, EMFILE])
  func `a group that cannot be looked up is not taken for one that does not exist`(code: Int32) throws {
    let accounts = AccountDatabase { _ in .failed(errno: code) }
    let error = #expect(throws: HostError.self) { try ResolvedGroup(.required("factory"), accounts: accounts) }
    #expect(error?.code == .failed && error?.message.contains("'factory' cannot be looked up") == true)
    let optional = try ResolvedGroup(.ifPossible("factory"), accounts: accounts)
    #expect(optional.id == nil && optional.remark?.contains("'factory' cannot be looked up") == true)
    #expect(try ResolvedGroup(.required("1234"), accounts: accounts).id == 1234)
  }

  @Test func `a required group must exist and a default one need not`() throws {
    var options = options(directory("s"))
    options.group = .required("no-such-group")
    #expect(failure(options) == .unknownGroup)
    options.group = .ifPossible("no-such-group")
    let listening = try ListeningSocket.open(options)
    defer { close(listening.descriptor) }
    #expect(listening.remarks.count == 1)
    listening.removeFile()
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to give a file away"), arguments: ["daemon", "1"])
  func `a required group becomes the socket's`(group: String) throws {
    var options = options(directory("s"))
    options.group = .required(group)
    let listening = try ListeningSocket.open(options)
    defer { close(listening.descriptor) }
    var status = stat()
    lstat(listening.path, &status)
    #expect(status.st_gid == 1)
    #expect(status.st_mode & 0o7777 == 0o660)
    #expect(listening.remarks.isEmpty)
    listening.removeFile()
  }

  @Test func `if many start at once, exactly one gets the path`() async throws {
    let path = directory("s")
    for round in 0..<20 {
      if round % 2 == 1 { close(makeSocket(SOCK_STREAM, boundTo: path)) }
      let options = options(path)
      let winners = await withTaskGroup(of: ListeningSocket?.self) { group in
        for _ in 0..<8 { group.addTask { try? ListeningSocket.open(options) } }
        var winners: [ListeningSocket] = []
        for await winner in group { if let winner { winners.append(winner) } }
        return winners
      }
      #expect(winners.count == 1)
      let client = makeSocket(SOCK_STREAM)
      #expect(connectResult(client, to: path) == 0)
      close(client)
      for winner in winners {
        winner.removeFile()
        close(winner.descriptor)
      }
    }
  }

  /// In a process of its own, because the umask belongs to the whole process.
  @Test func `no mode wider than wanted is ever seen, whatever the umask`() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let path = directory("s")
      for mask: mode_t in [0, 0o022, 0o077, 0o777] {
        umask(mask)
        let watcher = ModeWatcher(path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { watcher.watch() }
          for _ in 0..<100 {
            let listening = try ListeningSocket.open(.init(path: path, mode: 0o660, group: .unchanged))
            try #require(lstatMode(path)?.permissions == 0o660)
            listening.removeFile()
            close(listening.descriptor)
          }
          watcher.stop.store(true, ordering: .relaxed)
        }
        try #require(watcher.seen.withLock { $0.allSatisfy { $0 & ~0o660 == 0 } })
      }
      umask(0o022)
    }
  }
}

/// Reads a file's mode repeatedly until the test stops it.
private final class ModeWatcher: Sendable {
  let path: String
  let stop = Atomic(false)
  let seen = Mutex<Set<UInt32>>([])

  init(path: String) { self.path = path }

  func watch() {
    while !stop.load(ordering: .relaxed) {
      if let mode = lstatMode(path)?.permissions { seen.withLock { _ = $0.insert(mode) } }
    }
  }
}
