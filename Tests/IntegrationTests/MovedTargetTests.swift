import Foundation
import Glibc
import Testing

/// The built daemon with a target that is pointed at another upstream, by a reload and by a restart.
@Suite struct MovedTargetTests {
  private static let credentials = ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]

  private func configuration(_ sandbox: SandboxProcess, region: String) -> String {
    "targets: {default: {endpoint: \"\(sandbox.url)\", region: \(region)}}\n"
  }

  /// The account and region that a registration is answered with, and whether the upstream was asked.
  private func register(_ pem: String, with daemon: DaemonProcess) throws -> (place: String, isCached: Bool) {
    let answer = try LineConnection(daemon.socketPath).ask(["certificatePem": pem])
    let arn = try #require(answer["certificateArn"] as? String, "\(answer)").split(separator: ":")
    return ("\(arn[3]) \(arn[4])", answer["cached"] as? Bool == true)
  }

  private func state(_ pem: String, with daemon: DaemonProcess) throws -> String? {
    try LineConnection(daemon.socketPath).ask(["op": "lookup", "certificatePem": pem])["state"] as? String
  }

  @Test(arguments: [false, true])
  func `results of one account and region are never answered for another`(restarts: Bool) throws {
    let first = try SandboxProcess(["--region", "eu-west-1", "--account", "111111111111"])
    let second = try SandboxProcess(["--region", "us-east-1", "--account", "222222222222"])
    let pems = try TestCertificates.issue(2)
    let daemon = try DaemonProcess(
      [], configuration: configuration(first, region: "eu-west-1"), environment: Self.credentials)
    func point(at sandbox: SandboxProcess, region: String) throws {
      try daemon.write(configuration: configuration(sandbox, region: region))
      if restarts {
        #expect(daemon.stop() == 0)
        try daemon.start()
      } else {
        try daemon.reload()
      }
    }
    #expect(try register(pems[0], with: daemon) == ("eu-west-1 111111111111", false))
    #expect(try register(pems[0], with: daemon) == ("eu-west-1 111111111111", true))

    try point(at: second, region: "us-east-1")
    #expect(try state(pems[0], with: daemon) == nil)
    #expect(try register(pems[0], with: daemon) == ("us-east-1 222222222222", false))
    #expect(try register(pems[0], with: daemon) == ("us-east-1 222222222222", true))
    #expect(try register(pems[1], with: daemon) == ("us-east-1 222222222222", false))

    try point(at: first, region: "eu-west-1")
    #expect(try state(pems[0], with: daemon) == "registered" && state(pems[1], with: daemon) == nil)
    #expect(try register(pems[0], with: daemon) == ("eu-west-1 111111111111", true))
    #expect(try register(pems[1], with: daemon) == ("eu-west-1 111111111111", false))
  }

  @Test func `the same endpoint with another account answers with nothing of the first, also after a restart`() throws {
    let pems = try TestCertificates.issue(3)
    var sandbox = try SandboxProcess(["--region", "eu-west-1", "--account", "111111111111"])
    let daemon = try DaemonProcess(
      [], configuration: configuration(sandbox, region: "eu-west-1"), environment: Self.credentials)
    for pem in pems.prefix(2) { #expect(try register(pem, with: daemon).place == "eu-west-1 111111111111") }
    let port = try #require(sandbox.url.split(separator: ":").last)
    sandbox.stop()
    sandbox = try SandboxProcess(["--region", "eu-west-1", "--account", "222222222222", "--port", String(port)])
    #expect(try register(pems[2], with: daemon) == ("eu-west-1 222222222222", false))
    #expect(try register(pems[0], with: daemon) == ("eu-west-1 222222222222", false))
    #expect(daemon.stop() == 0)
    try daemon.start()
    #expect(try register(pems[1], with: daemon) == ("eu-west-1 222222222222", false))
    #expect(try register(pems[0], with: daemon) == ("eu-west-1 222222222222", true))
  }

  @Test func `what is queued goes to the upstream that the target has when its turn comes`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let sandbox = try SandboxProcess(["--region", "eu-west-1", "--account", "222222222222"])
    let nobody = "targets: {default: {endpoint: \"http://127.0.0.1:9\", region: eu-west-1}}\n"
    let daemon = try DaemonProcess([], configuration: nobody, environment: Self.credentials)
    let queued = try LineConnection(daemon.socketPath).ask(["certificatePem": pem, "wait": false])
    #expect(queued["outcome"] as? String == "queued")
    #expect(daemon.stop() == 0)
    try daemon.write(configuration: configuration(sandbox, region: "eu-west-1"))
    try daemon.start()
    #expect(try register(pem, with: daemon).place == "eu-west-1 222222222222")
  }

  @Test func `the embedded sandbox keeps its register when a reload changes the target`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "targets: {default: {region: eu-west-1}}\n")
    let connection = try LineConnection(daemon.socketPath)
    let first = try connection.ask(["certificatePem": pem])
    #expect(first["outcome"] as? String == "created")
    try daemon.write(configuration: "targets: {default: {region: eu-west-1, maxConcurrent: 3}}\n")
    try daemon.reload()
    // A status that was never set: what is known stays, and the sandbox says that it has the certificate.
    let id = try #require(first["certificateId"] as? String)
    #expect(try connection.ask(["op": "forget", "certificateId": id])["error"] == nil)
    #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "existing")
  }
}
