import CertRegCore
import Testing

@testable import CertRegSettings

/// `none` has one meaning for all settings: no value, and nothing takes its place.
@Suite struct NoneTests {
  /// Everything that fills settings from elsewhere.
  private static let environment = [
    "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL_IOT": "https://variable",
    "AWS_ENDPOINT_URL": "https://variable", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/ca.pem", "HTTPS_PROXY": "http://proxy:1", "RUNTIME_DIRECTORY": "/run/x", "STATE_DIRECTORY": "/x",
  ]

  /// A configuration that says nothing but that a key is `none`.
  private func file(_ path: String) -> String {
    if path.hasPrefix("access.rules[]."), !path.hasSuffix("user") {
      return "access: [{user: \"*\", \(path.split(separator: ".")[2]): none}]"
    }
    return path.split(separator: ".").reversed().reduce("none") { inner, part in
      part.hasSuffix("[]") ? "{\(part.dropLast(2)): [\(inner)]}" : "{\(part): \(inner)}"
    }
  }

  @Test(arguments: Schema.keys.map(\.path))
  func `a setting is none, or refuses to be`(path: String) throws {
    let key = try #require(Schema.keys.first { $0.path == path })
    let found = problems(file(path), environment: Self.environment)
    guard key.type.hasSuffix("or `none`") else {
      let place = path.replacing("[]", with: "[0]")
      #expect(found.contains { $0.contains("\(place): cannot be none") || $0.hasSuffix(", not none") }, "\(found)")
      return
    }
    #expect(found == [])
    let loaded = try load(file(path), environment: Self.environment)
    let name = String(path.split(separator: ".").last ?? "")
    let lines = loaded.yaml(version: "1").split(separator: "\n").filter { $0.contains("\(name): ") }
    // The one setting whose `none` has a number.
    let shown = path == "socket.maxConnectionsPerUser" ? "65536" : "none"
    #expect(lines.contains { $0.contains("\(name): \(shown)  # /etc/certregd/config.yaml:1") }, "\(lines)")
  }

  @Test func `only a file is told how to write the word itself`() {
    #expect(problems("socket: {group: none}").first?.hasSuffix("(for the word in quotes, write \"none\")") == true)
    #expect(problems("{}", environment: ["CERTREGD_SOCKET_GROUP": "none"]).first?.hasSuffix("cannot be none") == true)
  }

  @Test func `every setting of a target that something fills can be none`() throws {
    let members = InheritedSetting.allCases.map { "\($0.rawValue): none" }.joined(separator: ", ")
    let target = try load("targets: {default: {\(members)}}", environment: Self.environment).settings.targets[0]
    #expect(target.withoutValue == Set(InheritedSetting.allCases))
    #expect(target.region == nil && target.endpoint == nil && target.fips == nil && target.dualStack == nil)
    #expect(target.ratePerSecond == nil && target.caFile == nil && target.proxy == nil)
  }

  @Test func `a setting that is left out is printed as such, and is filled again when the print is read`() throws {
    let text = try load().yaml(version: "1")
    #expect(text.contains("    region: null  # default"))
    let target = try load(text, environment: Self.environment).settings.targets[0]
    #expect(target.region == "eu-west-1" && target.caFile == "/ca.pem")
  }
}
