import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct PrecedenceTests {
  private let file = "socket: {path: /file.sock}\nstateDirectory: /file\nlog: {level: error}\nsandbox: false\n"
  private let systemd = ["RUNTIME_DIRECTORY": "/run/unit:/run/other", "STATE_DIRECTORY": "/var/lib/unit"]
  private let variables = [
    "CERTREGD_SOCKET": "/variable.sock", "CERTREGD_STATE_DIR": "/variable", "CERTREGD_LOG_LEVEL": "debug",
    "CERTREGD_SANDBOX": "1", "CERTREGD_REGION": "eu-west-1", "CERTREGD_ENDPOINT_URL": "http://localhost:1",
  ]
  private var flags: SettingsOverrides {
    var flags = SettingsOverrides()
    flags.socketPath = "/flag.sock"
    flags.stateDirectory = "/flag"
    flags.logLevel = "trace"
    flags.region = "us-east-1"
    flags.endpointURL = "http://localhost:2"
    return flags
  }

  @Test func `systemd's folders are the defaults if it sets them`() throws {
    let loaded = try load(environment: systemd)
    #expect(loaded.settings.socket.path == "/run/unit/certregd.sock")
    #expect(loaded.settings.stateDirectory == "/var/lib/unit")
    #expect(loaded.origin(of: "socket.path") == .variable("RUNTIME_DIRECTORY"))
    #expect(loaded.origin(of: "stateDirectory") == .variable("STATE_DIRECTORY"))
  }

  @Test func `the file overrides the defaults`() throws {
    let loaded = try load(file, environment: systemd)
    #expect(loaded.settings.socket.path == "/file.sock")
    #expect(loaded.settings.stateDirectory == "/file")
    #expect(loaded.settings.log.level == .error)
    #expect(loaded.origin(of: "socket.path").description == "/etc/certregd/config.yaml:1")
  }

  @Test func `variables override the file`() throws {
    let loaded = try load(file, environment: systemd.merging(variables) { $1 })
    #expect(loaded.settings.socket.path == "/variable.sock")
    #expect(loaded.settings.stateDirectory == "/variable")
    #expect(loaded.settings.log.level == .debug)
    #expect(loaded.settings.sandbox)
    #expect(loaded.settings.targets.first?.region == "eu-west-1")
    #expect(loaded.settings.targets.first?.endpoint == "http://localhost:1")
    #expect(loaded.origin(of: "socket.path") == .variable("CERTREGD_SOCKET"))
  }

  @Test func `flags override variables`() throws {
    let loaded = try load(file, environment: systemd.merging(variables) { $1 }, arguments: flags)
    #expect(loaded.settings.socket.path == "/flag.sock")
    #expect(loaded.settings.stateDirectory == "/flag")
    #expect(loaded.settings.log.level == .trace)
    #expect(loaded.settings.targets.first?.region == "us-east-1")
    #expect(loaded.settings.targets.first?.endpoint == "http://localhost:2")
    #expect(loaded.origin(of: "targets.default.region") == .flag("--region"))
  }

  @Test func `an absent flag leaves the variable's true`() throws {
    #expect(try load("sandbox: true").settings.sandbox)
    #expect(try load("sandbox: true", environment: ["CERTREGD_SANDBOX": "0"]).settings.sandbox == false)
  }

  @Test func `an empty variable counts as not set`() throws {
    #expect(
      try load(file, environment: ["CERTREGD_SOCKET": "", "CERTREGD_REGION": ""]).settings == load(file).settings)
  }

  @Test func `relative paths of flags and variables count from the working directory`() throws {
    var flags = SettingsOverrides()
    flags.socketPath = "./a.sock"
    let settings = try load(environment: ["CERTREGD_STATE_DIR": "state"], arguments: flags).settings
    #expect(settings.socket.path == "/home/me/a.sock")
    #expect(settings.stateDirectory == "/home/me/state")
  }

  @Test func `a path of the file has to be absolute`() {
    #expect(problems("stateDirectory: state").count == 1)
  }

  @Test func `every key with one value has a variable of its own`() throws {
    let names = Schema.keys.compactMap(\.variable)
    #expect(Set(names).count == names.count)
    #expect(names.contains("CERTREGD_QUEUE_MAX_ENTRIES"))
    #expect(names.contains("CERTREGD_VALIDATION_NOT_YET_VALID"))
    #expect(names.contains("CERTREGD_TARGET_RATE_PER_SECOND"))
    #expect(names.contains("CERTREGD_DEFAULT_TARGET"))
    // Writing each default into its variable changes nothing but the origin: every variable is read.
    let defaults = Schema.keys.filter { $0.variable != nil && $0.defaultText != "left out" }
    let environment = Dictionary(uniqueKeysWithValues: defaults.map { ($0.variable ?? "", $0.defaultText) })
    let loaded = try load(environment: environment)
    #expect(loaded.settings == Settings())
    for key in defaults {
      let path = key.path.replacing("targets.NAME", with: "targets.default")
      #expect(loaded.origins[path] == .variable(key.variable ?? ""), "\(path)")
    }
    // A key that is left out by default has no such text.
    for key in Schema.keys where key.variable != nil && key.defaultText == "left out" {
      let path = key.path.replacing("targets.NAME", with: "targets.default")
      let value = key.type.hasSuffix("or `none`") ? "none" : "1"
      let origin = try load(environment: [key.variable ?? "": value]).origins[path]
      #expect(origin == .variable(key.variable ?? ""), "\(path)")
    }
  }

  @Test(arguments: [
    ("CERTREGD_LOGLEVEL", "CERTREGD_LOG_LEVEL"), ("CERTREGD_TARGET_REGION", "CERTREGD_REGION"),
    ("CERTREGD_SOCKET_PATH", "CERTREGD_SOCKET"),
  ])
  func `a variable that no key has is warned of`(name: String, meant: String) throws {
    let warnings = try load(environment: [name: "debug"]).warnings.map(\.description)
    #expect(warnings == ["$\(name): no key of the configuration has this variable; did you mean \"\(meant)\"?"])
  }

  @Test func `a bad variable is named`() {
    let found = problems("{}", environment: ["CERTREGD_QUEUE_MAX_ENTRIES": "many"])
    #expect(found == ["$CERTREGD_QUEUE_MAX_ENTRIES: queue.maxEntries: \"many\" is not a whole number"])
  }
}

