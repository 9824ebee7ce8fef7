import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct TargetTests {
  @Test func `are sorted by name`() throws {
    let settings = try load("targets: {b: , c: , a: }\ndefaultTarget: c").settings
    #expect(settings.targets.map(\.name.rawValue) == ["a", "b", "c"])
    #expect(settings.defaultTarget.rawValue == "c")
  }

  @Test(arguments: [("targets: {line: }", "line"), ("targets: {line: , default: }", "default"), ("{}", "default")])
  func `the default target follows if it is unambiguous`(text: String, name: String) throws {
    #expect(try load(text).settings.defaultTarget.rawValue == name)
  }

  @Test func `the default target has to be named if it is ambiguous`() {
    #expect(
      problems("\ntargets: {a: , b: }") == [
        "/c.yaml:2: defaultTarget: is needed: there are 2 targets and none is named \"default\"; name one of a, b"
      ])
  }

  @Test func `the default target has to exist`() {
    #expect(
      problems("targets: {factory: }\ndefaultTarget: factry") == [
        "/c.yaml:2: defaultTarget: \"factry\" is none of the targets factory; did you mean \"factory\"?"
      ])
    #expect(problems("defaultTarget: factory").count == 1)
  }

  @Test func `a region of the environment does not make the target that a slip names`() {
    #expect(problems("targets: {a: }\ndefaultTarget: b", environment: ["CERTREGD_REGION": "eu-central-1"]).count == 1)
  }

  @Test(arguments: ["a b", "a.b", "ä", "\"\"", "a/b"])
  func `names are plain words`(name: String) {
    #expect(problems("targets: {\(name): {}}").count == 1)
  }

  @Test(arguments: [("5", true), ("10", true), ("10.5", false)])
  func `start at no higher a rate than their bound`(rate: String, isValid: Bool) {
    let found = problems("targets: {line: {ratePerSecond: \(rate), maxRatePerSecond: 10}}")
    #expect(found.isEmpty == isValid)
    #expect(found.allSatisfy { $0.contains("targets.line.ratePerSecond") && $0.contains("maxRatePerSecond") })
  }

  @Test func `may ask for the account's rate`() throws {
    let target = try load("targets: {line: {ratePerSecond: account, maxRatePerSecond: 5}}").settings.targets[0]
    #expect(target.asksForRate && target.ratePerSecond == nil && target.maxRatePerSecond == 5)
    #expect(try load(environment: ["CERTREGD_TARGET_RATE_PER_SECOND": "account"]).settings.targets[0].asksForRate)
    let loaded = try load("targets: {default: {ratePerSecond: account}}")
    #expect(loaded.yaml(version: "1").contains("    ratePerSecond: account  # "))
    // A number of the environment takes the place of the word.
    let variables = ["CERTREGD_TARGET_RATE_PER_SECOND": "3"]
    let other = try load("targets: {default: {ratePerSecond: account}}", environment: variables).settings.targets[0]
    #expect(!other.asksForRate && other.ratePerSecond == 3)
    #expect(
      problems("targets: {line: {ratePerSecond: acount}}") == [
        "/c.yaml:1: targets.line.ratePerSecond: \"acount\" is not a number; did you mean \"account\"?"
      ])
  }

  @Test(arguments: [
    ("{createThing: 0}", "rates.createThing: \"0\" is out of range: 0.001 to 100000"),
    ("{createThings: 5}", "rates.createThings: unknown key; did you mean \"createThing\"?"),
    ("{registerCertificateWithoutCA: 5}", "rates.registerCertificateWithoutCA: unknown key"),
    ("5", "rates: takes a section of keys"),
  ])
  func `refuse rates of other calls that are none`(rates: String, message: String) {
    let found = problems("targets: {line: {rates: \(rates)}}")
    #expect(found.count == 1 && found[0].contains(message), "\(found)")
  }

  @Test func `take rates and the profile from variables`() throws {
    let variables = ["CERTREGD_TARGET_RATES_ATTACH_POLICY": "30", "CERTREGD_TARGET_PROVISION": "sensors"]
    let loaded = try load(
      "provisioning: {sensors: {policies: p}}\ntargets: {line: {rates: {createThing: 5}, provision: none}}",
      environment: variables)
    #expect(loaded.warnings == [])
    #expect(loaded.settings.targets[0].rates == [.createThing: 5, .attachPolicy: 30])
    #expect(loaded.settings.targets[0].profile == "sensors")
  }

  @Test func `have every key of the interface`() throws {
    let text = """
      targets:
        line:
          region: eu-central-1
          endpoint: https://iot.example.com/base
          credentials: environment
          ratePerSecond: 2.5
          maxRatePerSecond: 7
          burst: 5
          rates: {createThing: 50, attachPolicy: 7.5}
          maxConcurrent: 4
          connectTimeout: 2s
          requestTimeout: 1m
          proxy: http://proxy.example.com:3128
          caFile: /etc/ssl/own.pem
          describeExisting: yes
          provision: sensors
      provisioning: {sensors: {policies: p}}
      """
    var target = TargetConfiguration(name: TargetName("line"))
    target.region = "eu-central-1"
    target.endpoint = "https://iot.example.com/base"
    target.credentials = .environment
    target.ratePerSecond = 2.5
    target.maxRatePerSecond = 7
    target.burst = 5
    target.maxConcurrent = 4
    target.connectTimeout = .seconds(2)
    target.requestTimeout = .seconds(60)
    target.proxy = "http://proxy.example.com:3128"
    target.caFile = "/etc/ssl/own.pem"
    target.describeExisting = true
    target.rates = [.createThing: 50, .attachPolicy: 7.5]
    target.profile = "sensors"
    #expect(try load(text).settings.targets == [target])
  }
}

