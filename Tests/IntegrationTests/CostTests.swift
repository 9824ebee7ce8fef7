import Foundation
import Testing

/// The cost of untrusted requests.
@Suite struct CostTests {
  /// Nanoseconds of processor time that all threads of a process have used.
  private func processorTime(_ process: Int) -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return tasks.reduce(0) { sum, task in
      let text = (try? String(contentsOfFile: "/proc/\(process)/task/\(task)/schedstat", encoding: .utf8)) ?? ""
      return sum + (text.split(separator: " ").first.flatMap { Int($0) } ?? 0)
    }
  }

  /// The certificate with this name among those that are made to cost time.
  private func hostileCertificate(_ name: String) throws -> String {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Hostile").path
    let program = """
      import base64, sys
      sys.path.insert(0, "\(folder)")
      sys.dont_write_bytecode = True
      import corpus
      der = dict(corpus.cases())["\(name)"]
      print("-----BEGIN CERTIFICATE-----", base64.b64encode(der).decode(), "-----END CERTIFICATE-----", sep="\\n")
      """
    return try TestCertificates.files(["one.pem"], madeBy: "python3 - > one.pem <<'END'\n\(program)\nEND\n")[0]
  }

  @Test func `a request has one verdict, however many targets it names`() throws {
    let pem = try hostileCertificate("as many attributes as fit, tag 12, b'x'")
    let targets = (0..<256).map { "target-\($0)" }
    let daemon = try DaemonProcess(
      configuration: "validation: {name_form: reject, expired: reject}\ndefaultTarget: target-0\ntargets:\n"
        + targets.map { "  \($0): {region: eu-west-1}\n" }.joined())
    let connection = try LineConnection(daemon.socketPath)
    let process = try #require(try connection.ask(["op": "status"])["pid"] as? Int)
    func cost(targets count: Int) throws -> Int {
      try (0..<3).map { _ in
        let start = processorTime(process)
        let answer = try connection.ask([
          "certificatePem": pem, "target": Array(targets.prefix(count)),
        ])
        let results = try #require(answer["results"] as? [[String: Any]])
        #expect(results.count == count && results.allSatisfy { $0["error"] != nil })
        return processorTime(process) - start
      }.min() ?? 0
    }
    let growth = try Double(cost(targets: 256)) / Double(max(1, cost(targets: 1)))
    #expect(growth < 8)
  }
}
