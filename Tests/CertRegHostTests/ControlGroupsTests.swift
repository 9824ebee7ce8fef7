import Foundation
import Testing

@testable import CertRegHost

@Suite struct ControlGroupsTests {
  @Test(
    arguments: [
      ("/system.slice/nginx.service", "nginx.service"), ("/system.slice/nginx.service/worker", "nginx.service"),
      ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
      ("/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "user@1000.service"),
      ("/init.scope", "init.scope"), ("/system.slice/_cgroup.service", "cgroup.service"), ("/", nil),
      ("/system.slice", nil), ("/machine/x.service", nil),
    ] as [(String, String?)])
  func `a group's path names the unit`(path: String, unit: String?) {
    #expect(ControlGroups.unit(ofGroup: path) == unit)
  }

  private let root =
    FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString.prefix(8))").path

  private func put(_ processes: String, in group: String) throws {
    try FileManager.default.createDirectory(atPath: root + group, withIntermediateDirectories: true)
    try processes.write(toFile: "\(root)\(group)/cgroup.procs", atomically: true, encoding: .utf8)
  }

  @Test(arguments: [["/systemd"], ["/unified"], ["/systemd", "/unified"]])
  func `finds units in systemd's own hierarchy beside those of controllers`(hierarchies: [String]) throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    for controller in ["/blkio", "/cpu,cpuacct", "/memory", "/pids"] {
      try put("17\n", in: "\(controller)/system.slice/a.service")
      try put("18\n", in: controller)
    }
    for hierarchy in hierarchies {
      try put("17\n", in: "\(hierarchy)/system.slice/a.service")
      try put("18\n", in: "\(hierarchy)/system.slice/b.service")
    }
    var groups = ControlGroups(mountPoint: root)
    for _ in 0..<2 {
      #expect(groups.unit(of: 17) == "a.service")
      #expect(groups.unit(of: 18) == "b.service")
    }
  }

  @Test func `no number of groups that a user has made hides the unit of a service`() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let own = "/a.slice/a-1000.slice/user@1000.service/app.slice"
    for number in 0..<9000 {
      try FileManager.default.createDirectory(atPath: "\(root)\(own)/\(number)", withIntermediateDirectories: true)
    }
    try put("17\n", in: "/system.slice/system-a.slice/a@1.service")
    var groups = ControlGroups(mountPoint: root)
    #expect(groups.unit(of: 17) == "a@1.service")
  }

  @Test func `finds a process by the groups' files, and again after it has moved`() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try put("1\n", in: "/init.scope")
    try put("17\n117\n", in: "/system.slice/a.service")
    try put("7\n", in: "/user.slice/user-1000.slice/session-3.scope")
    var groups = ControlGroups(mountPoint: root)
    #expect(groups.unit(of: 7) == "session-3.scope")
    #expect(groups.unit(of: 117) == "a.service")
    #expect(groups.unit(of: 17) == "a.service")
    #expect(groups.unit(of: 11) == nil)
    try put("7\n", in: "/system.slice/b.service")
    try put("", in: "/user.slice/user-1000.slice/session-3.scope")
    #expect(groups.unit(of: 7) == "b.service")
  }
}

@Suite struct ProcessFiguresTests {
  @Test func `the kernel's figures are those of this process`() throws {
    let figures = ProcessFigures.current()
    #expect(figures.residentBytes > 1 << 20 && figures.residentBytes < figures.virtualBytes)
    #expect(figures.openFiles >= 1 && figures.threads >= 1)
    #expect(figures.maxOpenFiles.map { $0 > figures.openFiles } ?? true)
    let more = try (0..<3).map { _ in try #require(FileHandle(forReadingAtPath: "/dev/null")) }
    #expect(ProcessFigures.current().openFiles >= 4)
    #expect(more.count == 3)
    let now = Date().timeIntervalSince1970
    #expect(figures.startTime > now - 86_400 && figures.startTime <= now)
  }
}