@Suite struct CredentialsTests {
  private static let all: [(yaml: String, credentials: CredentialsConfiguration)] = [
    ("chain", .chain), ("environment", .environment), ("{environment: }", .environment),
    ("{environment: {}}", .environment),
    ("profile", .profile(name: nil, file: nil)), ("{profile: station}", .profile(name: "station", file: nil)),
    ("{profile: {name: s, file: /run/credentials/aws}}", .profile(name: "s", file: "/run/credentials/aws")),
    ("{process: /usr/bin/helper --x}", .process(command: "/usr/bin/helper --x")),
    ("{process: {command: a}}", .process(command: "a")), ("container", .container(uri: nil)),
    ("{container: \"http://localhost:1/x\"}", .container(uri: "http://localhost:1/x")),
    ("instanceMetadata", .instanceMetadata(endpoint: nil)),
    (
      "{webIdentity: {roleArn: \"arn:aws:iam::1:role/x\", tokenFile: /t, sessionName: line-7}}",
      .webIdentity(roleARN: "arn:aws:iam::1:role/x", tokenFile: "/t", sessionName: "line-7")
    ),
    (
      "{assumeRole: {roleArn: \"arn:aws:iam::1:role/x\", externalId: e/2}}",
      .assumeRole(roleARN: "arn:aws:iam::1:role/x", sourceProfile: nil, sessionName: nil, externalID: "e/2")
    ),
    (
      "{iotProvider: {endpoint: c.example.com, roleAlias: r, certificateFile: /c, privateKeyFile: /k}}",
      .iotProvider(
        endpoint: "c.example.com", roleAlias: "r", thingName: nil, certificateFile: "/c", privateKeyFile: "/k",
        caFile: nil)
    ),
    (
      "{rolesAnywhere: {trustAnchorArn: \"arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a\", profileArn: "
        + "\"arn:aws:rolesanywhere:eu-west-1:1:profile/b\", roleArn: \"arn:aws:iam::1:role/x\", certificateFile: /c, "
        + "privateKeyFile: /k, chainFile: /i}}",
      .rolesAnywhere(
        trustAnchorARN: "arn:aws:rolesanywhere:eu-west-1:1:trust-anchor/a",
        profileARN: "arn:aws:rolesanywhere:eu-west-1:1:profile/b", roleARN: "arn:aws:iam::1:role/x",
        certificateFile: "/c",
        privateKeyFile: "/k", chainFile: "/i")
    ),
  ]

  @Test(arguments: all)
  func `are read`(yaml: String, credentials: CredentialsConfiguration) throws {
    let loaded = try load("targets: {default: {credentials: \(yaml)}}")
    #expect(loaded.settings.targets[0].credentials == credentials)
    #expect(try load(loaded.yaml(version: "1")).settings == loaded.settings)
  }

  @Test func `can be named by a variable`() throws {
    let loaded = try load(environment: ["CERTREGD_TARGET_CREDENTIALS": "instanceMetadata"])
    #expect(loaded.settings.targets[0].credentials == .instanceMetadata(endpoint: nil))
  }

