import CertRegCodec
import CertRegCore
import Synchronization
import Testing

@testable import CertRegClient

@Suite struct FleetRemoveTests {
  /// Removes a member on the host `a`, which heard of `b` just now and of `c` long ago.
  private func remove(
    _ member: String
  ) throws -> (status: CommandStatus, output: String, notes: String, requests: Int) {
    let requests = Mutex(0)
    let members = [("a", "0.5"), ("b", "2"), ("c", "90")].map { name, seconds in
      JSON.object([JSON.Member("name", .string(name)), JSON.Member("heardOfSecondsAgo", .number(seconds))])
    }
    let fleet = JSON.object([JSON.Member("member", .string("a")), JSON.Member("members", .array(members))])
    let daemon = try FakeDaemon(
      status: FakeDaemon.status + [("fleet", fleet)],
      answering: { request in
        requests.withLock { $0 += 1 }
        return JSON.answer(to: request, [("member", request["member"] ?? .null)])
      })
    let capture = Capture()
    let status = FleetRemoveVerb(member: member).run(Session(socketPath: daemon.path, console: capture.console()))
    return (status, capture.output, capture.errors, requests.withLock { $0 })
  }

  @Test func `a host does not remove itself`() throws {
    let result = try remove("a")
    #expect(result.status == .usage && result.requests == 0 && result.notes.contains("member_is_alive"))
  }

  @Test func `says that a member that was just heard of comes back if it runs`() throws {
    let result = try remove("b")
    #expect(result.status == .success && result.requests == 1)
    #expect(result.notes.contains("it is a member again at once and keeps its queue"))
  }

  @Test func `a member that is silent is declared gone`() throws {
    let result = try remove("c")
    #expect(result.status == .success && result.notes.isEmpty && result.output.contains("c is declared gone"))
  }
}
