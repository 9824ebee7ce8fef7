import Foundation
import Glibc
import Testing

@testable import CertRegHost

@Suite struct PeerCredentialsTests {
  private func connectedPair() -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
    return (pair[0], pair[1])
  }

  @Test func `the peer of a pair is this process`() throws {
    let (left, right) = connectedPair()
    defer {
      close(left)
      close(right)
    }
    let peer = try PeerCredentials(descriptor: left)
    #expect(peer.userID == geteuid() && peer.groupID == getegid() && peer.processID == getpid())
    var groups = [gid_t](repeating: 0, count: 4096)
    let count = getgroups(Int32(groups.count), &groups)
    #expect(Set(peer.supplementaryGroupIDs) == Set(groups.prefix(Int(count))))
  }

  @Test func `more supplementary groups than the first guess are all read`() async {
    guard geteuid() == 0 else {
      print("skipped: setgroups(2) needs root")
      return
    }
    await #expect(processExitsWith: .success) {
      let wanted = (1...200).map { gid_t($0) }
      try #require(setgroups(wanted.count, wanted) == 0)
      var pair: [Int32] = [-1, -1]
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
      let peer = try PeerCredentials(descriptor: pair[0])
      try #require(peer.supplementaryGroupIDs == wanted)
    }
  }

  @Test func `a descriptor that is no socket has no peer`() {
    #expect(throws: HostError.self) { try PeerCredentials(descriptor: 1_000_000) }
  }

  @Test func `a peer whose process cannot be seen is not held`() {
    let (left, right) = connectedPair()
    defer {
      close(left)
      close(right)
    }
    #expect(PeerProcess(peerOf: left, number: 0) == nil)
  }

  @Test func `the unit of a peer is known as long as its process is there`() throws {
    let (left, right) = connectedPair()
    defer {
      close(left)
      close(right)
    }
    let process = try #require(PeerProcess(peerOf: left, number: try PeerCredentials(descriptor: left).processID))
    // The line of systemd's hierarchy (cgroups(7)): number, controllers or name, path.
    let groups = try String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8).split(separator: "\n")
    let path = try #require(
      groups.map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }
        .first { $0[1].isEmpty || $0[1] == "name=systemd" }?.last)
    let unit = ControlGroups.unit(ofGroup: String(path))
    #expect(process.unit() == (unit.map { .unit($0) } ?? .none))
  }
}

@Suite struct AccountDatabaseTests {
  @Test func `finds users and groups, and tells an unknown name from an error`() {
    #expect(AccountDatabase.system.lookUp(.init(.user, "root")) == .number(0))
    #expect(AccountDatabase.system.lookUp(.init(.group, "root")) == .number(0))
    #expect(AccountDatabase.system.lookUp(.init(.user, "no-such-user-here")) == .none)
    #expect(AccountDatabase.system.lookUp(.init(.group, "no-such-group-here")) == .none)
  }
}

@Suite struct ProcessLimitsTests {
  @Test func `the limit on open files is raised to the hard one`() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit(rlim_cur: 256, rlim_max: 512)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      try #require(try ProcessLimits.openFiles() == .init(soft: 256, hard: 512))
      try #require(try ProcessLimits.raiseOpenFiles() == .init(soft: 512, hard: 512))
      try #require(try ProcessLimits.raiseOpenFiles() == .init(soft: 512, hard: 512))
    }
  }

  @Test func `a broken pipe is an error and not the end`() async {
    await #expect(processExitsWith: .success) {
      ProcessLimits.setSignals()
      var pair: [Int32] = [-1, -1]
      pipe(&pair)
      close(pair[0])
      try #require(write(pair[1], "x", 1) == -1 && errno == EPIPE)
    }
  }
}