  @Test(arguments: [
    ("chian", "did you mean \"chain\"?"), ("[chain]", "not a list"), ("{}", "names no provider"),
    ("{profil: x}", "did you mean \"profile\"?"), ("{profile: a, process: b}", "is a second provider beside profile"),
    ("process", "credentials.process: needs command"), ("{process: {comand: x}}", "did you mean \"command\"?"),
    ("{assumeRole: x}", "takes a section of keys"), ("{assumeRole: {roleArn: role/x}}", "is not an ARN of iam"),
    ("{webIdentity: {roleArn: \"arn:aws:iam::1:role/x\"}}", "needs tokenFile"),
    ("{profile: {file: relative}}", "is not an absolute path"),
    ("{iotProvider: {endpoint: \"http://c\", roleAlias: r, certificateFile: /c, privateKeyFile: /k}}", "https://"),
  ])
  func `are refused if they are ambiguous`(yaml: String, message: String) {
    let found = problems("targets: {default: {credentials: \(yaml)}}")
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test func `name each field that is missing`() {
    #expect(problems("targets: {default: {credentials: rolesAnywhere}}").count == 5)
  }
}

@Suite struct AccessTests {
  @Test func `rules are read`() throws {
    let text = """
      targets: {line: , lab: }
      defaultTarget: line
      access:
        rules:
          - user: 1000
            operations: [register, lookup]
            targets: line
            requestsPerSecond: 5
            queueShare: 25%
          - group: certregd
            unit: line@7.service
          - user: "*"
            operations: status
      """
    var first = AccessRule()
    first.user = .number(1000)
    first.operations = [.register, .lookup]
    first.targets = ["line"]
    first.requestsPerSecond = 5
    first.queueShare = 0.25
    var second = AccessRule()
    second.group = .name("certregd")
    second.unit = "line@7.service"
    var third = AccessRule()
    third.user = .any
    third.operations = [.status]
    #expect(try load(text).settings.access?.rules == [first, second, third])
  }

  @Test func `may be written as a list`() throws {
    let rules = "[{user: root}]"
    #expect(try load("access: \(rules)").settings == load("access: {rules: \(rules)}").settings)
  }

  /// A file whose rules were commented out keeps the section's name.
  @Test(arguments: [
    "access:", "access: ~", "access: null", "access: none", "access: {}", "access: []", "access: ''",
    "access: {rules: }",
    "access: {rules: []}", "access: {rules: none}", "validation: &a\naccess: *a", "access: {<<: {}}",
  ])
  func `a section without rules is refused`(text: String) {
    #expect(problems(text).contains { $0.contains("access") }, "\(problems(text))")
  }

  @Test(arguments: ["{}", ""])
  func `without the section everybody may do everything`(text: String) throws {
    #expect(try load(text).settings.access == nil)
  }

  /// Readers would expect `none` to match nobody, but an unset key matches every peer and grants everything.
  @Test(
    arguments: ["user", "group", "unit", "operations", "targets", "provision", "requestsPerSecond", "queueShare"],
    ["none", "", "null", "~"])
  func `a rule's keys cannot be none or empty`(key: String, value: String) {
    let others = ["user", "group", "unit"].contains(key) ? "operations: [status]" : "user: root"
    for text in ["{\(key): \(value), \(others)}", "{group: root, \(key): \(value)}"] {
      let found = problems("access: [\(text)]")
      // The reader of YAML refuses duplicate keys, too.
      #expect(found.contains { $0.contains("access.rules[0].\(key)") || $0.contains("twice") }, "\(text): \(found)")
    }
  }

  @Test(arguments: [
    ("[]", "has no rules"), ("{}", "has no rules"), ("[{}]", "names no user, group or unit"), ("root", "takes a list"),
    ("[root]", "takes a section of keys"), ("[{user: root, targets: [lab]}]", "is none of the targets default"),
    ("[{user: root, operations: [regster]}]", "did you mean \"register\"?"),
    ("none", "cannot be none"), ("{rules: none}", "takes a list"),
    ("[{user: root, operations: []}]", "is an empty list"), ("[{usr: root}]", "did you mean \"user\"?"),
    ("[{user: root, queueShare: 2}]", "out of range"),
  ])
  func `is refused if it is ambiguous`(yaml: String, message: String) {
    let found = problems("access: \(yaml)")
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }
}
