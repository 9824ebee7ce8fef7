import Testing

@testable import CertRegClient

/// How a user gets in whom the rights of a socket keep out.
@Suite struct AccessAdviceTests {
  private func file(_ mode: UInt16, _ group: String, owner: String = "root") -> HostProbe.FileFacts {
    .init(kind: .socket, mode: mode, owner: owner, group: group, isReadable: false, isWritable: false)
  }

  @Test func `a group that may connect takes the user`() {
    let advice = AccessAdvice.forSocket(file(0o660, "certregd"), user: "ann")
    #expect(advice == "sudo usermod -aG certregd ann, then log in again")
  }

  @Test(arguments: [(UInt16(0o660), "root"), (0o600, "certregd"), (0o640, "certregd"), (0o606, "root")])
  func `nobody joins a group that may not connect, or root's`(mode: UInt16, group: String) {
    let advice = AccessAdvice.forSocket(file(mode, group), user: "ann")
    #expect(!advice.contains("usermod") && advice.contains("socket.group") && advice.contains("sudo certregctl"))
    let other = AccessAdvice.forSocket(file(mode, group, owner: "bob"), user: "ann")
    #expect(other.contains("sudo -u bob certregctl"))
  }

  @Test func `a folder is opened where its group may not search it`() {
    #expect(AccessAdvice.forFolder("/run/c", file(0o750, "staff"), user: "ann").contains("usermod -aG staff ann"))
    for (mode, group) in [(UInt16(0o700), "staff"), (0o750, "root")] {
      let advice = AccessAdvice.forFolder("/run/c", file(mode, group), user: "ann")
      #expect(!advice.contains("usermod") && advice.hasPrefix("sudo chmod o+x /run/c"))
    }
  }

  @Test func `who may not use the folders of the service names others`() {
    #expect(adviceToStart(isRoot: true).contains("certregd --sandbox)"))
    let folders = "certregd --sandbox --state-dir ~/certregd --socket ~/certregd/socket"
    #expect(adviceToStart(isRoot: false).contains(folders))
  }
}
