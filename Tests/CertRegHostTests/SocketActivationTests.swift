import CSpawn
import CertRegHost
import Glibc
import Testing

@Suite struct SocketActivationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `a listening Unix stream socket is described with its path`() throws {
    let descriptor = makeSocket(SOCK_STREAM, boundTo: directory("s"))
    defer { close(descriptor) }
    listen(descriptor, 1)
    let passed = try SocketActivation.describe(descriptor, name: "certregd.socket")
    #expect(passed == .init(descriptor: descriptor, name: "certregd.socket", path: directory("s")))
    #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test(arguments: ["not listening", "datagram", "internet", "pipe", "closed"])
  func `anything else is refused`(what: String) throws {
    var pipes: [Int32] = [-1, -1]
    let descriptor: Int32
    switch what {
    case "not listening": descriptor = makeSocket(SOCK_STREAM, boundTo: directory("s"))
    case "datagram": descriptor = makeSocket(SOCK_DGRAM, boundTo: directory("s"))
    case "internet":
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      listen(descriptor, 1)
    case "pipe":
      pipe2(&pipes, O_CLOEXEC)
      descriptor = pipes[0]
    default: descriptor = 1_000_000
    }
    defer { for open in Set(pipes + [descriptor]) { close(open) } }
    let error = #expect(throws: HostError.self) { try SocketActivation.describe(descriptor, name: "a\nb") }
    #expect(error?.code == .unusableDescriptor)
    #expect(error?.message.contains("\n") == false)
  }
}