@Suite struct ConfigurationFileTests {
  private let text = "log: {level: debug}"

  @Test func `is the file of the flag, then of the variable, then in systemd's folder, then the usual one`() throws {
    var environment: [String: String] = [:]
    #expect(try load(text, environment: environment).configurationFile == "/etc/certregd/config.yaml")
    environment["CONFIGURATION_DIRECTORY"] = "/etc/unit:/etc/other"
    #expect(
      try load(text, environment: environment, path: "/etc/unit/config.yaml").configurationFile
        == "/etc/unit/config.yaml")
    environment["CERTREGD_CONFIG"] = "mine.yaml"
    #expect(try load(text, environment: environment, path: "/home/me/mine.yaml").settings.log.level == .debug)
    var flags = SettingsOverrides()
    flags.configurationFile = "/flag.yaml"
    #expect(
      try load(text, environment: environment, arguments: flags, path: "/flag.yaml").configurationFile == "/flag.yaml")
  }

  @Test func `may be absent if it was not named`() throws {
    let loaded = try load(nil, environment: ["CONFIGURATION_DIRECTORY": "/etc/unit"])
    #expect(loaded.settings == Settings())
    #expect(loaded.configurationFile == nil)
  }

  @Test func `must exist if it was named`() throws {
    var flags = SettingsOverrides()
    flags.configurationFile = "/gone.yaml"
    let byFlag = try #require(throws: SettingsError.self) { try load(nil, arguments: flags) }
    #expect(byFlag.description == "--config: there is no file \"/gone.yaml\"")
    let byVariable = try #require(throws: SettingsError.self) { try load(nil, environment: ["CERTREGD_CONFIG": "/x"]) }
    #expect(byVariable.description == "$CERTREGD_CONFIG: there is no file \"/x\"")
  }
}

