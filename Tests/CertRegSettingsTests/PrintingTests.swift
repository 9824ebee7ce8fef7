import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct PrintingTests {
  @Test func `the printed configuration loads to the same settings`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let settings = random.settings()
      let text = LoadedSettings(settings: settings).yaml(version: "1")
      let loaded = try load(text).settings
      #expect(loaded == settings, "seed \(seed): \(loaded.changes(from: settings).map(\.key))\n\(text)")
    }
  }

  @Test func `the environment fills nothing in the printed configuration but what is null there`() throws {
    let environment = ["STATE_DIRECTORY": "/s", "RUNTIME_DIRECTORY": "/r"]
    let text = try load().yaml(version: "1")
    #expect(try load(text, environment: environment).settings == Settings())
    let variables = ["AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://localhost:1"]
    #expect(try load(text, environment: variables).settings == load(environment: variables).settings)
    // What the environment had filled is written out.
    let filled = try load(environment: variables)
    #expect(try load(filled.yaml(version: "1")).settings.targets[0].region == "eu-west-1")
  }

  @Test func `each value has its origin beside it`() throws {
    let file = """
      socket: {window: 32}
      access:
        - user: root
          operations: [status]
      targets:
        line:
          credentials: {profile: {name: "a b"}}
      """
    var flags = SettingsOverrides()
    flags.region = "eu-central-1"
    let loaded = try load(
      file, environment: ["CERTREGD_QUEUE_MAX_ENTRIES": "10", "STATE_DIRECTORY": "/s"], arguments: flags)
    let lines = loaded.yaml(version: "1").split(separator: "\n")
    for expected in [
      "# The effective configuration of certregd 1. File: /etc/certregd/config.yaml",
      "  window: 32  # /etc/certregd/config.yaml:1", "  mode: \"0660\"  # default",
      "stateDirectory: /s  # $STATE_DIRECTORY",
      "  maxEntries: 10  # $CERTREGD_QUEUE_MAX_ENTRIES", "    region: eu-central-1  # --region",
      "        name: \"a b\"  # /etc/certregd/config.yaml:7", "    - user: root  # /etc/certregd/config.yaml:3",
      "      operations: [status]  # /etc/certregd/config.yaml:4", "defaultTarget: line  # default",
    ] {
      #expect(lines.contains { $0 == expected }, "\(expected)")
    }
    let values = lines.dropFirst().filter { !$0.hasSuffix(":") }
    #expect(values.allSatisfy { $0.contains("  # ") })
  }

  @Test(arguments: [
    "0660", "1:30", "yes", "none", "null", "", "a: b", "- a", "#", "a #b", "*a", "&a", "!a", "'", "é\n", "x:",
  ])
  func `quotes text that a YAML reader would misread`(text: String) {
    #expect(YAMLText.scalar(text).hasPrefix("\""))
  }

  @Test(arguments: ["/run/x.sock", "512KiB", "1m30s", "true", "10", "0.5", "line-7", "http://h:1/a", "127.0.0.1"])
  func `leaves text plain that every reader reads the same`(text: String) {
    #expect(YAMLText.scalar(text) == text)
  }
}
