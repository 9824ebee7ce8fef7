import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegSettings

@Suite struct ConfigurationReaderTests {
  @Test(arguments: [
    "", "{}", "# nothing\n", "---\n", "---\n...\n", "null", "\u{feff}", "socket:\n", "socket: {}\ntargets:\n",
  ])
  func `takes an empty file for the defaults`(text: String) throws {
    #expect(try load(text).settings == Settings())
  }

  @Test(arguments: ["just text", "- a\n- b", "[1, 2]", "12"])
  func `refuses a file that is no section of keys`(text: String) {
    #expect(problems(text).count == 1)
  }

  @Test func `names the line and column of a fault in the YAML`() throws {
    let error = try #require(throws: SettingsError.self) { try load("socket:\n  window: [1, 2\nqueue: 3\n") }
    let problem = try #require(error.problems.first)
    #expect(error.problems.count == 1)
    #expect(problem.line == 3)
    #expect(problem.message.hasPrefix("is not YAML: "))
  }

  @Test func `says what to do about tabs`() {
    let found = problems("socket:\n\twindow: 3\n")
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("/c.yaml:2: is not YAML") == true)
    #expect(found.first?.contains("not tabs") == true)
  }

  @Test(arguments: [
    "socket:\n  window: 3\n  mode: \"0600\"\n  window: 4\n", "log: {level: info}\nlog: {level: debug}\n",
    "validation: {expired: allow, expired: allow}\n",
  ])
  func `refuses a key that is given twice`(text: String) {
    let found = problems(text)
    #expect(found.count == 1)
    #expect(found.first?.contains("given twice") == true)
  }

  @Test func `what is wrong with the file hides no wrong value`() {
    let found = problems("socket:\n  window: 3\n  window: 4\n  window: 5\n  mode: !!int 7\nlog:\n  level: loud\n")
    #expect(found.count == 5, "\(found)")
    #expect(found.first == "/c.yaml:3: socket.window: is given twice: first at /c.yaml:2")
    #expect(found.dropFirst().first == "/c.yaml:4: socket.window: is given twice: first at /c.yaml:2")
    #expect(found.last?.hasPrefix("/c.yaml:7: log.level: ") == true)
  }

  @Test func `compares keys as they are written, not by their YAML types`() {
    #expect(
      problems("targets:\n  1: {}\n  \"1\": {}\n") == ["/c.yaml:3: targets.1: is given twice: first at /c.yaml:2"])
  }

  @Test func `refuses invalid UTF-8 and names the line`() {
    #expect(problems(bytes: Array("log:\n  level: ".utf8) + [0xe9, 0x0a]) == ["/c.yaml:2: the file is not UTF-8"])
    let utf16 = "{}".utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
    #expect(problems(bytes: [0xff, 0xfe] + utf16) == ["/c.yaml:1: the file is not UTF-8"])
  }

  @Test func `refuses control characters`() {
    #expect(problems("log: {level: \"in\u{0}fo\"}").count == 1)
    #expect(problems("socket: {group: \"a\\x1bb\"}").count == 1)
    #expect(problems("stateDirectory: \"/a\\ufeff\"").count == 1)
  }

  @Test func `refuses a file of more than a mebibyte`() {
    let text = String(repeating: "#\n", count: 1 << 19)
    #expect(problems(text) == [])
    #expect(problems(text + "#") == ["/c.yaml: the file has more than 1048576 bytes"])
  }

  @Test func `refuses a second document`() {
    #expect(problems("---\n{}\n---\n{}\n").count == 1)
  }

  @Test func `refuses tags`() {
    let found = problems("socket:\n  group: !secret abc\n  window: !!int 3\n  mode: !!str 0600\nlog: !!map {}\n")
    #expect(
      found == [
        "/c.yaml:2: socket.group: has the tag \"!secret\": tags are not supported",
        "/c.yaml:3: socket.window: has the tag \"!!int\": tags are not supported",
      ])
  }

  @Test func `shares settings with anchors and merge keys`() throws {
    let text = """
      targets:
        factory: &common
          region: eu-central-1
          maxConcurrent: 8
        lab:
          <<: *common
          region: us-east-1
      defaultTarget: factory
      """
    let loaded = try load(text)
    let lab = loaded.settings.targets[1]
    #expect(lab.name.rawValue == "lab")
    #expect(lab.region == "us-east-1")
    #expect(lab.maxConcurrent == 8)
    #expect(loaded.origin(of: "targets.lab.maxConcurrent").description == "/etc/certregd/config.yaml:4")
  }

  @Test func `merges the first of several sections first`() throws {
    let text = """
      targets:
        a: &a {maxConcurrent: 1}
        b: &b {maxConcurrent: 2, region: eu-west-1}
        c: {<<: [*a, *b]}
      defaultTarget: a
      """
    let target = try load(text).settings.targets[2]
    #expect(target.maxConcurrent == 1)
    #expect(target.region == "eu-west-1")
  }

  @Test func `refuses an alias of nothing and a merge of a single value`() {
    #expect(problems("socket: *nothing\n").count == 1)
    #expect(problems("socket: {<<: 3}\n").count == 1)
  }

  @Test func `refuses a file whose aliases grow beyond measure`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(problems(text).count { $0.contains("the file holds more than 200000 values") } == 1)
    let long =
      "a: &a \(String(repeating: "x", count: 100_000))\nb: [\(Array(repeating: "*a", count: 100).joined(separator: ", "))]\n"
    #expect(problems(long).count { $0.contains("expand to too much") } == 1)
  }

  @Test func `keeps the first of very many problems, and costs no more for the rest`() {
    let name = String(repeating: "k", count: 100_000)
    let texts: [(Int) -> String] = [
      { (0..<$0).map { "key\($0): 1\n" }.joined() },
      { "a:\n" + String(repeating: "  b: 1\n", count: $0) },
      { "\(name):\n" + String(repeating: "  b: 1\n", count: $0) },
      { "socket:\n" + (0..<$0).map { "  windo\($0): 1\n" }.joined() },
      { "access:\n" + String(repeating: "- {user: none}\n", count: $0) },
      { "socket: [" + String(repeating: "!x y, ", count: $0) + "]\n" },
    ]
    for text in texts {
      let found = problems(text(10_000))
      #expect((1...101).contains(found.count), "\(found.count)")
      #expect(found.allSatisfy { $0.utf8.count < 2000 })
      #expect(ProcessorTime.growth(from: 2500, to: 20_000) { _ = problems(text($0)) } < 24)
    }
  }

  @Test func `shows no secret that stands in the place of a key or an alias`() {
    for text in ["\"https://u:hunter2secret@h\": 3\n", "password=hunter2secret: y\n", "region: *hunter2secret\n"] {
      let found = problems(text)
      #expect(found.count == 1 && !found[0].contains("hunter2"), "\(found)")
    }
  }

  @Test func `refuses keys that are no words, however large they are`() {
    var text = "? &a0 [x]\n: 1\n"
    for level in 1...20 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "? &a\(level) [\(aliases)]\n: 1\n"
    }
    #expect(problems(text).count == 21)
  }

  @Test func `accepts many plain uses of one anchor`() throws {
    var text = "targets:\n  t0: &common {region: eu-central-1, credentials: environment}\n"
    for index in 1...200 { text += "  t\(index): *common\n" }
    #expect(try load(text + "defaultTarget: t0\n").settings.targets.count == 201)
  }

  @Test(arguments: [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
  func `refuses deep nesting`(open: String, close: String) {
    for depth in [40, 900, 5000, 100_000] {
      let text = "socket: \n " + String(repeating: open, count: depth) + "x" + String(repeating: close, count: depth)
      let found = problems(text)
      // What is within a key that is no word is not looked at, as long as libyaml's own reader takes it.
      let reason = open == "? " && depth == 40 ? "a key has to be a single word" : "nested too deeply"
      #expect(found.contains { $0.contains(reason) }, "depth \(depth): \(found.prefix(3))")
    }
  }

  @Test func `escapes text that could control a terminal`() {
    let found = problems("\"so\\x1b[31mcket\": 1\nlog: {level: \"\\u202egubed\"}\n")
    #expect(found.count == 2)
    #expect(found.allSatisfy { line in line.unicodeScalars.allSatisfy(isPrintable) })
  }
}
