import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegSettings

@Suite struct FixedRuleProblemTests {
  @Test func `what is deliberately no setting says why, and does not suggest another`() {
    let found = problems("validation: {sha1_signature: allow}")
    #expect(found.count == 1)
    #expect(found[0].contains("sha1_signature: is deliberately no setting: AWS IoT refuses"), "\(found)")
    #expect(!found[0].contains("did you mean"))
    #expect(problems("validation: {empty_subject: allow}")[0].contains("the setting is name_form"))
    #expect(problems("validation: {expird: allow}")[0].contains("did you mean"))
  }
}

@Suite struct ProblemTests {
  @Test func `reports all problems at once, in the order of the file`() {
    let text = """
      sockt:
        path: /x
      socket:
        windw: 3
        maxConnections: 0
        idleTimeout: soon
      queue:
        maxEntries: [1]
      validation:
        expired: maybe
      log: {level: verbose}
      """
    #expect(
      problems(text) == [
        "/c.yaml:1: sockt: unknown key; did you mean \"socket\"?",
        "/c.yaml:4: socket.windw: unknown key; did you mean \"window\"?",
        "/c.yaml:5: socket.maxConnections: \"0\" is out of range: 1 to 65,536",
        "/c.yaml:6: socket.idleTimeout: \"soon\" is not a duration such as 30s, 5m, 1h30m, 250ms or 7d",
        "/c.yaml:8: queue.maxEntries: takes a single value (whole number, 1 to 10,000,000), not a list",
        "/c.yaml:10: validation.expired: \"maybe\" is none of allow, reject",
        "/c.yaml:11: log.level: \"verbose\" is none of trace, debug, info, notice, warning, error, critical",
      ])
  }

  @Test func `that there are more problems than are listed is said last`() {
    let many = (1...150).map { "  key\($0): 1\n" }.joined()
    // Problems of variables stand behind those of the file, wherever they are found.
    let found = problems("socket:\n  window: 3\n" + many, environment: ["CERTREGD_SOCKET_WINDOW": "x"])
    #expect(found.count == 101)
    #expect(found.last?.hasSuffix("there are more problems") == true)
    #expect(found.dropLast().last?.contains("CERTREGD_SOCKET_WINDOW") == true)
  }

  @Test func `a section without keys says so`() {
    let found = problems("targets: {default: {credentials: {environment: {foo: 1}}}}")
    #expect(found == ["/c.yaml:1: targets.default.credentials.environment.foo: unknown key: there are no keys here"])
  }

  @Test func `has a line and column for programs`() throws {
    let error = try #require(throws: SettingsError.self) { try load("socket:\n  windw: 3\n") }
    let problem = try #require(error.problems.first)
    #expect(problem.line == 2)
    #expect(problem.column == 3)
    #expect(problem.key == "socket.windw")
    #expect(problem.suggestion == "window")
  }

  @Test func `finds a key that belongs elsewhere`() {
    #expect(
      problems("maxLineBytes: 3") == [
        "/c.yaml:1: maxLineBytes: unknown key here; did you mean \"socket.maxLineBytes\"?"
      ])
    #expect(
      problems("targets: {region: eu-central-1}").first
        == "/c.yaml:1: targets.region: takes a section of keys (region, endpoint, fips …), not a single value")
  }

  @Test(arguments: ["secretAccessKey", "aws_secret_access_key", "sessionToken", "accessKeyId", "password"])
  func `explains that secrets do not belong here, and does not repeat them`(key: String) {
    for place in ["targets: {default: {\(key): hunter2}}", "targets: {default: {credentials: {\(key): hunter2}}}"] {
      let found = problems(place)
      #expect(found.count == 1)
      #expect(found.first?.contains("LoadCredential=") == true)
      #expect(found.first?.contains("hunter2") == false)
    }
  }

  @Test(arguments: [
    "helper --token hunter2hunter2", "PASSWORD=hunter2 helper", "helper 'Authorization: Basic aHVudGVyMg=='",
  ])
  func `refuses a command with a secret, and does not repeat it`(command: String) {
    let found = problems("targets: {default: {credentials: {process: {command: \"\(command)\"}}}}")
    #expect(found.count == 1 && found[0].contains("holds a secret") && !found[0].contains("unter2"), "\(found)")
  }

  @Test(arguments: ["window", "mode", "path", "group"])
  func `says that a key has no value`(key: String) {
    #expect(problems("socket:\n  \(key):\n").count == 1)
    #expect(problems("socket:\n  \(key): none\n").count == 1)
  }

  @Test(arguments: Schema.keys.filter { !$0.path.contains("NAME") && !$0.path.contains("[") })
  func `refuses a list or a section in place of a value`(key: KeyDescription) {
    let parts = key.path.split(separator: ".")
    for value in ["[1, 2]", "{a: 1}"] {
      let text = parts.reversed().reduce(value) { "{\($1): \($0)}" }
      let found = problems(text)
      #expect(!found.isEmpty)
      #expect(found.allSatisfy { $0.hasPrefix("/c.yaml:1: \(key.path)") }, "\(found)")
    }
  }

  @Test func `contradictory limits are reported for the limit that was set`() {
    #expect(
      problems("socket: {maxLineBytes: 8MiB}") == [
        "/c.yaml:1: socket.maxLineBytes: socket.maxLineBytes (8MiB) is larger than socket.connectionBudgetBytes (4MiB): "
          + "a connection could not hold its longest line"
      ])
    #expect(
      problems("socket: {memoryBudgetBytes: 1MiB}").first?.hasPrefix("/c.yaml:1: socket.memoryBudgetBytes: ") == true)
  }

  @Test func `metrics cannot be served on the daemon's own socket`() {
    #expect(problems("metrics: {listen: /run/certregd/certregd.sock}").count == 1)
  }

  @Test func `warns of settings that are seldom meant`() throws {
    let text = """
      socket: {mode: "0666"}
      targets: {default: {endpoint: "http://example.com"}}
      sandbox: true
      """
    #expect(try load(text).warnings.map(\.key) == ["socket.mode", "targets.default.endpoint", "sandbox"])
    let quiet =
      "socket: {mode: \"0666\"}\naccess: [{user: root}]\ntargets: {default: {endpoint: \"http://127.0.0.1:1\"}}"
    #expect(try load(quiet).warnings == [])
  }

  @Test func `every change of one byte gives settings or problems in lines that the file has`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    let original = Array(try Documents.exampleInFull().utf8)
    for _ in 0..<300 {
      var bytes = original
      let index = Int.random(in: bytes.indices, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: index)
      default: bytes.insert(random.pick(Array("\n\t :-[]{}&*!|>'\"%@`#".utf8)), at: index)
      }
      do {
        _ = try load(bytes: bytes)
      } catch {
        let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 1
        #expect(!error.problems.isEmpty, "seed \(seed)")
        #expect(error.problems.allSatisfy { (1...lines).contains($0.line ?? 1) }, "seed \(seed): \(error)")
      }
    }
  }
}
