import Foundation
import Testing

/// The built daemon as a process, asked over its socket. The upstream is the embedded sandbox.
@Suite struct DaemonTests {
  private func error(_ answer: [String: Any]) -> [String: Any] {
    answer["error"] as? [String: Any] ?? [:]
  }

  @Test func `registers once and answers repeats from the cache, also after a restart`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let request: [String: Any] = ["id": 1, "certificatePem": pem, "status": "ACTIVE"]
    let first = try LineConnection(daemon.socketPath).ask(request)
    #expect(first["outcome"] as? String == "created")
    #expect(first["cached"] as? Bool == false)
    #expect(first["status"] as? String == "ACTIVE")
    let id = try #require(first["certificateId"] as? String)
    #expect(first["certificateArn"] as? String == "arn:aws:iot:eu-central-1:123456789012:cert/\(id)")

    let text = pem.replacing("\n", with: "\r\n")
    let repeated = try LineConnection(daemon.socketPath).ask(["certificatePem": text])
    #expect(repeated["outcome"] as? String == "created")
    #expect(repeated["cached"] as? Bool == true)
    #expect(repeated["id"] == nil)

    #expect(daemon.stop() == 0)
    try daemon.start()
    let connection = try LineConnection(daemon.socketPath)
    let later = try connection.ask(request)
    #expect(later["cached"] as? Bool == true)
    #expect(later["certificateArn"] as? String == first["certificateArn"] as? String)
    let status = try connection.ask(["op": "status"])
    #expect((status["counters"] as? [String: Any])?["upstreamCalls"] as? Int == 0)
  }

  @Test func `registrations acknowledged as queued survive kill -9`() throws {
    let pems = try TestCertificates.issue(20)
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    for pem in pems {
      let answer = try connection.ask(["id": 1, "certificatePem": pem, "wait": false])
      #expect(answer["outcome"] as? String == "queued")
    }
    #expect(daemon.stop(SIGKILL) == -SIGKILL)
    try daemon.start()
    let again = try LineConnection(daemon.socketPath)
    for pem in pems {
      // Looked up before any new request: the sandbox forgets at its end, and would register a lost one once
      // more.
      let state = try again.ask(["op": "lookup", "certificatePem": pem])["state"] as? String
      #expect(state == "queued" || state == "registered")
      let answer = try again.ask(["id": 1, "certificatePem": pem])
      #expect(answer["outcome"] as? String == "created")
    }
  }

  @Test(arguments: [#""a\"b\u00fc""#, "1.0e2", "-0", "null", #""设备""#])
  func `echoes the id as it was written`(id: String) throws {
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    try connection.send("{\"op\":\"status\",\"id\":\(id)}\n")
    #expect(try #require(try connection.line()).hasPrefix("{\"id\":\(id),"))
  }

  @Test func `answers everything after the client ended its input, in order without ids`() throws {
    let pems = try TestCertificates.issue(40)
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    for (number, pem) in pems.enumerated() {
      let operation = number % 2 == 0 ? "register" : "validate"
      let escaped = pem.replacing("\n", with: "\\n")
      try connection.send("{\"op\":\"\(operation)\",\"certificatePem\":\"\(escaped)\"}\n")
    }
    connection.endInput()
    var ids: [String] = []
    while let line = try connection.line() {
      let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      ids.append(answer?["certificateId"] as? String ?? line)
    }
    #expect(ids.count == 40)
    let direct = try LineConnection(daemon.socketPath)
    let expected = try pems.map { try direct.ask(["certificatePem": $0])["certificateId"] as? String }
    #expect(ids == expected)
  }

  @Test func `five hundred requests for one certificate make one call`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let connections = try (0..<10).map { _ in try LineConnection(daemon.socketPath) }
    for number in 0..<500 {
      let text = pem.replacing("\n", with: number % 2 == 0 ? "\\n" : "\\r\\n")
      try connections[number % 10].send("{\"id\":\(number),\"certificatePem\":\"\(text)\"}\n")
    }
    for connection in connections {
      for _ in 0..<50 { #expect(try connection.answer()["outcome"] as? String == "created") }
    }
    let status = try LineConnection(daemon.socketPath).ask(["op": "status"])
    #expect((status["counters"] as? [String: Any])?["upstreamCalls"] as? Int == 1)
  }

  @Test func `names a mistyped member and continues`() throws {
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    let refused = error(try connection.ask(["id": 1, "certificatePem": "x", "staus": "ACTIVE"]))
    #expect(refused["type"] as? String == "InvalidRequestException")
    #expect((refused["message"] as? String)?.contains("staus") == true)
    #expect(try connection.ask(["id": 2, "op": "status"])["state"] as? String == "running")
  }

  @Test func `a line beyond the limit gets one error, and the connection closes`() throws {
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    try? connection.send(String(repeating: "a", count: 1_100_000))
    #expect(error(try connection.answer())["reason"] as? String == "line_too_long")
    #expect(try connection.line() == nil)
  }

  @Test func `another status is an error that names the known one, and an existing certificate is one on request`()
    throws
  {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    let arn = try connection.ask(["certificatePem": pem, "status": "ACTIVE"])["certificateArn"] as? String
    let differs = error(try connection.ask(["certificatePem": pem, "status": "INACTIVE"]))
    #expect(differs["reason"] as? String == "status_differs")
    #expect(differs["status"] as? String == "ACTIVE")
    let exists = error(try connection.ask(["certificatePem": pem, "ifExists": "error"]))
    #expect(exists["type"] as? String == "ResourceAlreadyExistsException")
    #expect(exists["resourceArn"] as? String == arn)
    let refreshed = try connection.ask(["certificatePem": pem, "refresh": true])
    #expect(refreshed["outcome"] as? String == "existing")
    #expect(refreshed["cached"] as? Bool == false)
  }

  @Test func `an update acknowledged during an outage survives kill -9, and later ones follow it`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let state = FileManager.default.temporaryDirectory.appending(path: "sandbox-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: state) }
    let sandbox = try SandboxProcess(["--state", state])
    let port = try #require(sandbox.url.split(separator: ":").last.map(String.init))
    let daemon = try DaemonProcess(
      [], configuration: "targets: {default: {endpoint: \"\(sandbox.url)\", region: eu-central-1}}\n",
      environment: ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"])
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(try connection.ask(["certificatePem": pem])["certificateId"] as? String)
    sandbox.stop()
    let queued = try connection.ask(["op": "update", "certificateId": id, "status": "ACTIVE", "wait": false])
    #expect(queued["outcome"] as? String == "queued")
    #expect(try connection.ask(["op": "lookup", "certificateId": id])["status"] as? String == "INACTIVE")
    #expect(daemon.stop(SIGKILL) == -SIGKILL)
    let again = try SandboxProcess(["--state", state, "--port", port])
    try daemon.start()
    let later = try LineConnection(daemon.socketPath)
    let updated = try later.ask(["op": "update", "certificatePem": pem, "status": "INACTIVE"])
    #expect(updated["outcome"] as? String == "updated" && updated["status"] as? String == "INACTIVE")
    let metrics = try later.ask(["op": "metrics"])["body"] as? String
    #expect(metrics?.contains(#"certregd_status_updates_total{outcome="updated"} 2"#) == true)
    #expect(metrics?.contains(#"certregd_upstream_calls_total{operation="UpdateCertificate"}"#) == true)
    #expect(try later.ask(["op": "lookup", "certificateId": id])["status"] as? String == "INACTIVE")
    let set = try later.ask(["certificatePem": pem, "status": "ACTIVE", "ifExists": "update"])
    #expect(set["outcome"] as? String == "created" && set["status"] as? String == "ACTIVE")
    again.stop()
  }

  @Test func `a registration that may set a status needs the right to update`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "access:\n  - user: \(getuid())\n    operations: [register]\n")
    let connection = try LineConnection(daemon.socketPath)
    #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "created")
    for request: [String: Any] in [
      ["certificatePem": pem, "status": "ACTIVE", "ifExists": "update"],
      ["op": "update", "certificatePem": pem, "status": "ACTIVE"],
    ] { #expect(error(try connection.ask(request))["reason"] as? String == "peer_not_allowed") }
    try daemon.write(configuration: "access:\n  - user: \(getuid())\n    operations: [register, update]\n")
    try daemon.reload()
    let set = try connection.ask(["certificatePem": pem, "status": "ACTIVE", "ifExists": "update"])
    #expect(set["status"] as? String == "ACTIVE")
  }

  @Test func `describe asks the upstream, and corrects what is known`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "")
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(
      try connection.ask(["certificatePem": pem, "status": "ACTIVE"])["certificateId"] as? String)
    let described = try connection.ask(["id": 7, "op": "describe", "certificateId": id])
    #expect(described["id"] as? Int == 7 && described["status"] as? String == "ACTIVE")
    #expect(described["certificateMode"] as? String == "SNI_ONLY" && described["things"] as? [String] == [])
    // The embedded sandbox forgets at its end, the daemon does not.
    daemon.stop()
    try daemon.start()
    let later = try LineConnection(daemon.socketPath)
    #expect(try later.ask(["op": "lookup", "certificateId": id])["status"] as? String == "ACTIVE")
    let gone = error(try later.ask(["op": "describe", "certificatePem": pem]))
    #expect(gone["reason"] as? String == "certificate_not_found" && gone["httpStatus"] as? Int == 404)
    #expect(error(try later.ask(["op": "lookup", "certificateId": id]))["reason"] as? String == "not_found")
    try daemon.write(configuration: "access:\n  - user: \(getuid())\n    operations: [lookup]\n")
    try daemon.reload()
    #expect(error(try later.ask(["op": "describe", "certificateId": id]))["reason"] as? String == "peer_not_allowed")
  }

  @Test func `a describe under way has an answer before the daemon stops`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(
      configuration: """
        drainTimeout: 0s
        targets:
          default:
            region: eu-central-1
            rates: {describeCertificate: 0.01}
        """)
    let connection = try LineConnection(daemon.socketPath)
    for id in 1...3 {
      let request: [String: Any] = ["id": id, "op": "describe", "certificatePem": pem, "timeoutMs": 300_000]
      try connection.send(String(decoding: JSONSerialization.data(withJSONObject: request), as: UTF8.self) + "\n")
    }
    // The pace lets one call begin, of whichever request. The others wait for a turn that comes after the daemon's end.
    let first = try connection.answer()
    #expect(error(first)["reason"] as? String == "certificate_not_found")
    #expect(daemon.stop() == 0)
    let answers = [try connection.answer(), try connection.answer()]
    #expect(Set(([first] + answers).compactMap { $0["id"] as? Int }) == [1, 2, 3])
    #expect(answers.map { error($0)["reason"] as? String } == ["draining", "draining"])
    #expect(try connection.line() == nil)
  }

  @Test func `looks up, forgets and does not find`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    let id = try #require(try connection.ask(["certificatePem": pem])["certificateId"] as? String)
    #expect(try connection.ask(["op": "lookup", "certificateId": id])["state"] as? String == "registered")
    #expect(try connection.ask(["op": "lookup", "certificatePem": pem])["state"] as? String == "registered")
    #expect(error(try connection.ask(["op": "forget", "certificateId": id])).isEmpty)
    #expect(error(try connection.ask(["op": "lookup", "certificateId": id]))["reason"] as? String == "not_found")
    #expect(error(try connection.ask(["op": "forget", "certificateId": id]))["httpStatus"] as? Int == 404)
    // The sandbox still has it.
    #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "existing")
  }

  @Test func `validate describes a certificate and registers nothing`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let connection = try LineConnection(daemon.socketPath)
    let answer = try connection.ask(["op": "validate", "certificatePem": pem])
    let certificate = try #require(answer["certificate"] as? [String: Any])
    #expect(certificate["serialNumber"] as? String != nil)
    #expect((certificate["subject"] as? [[String: String]])?.first?["value"] == "device-1")
    #expect(error(try connection.ask(["op": "validate", "certificatePem": "x"]))["reason"] as? String == "not_pem")
    let status = try connection.ask(["op": "status"])
    #expect((status["counters"] as? [String: Any])?["upstreamCalls"] as? Int == 0)
    #expect((try connection.ask(["op": "metrics"])["body"] as? String)?.contains("certregd_lines_total") == true)
  }

  @Test func `registers in several targets and answers in the order asked`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(
      configuration: "targets:\n  a:\n    region: eu-west-1\n  b:\n    region: us-east-1\ndefaultTarget: a\n")
    let connection = try LineConnection(daemon.socketPath)
    let answer = try connection.ask(["id": 1, "certificatePem": pem, "target": ["b", "a"]])
    let results = try #require(answer["results"] as? [[String: Any]])
    #expect(results.map { $0["target"] as? String } == ["b", "a"])
    #expect((results[0]["certificateArn"] as? String)?.contains(":us-east-1:") == true)
    #expect((results[1]["certificateArn"] as? String)?.contains(":eu-west-1:") == true)
    let unknown = error(try connection.ask(["certificatePem": pem, "target": "c"]))
    #expect(unknown["reason"] as? String == "unknown_target")
    for operation in ["register", "watch"] {
      let repeated = error(
        try connection.ask(
          ["op": operation, "id": 2, "target": ["a", "b", "a"]].merging(
            operation == "register" ? ["certificatePem": pem] : [:]
          ) { $1 }))
      #expect(repeated["reason"] as? String == "repeated_target" && repeated["httpStatus"] as? Int == 400)
    }
  }

  @Test func `a watcher sees registrations end`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess()
    let watcher = try LineConnection(daemon.socketPath)
    try watcher.send("{\"id\":\"w\",\"op\":\"watch\"}\n{\"id\":\"s\",\"op\":\"status\"}\n")
    #expect(try watcher.answer()["id"] as? String == "s")
    let registered = try LineConnection(daemon.socketPath).ask(["certificatePem": pem])
    let seen = try watcher.answer()
    #expect(seen["id"] as? String == "w")
    #expect(seen["certificateId"] as? String == registered["certificateId"] as? String)
  }

  @Test func `SIGHUP loads a new configuration, and refuses a bad one`() throws {
    let pems = try TestCertificates.issue(2)
    let daemon = try DaemonProcess(configuration: "defaultStatus: INACTIVE\n")
    let connection = try LineConnection(daemon.socketPath)
    #expect(try connection.ask(["certificatePem": pems[0]])["status"] as? String == "INACTIVE")
    try daemon.write(configuration: "defaultStatus: ACTIVE\nvalidation:\n  explanatory_text: reject\n")
    try daemon.reload()
    #expect(try connection.ask(["certificatePem": pems[1]])["status"] as? String == "ACTIVE")
    let text = "a word\n" + pems[0]
    #expect(error(try connection.ask(["certificatePem": text]))["reason"] as? String == "not_pem")
    try daemon.write(configuration: "defaultStaus: INACTIVE\n")
    try daemon.reload()
    #expect(error(try connection.ask(["certificatePem": text]))["reason"] as? String == "not_pem")
    // A separate thread writes the log; at the end it is complete.
    #expect(daemon.stop() == 0)
    #expect(daemon.logText.contains("defaultStaus"))
  }

  /// The upstream of a target, for a configuration.
  private func target(_ name: String, at url: String) -> String {
    "  \(name): { region: eu-central-1, credentials: environment, endpoint: \"\(url)\" }\n"
  }

  private static let nobody = "http://127.0.0.1:1"
  private static let keys = ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]

  @Test(arguments: [true, false])
  func `registrations queued for a target continue with the reload that adds it`(_ hasRestarted: Bool) throws {
    let pem = try TestCertificates.issue(1)[0]
    let upstream = try SandboxProcess()
    let kept = "defaultTarget: a\ntargets:\n" + target("a", at: Self.nobody)
    let daemon = try DaemonProcess([], configuration: kept + target("b", at: Self.nobody), environment: Self.keys)
    let request: [String: Any] = ["id": 1, "certificatePem": pem, "target": "b", "wait": false]
    #expect(try LineConnection(daemon.socketPath).ask(request)["outcome"] as? String == "queued")
    try daemon.write(configuration: kept)
    if hasRestarted {
      #expect(daemon.stop() == 0)
      try daemon.start()
    } else {
      try daemon.reload()
    }
    let connection = try LineConnection(daemon.socketPath)
    #expect(error(try connection.ask(request))["reason"] as? String == "unknown_target")
    let status = try connection.ask(["op": "status"])
    #expect((status["queue"] as? [String: Any])?["entries"] as? Int == 1)
    let watcher = try LineConnection(daemon.socketPath)
    try watcher.send("{\"id\":\"w\",\"op\":\"watch\"}\n{\"id\":\"s\",\"op\":\"status\"}\n")
    #expect(try watcher.answer()["id"] as? String == "s")
    try daemon.write(configuration: kept + target("b", at: upstream.url))
    try daemon.reload()
    let ended = try watcher.answer()
    #expect(ended["target"] as? String == "b" && ended["outcome"] as? String == "created")
    let repeated = try connection.ask(["certificatePem": pem, "target": "b"])
    #expect(repeated["cached"] as? Bool == true && repeated["outcome"] as? String == "created")
    let counters = try connection.ask(["op": "status"])["counters"] as? [String: Any]
    if hasRestarted { #expect(counters?["upstreamCalls"] as? Int == 1) }
  }

  @Test func `access rules decide what a caller may do`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let rules = "access:\n  - user: \(getuid())\n    operations: [status, validate]\n"
    let daemon = try DaemonProcess(configuration: rules)
    let connection = try LineConnection(daemon.socketPath)
    let refused = error(try connection.ask(["certificatePem": pem]))
    #expect(refused["type"] as? String == "UnauthorizedException")
    #expect(refused["reason"] as? String == "peer_not_allowed")
    #expect(refused["origin"] as? String == "daemon")
    #expect(try connection.ask(["op": "status"])["state"] as? String == "running")
    try daemon.write(configuration: "access:\n  - user: \"*\"\n    requestsPerSecond: 1\n")
    try daemon.reload()
    #expect(try connection.ask(["certificatePem": pem])["outcome"] as? String == "created")
    let limited = error(try connection.ask(["certificatePem": pem]))
    #expect(limited["reason"] as? String == "caller_rate_exceeded")
  }

  @Test func `a caller without a right to a target is not told its name, nor whether it is there`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let targets = "targets:\n  eu: {region: eu-central-1}\n  customer: {region: us-east-1}\ndefaultTarget: eu\n"
    let id = String(repeating: "0", count: 64)
    for rules in ["user: 4242", "user: \(getuid())\n    targets: [eu]"] {
      let daemon = try DaemonProcess(configuration: targets + "access:\n  - \(rules)\n")
      let connection = try LineConnection(daemon.socketPath)
      for name in ["customer", "nowhere"] {
        let requests: [[String: Any]] = [
          ["certificatePem": pem], ["op": "lookup", "certificateId": id], ["op": "forget", "certificateId": id],
          ["op": "describe", "certificateId": id], ["op": "watch"],
          ["op": "update", "certificateId": id, "status": "ACTIVE"],
        ]
        for request in requests {
          let refused = error(try connection.ask(request.merging(["target": name]) { $1 }))
          #expect(refused["reason"] as? String == "peer_not_allowed", "\(request)")
          #expect((refused["message"] as? String)?.contains(name == "customer" ? "nowhere" : "customer") == false)
        }
      }
    }
  }

  @Test func `a watch that the rules do not allow any more ends with an error`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let daemon = try DaemonProcess(configuration: "socket: {window: 64}\n")
    let connection = try LineConnection(daemon.socketPath)
    try connection.send("{\"op\":\"watch\",\"id\":7}\n")
    let answers = [try connection.ask(["id": 1, "certificatePem": pem]), try connection.answer()]
    #expect(Set(answers.compactMap { $0["id"] as? Int }) == [1, 7])
    #expect(answers.allSatisfy { $0["outcome"] as? String == "created" })
    try daemon.write(configuration: "access:\n  - user: \(getuid())\n    operations: [register, status]\n")
    try daemon.reload()
    let end = try connection.answer()
    #expect(end["id"] as? Int == 7)
    #expect(error(end)["reason"] as? String == "peer_not_allowed")
    #expect(try connection.ask(["op": "status"])["state"] as? String == "running")
  }

  @Test func `a scrape over a Unix socket gets the metrics`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let daemon = try DaemonProcess(configuration: "metrics:\n  listen: \(folder)/metrics.sock\n")
    let connection = try LineConnection("\(folder)/metrics.sock")
    try connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    #expect(try connection.line() == "HTTP/1.1 200 OK\r")
    var text = ""
    while let line = try connection.line() { text += line + "\n" }
    #expect(text.contains("\ncertregd_connections "))
    #expect(daemon.stop() == 0)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/metrics.sock"))
  }

  @Test func `a second daemon on the same socket or state refuses`() throws {
    let daemon = try DaemonProcess()
    let other = daemon.folder.appending(path: "other").path
    let state = daemon.folder.appending(path: "state").path
    #expect(
      try DaemonProcess.exitStatus(["--sandbox", "--socket", daemon.socketPath, "--state-dir", other]) == 75)
    #expect(try DaemonProcess.exitStatus(["--sandbox", "--socket", other, "--state-dir", state]) == 75)
    #expect(try LineConnection(daemon.socketPath).ask(["op": "status"])["state"] as? String == "running")
  }
}