@Suite struct AWSVariablesTests {
  private let variables = [
    "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2", "AWS_ENDPOINT_URL_IOT": "http://localhost:1",
    "AWS_ENDPOINT_URL": "http://localhost:2", "AWS_CA_BUNDLE": "/ca.pem",
  ]

  @Test func `fill keys that a target leaves out`() throws {
    let loaded = try load("targets: {a: {region: us-east-1}, b: }\ndefaultTarget: a", environment: variables)
    #expect(loaded.settings.targets.map(\.region) == ["us-east-1", "eu-west-1"])
    #expect(loaded.settings.targets.map(\.endpoint) == ["http://localhost:1", "http://localhost:1"])
    #expect(loaded.settings.targets.map(\.caFile) == ["/ca.pem", "/ca.pem"])
    #expect(loaded.origin(of: "targets.a.region").description == "/etc/certregd/config.yaml:1")
    #expect(loaded.origin(of: "targets.b.region") == .variable("AWS_REGION"))
    #expect(loaded.origin(of: "targets.a.endpoint") == .variable("AWS_ENDPOINT_URL_IOT"))
  }

  @Test func `fill the target that is there without a targets section`() throws {
    let target = try #require(try load(environment: ["AWS_DEFAULT_REGION": "eu-west-2"]).settings.targets.first)
    #expect(target.name.rawValue == "default")
    #expect(target.region == "eu-west-2")
  }

  @Test func `do not fill keys that are none on purpose`() throws {
    let target = try load("targets: {default: {endpoint: none, region: }}", environment: variables).settings.targets[0]
    #expect(target.endpoint == nil)
    #expect(target.region == "eu-west-1")
  }

  @Test func `do not set endpoints if the environment ignores them`() throws {
    let environment = variables.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
    #expect(try load(environment: environment).settings.targets[0].endpoint == nil)
  }

  @Test func `FIPS and dual stack cannot be had with an endpoint`() throws {
    let target = try load(environment: ["AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"]).settings
      .targets[0]
    #expect(target.fips == true && target.dualStack == true)
    let found = problems("targets: {default: {endpoint: \"http://localhost:1\", fips: true}}")
    #expect(found.count == 1 && found[0].hasPrefix("/c.yaml:1: targets.default.fips: cannot be true"), "\(found)")
  }

  @Test func `flags of the environment leave a target with its own endpoint alone, and say so`() throws {
    let flags = ["AWS_USE_FIPS_ENDPOINT": "True", "AWS_USE_DUALSTACK_ENDPOINT": "true"]
    let loaded = try load("targets: {a: {endpoint: \"http://localhost:1\"}, b: }\ndefaultTarget: a", environment: flags)
    #expect(loaded.settings.targets.map(\.fips) == [nil, true])
    #expect(loaded.settings.targets.map(\.dualStack) == [nil, true])
    #expect(loaded.warnings.map(\.description).contains { $0.hasPrefix("$AWS_USE_FIPS_ENDPOINT: does not concern") })
    let byVariable = flags.merging(["AWS_ENDPOINT_URL": "https://example.com"]) { $1 }
    #expect(try load(environment: byVariable).settings.targets[0].fips == nil)
  }

  @Test func `false wins over the variable`() throws {
    let flags = ["AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"]
    let target = try load("targets: {default: {fips: false, dualStack: off}}", environment: flags).settings.targets[0]
    #expect(target.fips == false && target.dualStack == false)
  }

  @Test func `values of the SDKs' variables are known as such`() throws {
    let own = try load("targets: {default: {endpoint: \"http://own\"}}", environment: variables).settings.targets[0]
    #expect(own.fromSDKVariables == [.region, .caFile])
    #expect(try load(environment: variables).settings.targets[0].fromSDKVariables == [.region, .endpoint, .caFile])
    #expect(try load(environment: ["CERTREGD_REGION": "r"]).settings.targets[0].fromSDKVariables == [])
  }
}
