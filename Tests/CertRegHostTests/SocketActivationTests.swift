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
    #expect(
      passed == .init(descriptor: descriptor, name: "certregd.socket", family: .unix(path: directory("s"))))
    #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test func `a listening internet socket is told apart`() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    listen(descriptor, 1)
    #expect(try SocketActivation.describe(descriptor, name: "metrics").family == .internet)
  }

  @Test(arguments: ["not listening", "datagram", "pipe", "closed"])
  func `anything else is refused`(what: String) throws {
    var pipes: [Int32] = [-1, -1]
    let descriptor: Int32
    switch what {
    case "not listening": descriptor = makeSocket(SOCK_STREAM, boundTo: directory("s"))
    case "datagram": descriptor = makeSocket(SOCK_DGRAM, boundTo: directory("s"))
    case "pipe":
      pipe(&pipes)
      descriptor = pipes[0]
    default: descriptor = 1_000_000
    }
    defer { for open in Set(pipes + [descriptor]) { close(open) } }
    let error = #expect(throws: HostError.self) { try SocketActivation.describe(descriptor, name: "a\nb") }
    #expect(error?.code == .unusableDescriptor)
    #expect(error?.message.contains("\n") == false)
  }

  /// In a process of its own, because the protocol fixes the descriptors' numbers and uses the environment.
  @Test func `passed sockets are found with their names and the environment is cleaned`() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let control = makeSocket(SOCK_STREAM, boundTo: directory("control"))
      listen(control, 1)
      let metrics = makeSocket(SOCK_STREAM, boundTo: directory("metrics"))
      listen(metrics, 1)
      // Out of the way first: either may have the number that the other has to get.
      let high = (fcntl(control, F_DUPFD, 100), fcntl(metrics, F_DUPFD, 100))
      dup2(high.0, 3)
      dup2(high.1, 4)
      setenv("LISTEN_PID", "\(getpid())", 1)
      setenv("LISTEN_FDS", "2", 1)
      setenv("LISTEN_FDNAMES", "control:metrics", 1)
      let passed = try SocketActivation.passedDescriptors()
      try #require(
        passed == [
          .init(descriptor: 3, name: "control", family: .unix(path: directory("control"))),
          .init(descriptor: 4, name: "metrics", family: .unix(path: directory("metrics"))),
        ])
      try #require(fcntl(3, F_GETFD) & FD_CLOEXEC != 0)
      try #require(getenv("LISTEN_FDS") == nil && getenv("LISTEN_PID") == nil && getenv("LISTEN_FDNAMES") == nil)
      try #require(try SocketActivation.passedDescriptors().isEmpty)
      // Meant for another process.
      setenv("LISTEN_PID", "1", 1)
      setenv("LISTEN_FDS", "1", 1)
      try #require(try SocketActivation.passedDescriptors().isEmpty)
    }
  }
}
