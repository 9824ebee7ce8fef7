import CXattr
import CertRegClock
import Foundation
import Glibc
import Testing

@testable import CertRegClient

@Suite struct ProtectedPathTests {
  private let own = geteuid()

  private func search(_ folder: TemporaryFolder, ownPath: String? = nil, _ path: [String]) -> ProgramSearch {
    ProgramSearch(ownPath: ownPath, path: path.map(folder.path).joined(separator: ":"), user: own)
  }

  private func program(_ folder: TemporaryFolder, _ name: String, mode: mode_t = 0o755) throws -> String {
    let path = try folder.write(name, "#!/bin/sh\n")
    #expect(chmod(path, mode) == 0)
    return path
  }

  @Test func `finds a program in a folder that nobody else can write to`() throws {
    let folder = try TemporaryFolder()
    let path = try program(folder, "bin/tool-x")
    let found = try #require(search(folder, ["none", "bin"]).program("tool-x"))
    #expect(found == InstalledProgram(path: path, identity: try #require(FileIdentity(path: path))))
    #expect(search(folder, ["bin"]).program("tool-y") == nil)
  }

  @Test(arguments: [mode_t(0o777), 0o757])
  func `passes over folders that others can write to, however deep below them the program is`(mode: mode_t) throws {
    let folder = try TemporaryFolder()
    _ = try program(folder, "open/bin/tool-x")
    #expect(chmod(folder.path("open"), mode) == 0)
    #expect(search(folder, ["open/bin"]).program("tool-x") == nil)
  }

  @Test(arguments: [mode_t(0o777), 0o4755, 0o2755, 0o644])
  func `passes over programs that others can change, that have rights of their own, or that are none`(
    mode: mode_t
  ) throws {
    let folder = try TemporaryFolder()
    _ = try program(folder, "bin/tool-x", mode: mode)
    #expect(search(folder, ["bin"]).program("tool-x") == nil)
    #expect(search(folder, ownPath: try program(folder, "bin/own"), []).program("tool-x") == nil)
  }

  @Test func `takes no relative folder of PATH`() throws {
    let folder = try TemporaryFolder()
    _ = try program(folder, "tool-x")
    let relative = ProgramSearch(ownPath: nil, path: ":.:../\(folder.root)", user: own)
    #expect(relative.program("tool-x") == nil)
  }

  @Test func `follows no link beside certregctl, where other users may put one`() throws {
    let folder = try TemporaryFolder()
    let own = try program(folder, "shared/certregctl")
    let real = try program(folder, "elsewhere/certregd")
    try FileManager.default.createSymbolicLink(atPath: folder.path("shared/certregd"), withDestinationPath: real)
    #expect(search(folder, ownPath: own, []).program("certregd") == nil)
    _ = try program(folder, "shared/other")
    #expect(search(folder, ownPath: own, []).program("other")?.path == folder.path("shared/other"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func `trusts files of root and its own user alone`() throws {
    let folder = try TemporaryFolder()
    let path = try program(folder, "bin/tool-x")
    #expect(ProtectedPath.resolve(path, owners: []) == path)
    #expect(chown(path, 65_534, 65_534) == 0)
    #expect(ProtectedPath.resolve(path, owners: []) == nil)
    #expect(ProtectedPath.resolve(path, owners: [65_534]) == path)
    // Its group may write, and is not root's.
    #expect(chown(path, 0, 65_534) == 0 && chmod(path, 0o775) == 0)
    #expect(ProtectedPath.resolve(path, owners: []) == nil)
  }

  /// Whether the file system of temporary files has access lists, and tests may set them and give files to root's group.
  private static let hasAccessLists: Bool = {
    guard geteuid() == 0, let folder = try? TemporaryFolder(), let path = try? folder.write("x", "") else {
      return false
    }
    return setAccessList(path, writer: 65_534)
  }()

  /// Gives a file the list `user::rwx, user:WRITER:rwx, group::r-x, mask::rwx, other::r-x`, in the form of
  /// linux/posix_acl_xattr.h.
  private static func setAccessList(_ path: String, writer: UInt32) -> Bool {
    let entries: [(tag: UInt16, rights: UInt16, id: UInt32)] = [
      (0x01, 7, .max), (0x02, 7, writer), (0x04, 5, .max), (0x10, 7, .max), (0x20, 5, .max),
    ]
    var bytes: [UInt8] = [2, 0, 0, 0]
    for entry in entries {
      for value in [entry.tag, entry.rights] { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
      withUnsafeBytes(of: entry.id.littleEndian) { bytes += $0 }
    }
    return setxattr(path, "system.posix_acl_access", bytes, bytes.count, 0) == 0
  }

  @Test(.enabled(if: hasAccessLists, "only root can give files to its group, and not every file system has lists"))
  func `passes over what an access list lets others change, though root's group owns it`() throws {
    let folder = try TemporaryFolder()
    let path = try program(folder, "bin/tool-x")
    for changed in [path, folder.path("bin")] {
      #expect(chown(changed, 0, 0) == 0 && chmod(changed, 0o775) == 0)
      #expect(ProtectedPath.resolve(path, owners: []) == path)
      #expect(Self.setAccessList(changed, writer: 65_534))
      #expect(ProtectedPath.resolve(path, owners: []) == nil)
      // Without the right to write in the mask the list grants none.
      #expect(chmod(changed, 0o755) == 0)
      #expect(ProtectedPath.resolve(path, owners: []) == path)
    }
  }

  @Test func `reads the facts about a process, and none about one that is not there`() throws {
    let facts = try #require(ProcessFacts(processID: getpid()))
    #expect(facts.userIDs == [getuid(), geteuid(), geteuid(), geteuid()])
    #expect(facts.executable == FileIdentity(path: "/proc/self/exe"))
    #expect(facts.name == CommandLine.arguments[0].split(separator: "/").last.map(String.init))
    #expect(facts.arguments == Array(CommandLine.arguments.dropFirst()))
    #expect(facts.workingDirectory == FileManager.default.currentDirectoryPath)
    #expect(facts.environment?["PATH"] == ProcessInfo.processInfo.environment["PATH"])
    for id in [Int32(0), -1, .max] { #expect(ProcessFacts(processID: id) == nil) }
  }

  @Test func `learns from the kernel who listens`() throws {
    let daemon = try FakeDaemon(answering: { _ in nil })
    let peer = try Connection(path: daemon.path).peer
    #expect(peer == PeerCredentials(processID: getpid(), userID: geteuid(), groupID: getegid()))
  }
}
