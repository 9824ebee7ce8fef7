import CertRegSandbox
import CertRegSigV4
import Testing

@Suite struct KeyPairListTests {
  @Test func `reads key pairs of users and of sessions`() throws {
    let list = try KeyPairList(["AKID1:secret/+=", "ASIA2:secret2:token:with:colons=="])
    #expect(
      list.credentials == [
        SigningCredentials(accessKeyID: "AKID1", secretAccessKey: "secret/+="),
        SigningCredentials(accessKeyID: "ASIA2", secretAccessKey: "secret2", sessionToken: "token:with:colons=="),
      ])
  }

  @Test func `reads a file, a key pair a line`() throws {
    let folder = try TemporaryFolder()
    try folder.write("# for the tests\n\nAKID1:one\r\n  ASIA2:two:token \t\n".utf8, to: "keys")
    let list = try KeyPairList(["AKID0:zero", "@" + folder.path("keys")])
    #expect(list.credentials.map(\.accessKeyID) == ["AKID0", "AKID1", "ASIA2"])
    #expect(list.credentials.map(\.secretAccessKey) == ["zero", "one", "two"])
    #expect(list.credentials.map(\.sessionToken) == [nil, nil, "token"])
  }

  @Test(arguments: ["", "AKIDSECRET", ":secret", "AKIDSECRET:", "AKIDSECRET:secret:", "@/no/such/file"])
  func `refuses malformed key pairs without repeating them`(argument: String) {
    let error = #expect(throws: KeyPairListError.self) { try KeyPairList([argument]) }
    #expect(error?.message.contains("AKIDSECRET") == false)
    #expect(error?.message.contains("secret") == false)
  }

  @Test func `names the line of a file that is wrong`() throws {
    let folder = try TemporaryFolder()
    try folder.write("AKID1:one\nAKIDSECRET\n".utf8, to: "keys")
    let error = #expect(throws: KeyPairListError.self) { try KeyPairList(["@" + folder.path("keys")]) }
    #expect(error?.message.contains("line 2 of ") == true)
    try folder.write("# nothing\n".utf8, to: "none")
    #expect(throws: KeyPairListError.self) { try KeyPairList(["@" + folder.path("none")]) }
  }
}
