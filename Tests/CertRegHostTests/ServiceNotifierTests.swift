import CertRegHost
import Glibc
import Synchronization
import Testing

@Suite struct ServiceNotifierTests {
  @Test(arguments: [
    (ServiceNotification.ready(status: "3 targets"), "READY=1\nSTATUS=3 targets"),
    (.status("42 queued"), "STATUS=42 queued"),
    (.reloading(monotonicMicroseconds: 123), "RELOADING=1\nMONOTONIC_USEC=123"),
    (.stopping(status: "draining"), "STOPPING=1\nSTATUS=draining"),
    (.watchdog, "WATCHDOG=1"),
    (.extendTimeout(.milliseconds(1500)), "EXTEND_TIMEOUT_USEC=1500000"),
    (.extendTimeout(.seconds(-1)), "EXTEND_TIMEOUT_USEC=0"),
  ])
  func `each message has the form of sd_notify(3)`(notification: ServiceNotification, text: String) {
    #expect(notification.assignments == text)
  }

  @Test func `a status cannot smuggle in an assignment`() {
    let text = ServiceNotification.status("fine\nMAINPID=1\u{1B}[2J").assignments
    #expect(text == "STATUS=fine\\nMAINPID=1\\u{1B}[2J")
    #expect(ServiceNotification.status(String(repeating: "ä", count: 9999)).assignments.utf8.count <= 7 + 256)
  }

  @Test func `every call sends one message`() {
    let sent = Mutex<[String]>([])
    let notifier = ServiceNotifier(monotonicMicroseconds: { 77 }) { text in sent.withLock { $0.append(text) } }
    notifier.extendTimeout(by: .seconds(2))
    notifier.ready(status: "up")
    notifier.pingWatchdog()
    notifier.reloading()
    notifier.status("busy")
    notifier.stopping(status: "bye")
    #expect(
      sent.withLock { $0 } == [
        "EXTEND_TIMEOUT_USEC=2000000", "READY=1\nSTATUS=up", "WATCHDOG=1", "RELOADING=1\nMONOTONIC_USEC=77",
        "STATUS=busy", "STOPPING=1\nSTATUS=bye",
      ])
    #expect(notifier.watchdogInterval == nil)
  }

  /// In a process of its own, because it sets the environment.
  @Test func `the environment's socket gets the messages and its watchdog is read`() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let path = directory("notify")
      let manager = makeSocket(SOCK_DGRAM, boundTo: path)
      setenv("NOTIFY_SOCKET", path, 1)
      setenv("WATCHDOG_USEC", "2500000", 1)
      setenv("WATCHDOG_PID", "\(getpid())", 1)
      let notifier = ServiceNotifier.fromEnvironment()
      try #require(notifier.watchdogInterval == .milliseconds(2500))
      notifier.ready(status: "up")
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = recv(manager, &bytes, bytes.count, 0)
      try #require(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "READY=1\nSTATUS=up")
      // A watchdog for another process.
      setenv("WATCHDOG_PID", "1", 1)
      try #require(ServiceNotifier.fromEnvironment().watchdogInterval == nil)
      // A service manager that has ended.
      unlink(path)
      notifier.pingWatchdog()
      unsetenv("NOTIFY_SOCKET")
      setenv("WATCHDOG_PID", "\(getpid())", 1)
      try #require(ServiceNotifier.fromEnvironment().watchdogInterval == nil)
    }
  }
}
