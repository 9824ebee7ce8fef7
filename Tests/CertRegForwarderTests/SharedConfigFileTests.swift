import Testing

@testable import CertRegForwarder

@Suite struct SharedConfigFileTests {
  @Test(
    arguments: [
      ("[default]\nregion = eu-west-1", "default", ["region": "eu-west-1"]),
      ("[default]\r\nregion=eu-west-1\r\n", "default", ["region": "eu-west-1"]),
      ("\u{feff}[default]\na = b", "default", ["a": "b"]),
      ("[profile line-3]\na=b", "profile line-3", ["a": "b"]),
      ("[profile   \"my line\"]\na=b", "profile my line", ["a": "b"]),
      ("# c\n; c\n\n[x]\n  # c\na = 1\n;b = 2", "x", ["a": "1"]),
      ("[x]\nAWS_Access_Key_ID = K", "x", ["aws_access_key_id": "K"]),
      ("[x]\naws_session_token = a==/b+c=", "x", ["aws_session_token": "a==/b+c="]),
      ("[x]\na = one # two", "x", ["a": "one"]),
      ("[x]\na = one\t; two\nb = # two", "x", ["a": "one", "b": ""]),
      ("[x]\na = one#two;three", "x", ["a": "one#two;three"]),
      ("[x]\na = sh -c 'echo # no' \"# no\" # yes", "x", ["a": "sh -c 'echo # no' \"# no\""]),
      ("[x]\na = it's # yes", "x", ["a": "it's"]),
      ("[x]\na =", "x", ["a": ""]),
      ("[x]\na = 1\na = 2", "x", ["a": "2"]),
      ("[x]\na = 1\n[y]\nb = 2\n[x]\nc = 3", "x", ["a": "1", "c": "3"]),
      ("[x]", "x", [:]),
    ] as [(String, String, [String: String])])
  func `reads a section's settings`(text: String, section: String, values: [String: String]) throws {
    #expect(try SharedConfigFile(parsing: text).sections[section]?.values == values)
  }

  @Test func `deeper lines belong to the setting above them`() throws {
    let file = try SharedConfigFile(parsing: "[services s]\niot =\n  endpoint_url = http://h:1\nother = 2")
    #expect(file.sections["services s"]?.nested == ["iot": ["endpoint_url": "http://h:1"]])
    #expect(file.sections["services s"]?.values["other"] == "2")
  }

  @Test(arguments: [
    ("a = b", 1), ("\n\na = b", 3), ("[x\na = b", 1), ("[x]\n[]", 2), ("[x]\n[ \"\" ]", 2), ("[x]\nword", 2),
    ("[x]\n= value", 2),
  ])
  func `names the malformed line`(text: String, line: Int) {
    #expect { try SharedConfigFile(parsing: text) } throws: { ($0 as? SharedConfigFileError)?.line == line }
  }

  @Test func `an error does not repeat the line, which may hold a key`() {
    #expect { try SharedConfigFile(parsing: "[x]\nwJalrXUtnFEMI") } throws: { !"\($0)".contains("wJalr") }
  }

  @Test func `the credentials file wins over the config file, setting by setting`() throws {
    let profiles = SharedProfiles(
      config: try SharedConfigFile(
        parsing: """
          [default]
          region = r
          aws_access_key_id = old
          [profile p]
          a = 1
          [q]
          a = 1
          [sso-session s]
          a = 1
          """),
      credentials: try SharedConfigFile(parsing: "[default]\naws_access_key_id = new\n[p]\nb = 2"))
    #expect(profiles.profiles["default"]?.values == ["region": "r", "aws_access_key_id": "new"])
    #expect(profiles.profiles["p"]?.values == ["a": "1", "b": "2"])
    #expect(Set(profiles.profiles.keys) == ["default", "p"])
  }

  @Test(arguments: [
    "[default]\na = 1\nb = 1\n[profile default]\na = 2", "[profile default]\na = 2\n[default]\na = 1\nb = 1",
  ])
  func `of two forms of the default profile one counts, whatever their order`(text: String) throws {
    let profiles = SharedProfiles(config: try SharedConfigFile(parsing: text), credentials: nil)
    #expect(profiles.profiles["default"]?.values == ["a": "2"])
  }

  @Test(arguments: ["\"AKID\"", "AK ID", "AKID\r", "AKID\u{7f}", "AKIDÄ", "'AKID"])
  func `a key that cannot be one is an error that names the setting and not the key`(text: String) throws {
    for setting in ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"] {
      var values = ["aws_access_key_id": "AKID", "aws_secret_access_key": "secret"]
      values[setting] = text
      #expect {
        try ProfileKeys.credentials(SharedProfiles.Profile(name: "p", values: values))
      } throws: { error in
        guard let error = error as? CredentialsError else { return false }
        return error.code == .invalid && error.message.contains(setting) && !error.message.contains("ID")
      }
    }
  }

  @Test(arguments: [
    (["aws_access_key_id": "K"], "aws_secret_access_key"), (["aws_secret_access_key": "hidden"], "aws_access_key_id"),
    (["aws_access_key_id": "K", "aws_secret_access_key": ""], "aws_secret_access_key"),
  ])
  func `half a pair of keys is an error that names the other half`(values: [String: String], missing: String) {
    let profile = SharedProfiles.Profile(name: "p", values: values)
    #expect {
      try ProfileKeys.credentials(profile)
    } throws: { error in
      guard let error = error as? CredentialsError else { return false }
      return error.code == .invalid && error.message.contains(missing) && !error.message.contains("hidden")
    }
  }

  @Test func `a profile without keys is no source`() throws {
    #expect(try ProfileKeys.credentials(SharedProfiles.Profile(name: "p", values: ["region": "r"])) == nil)
  }
}
