import Testing

@testable import CertRegClient

@Suite struct PrintedConfigurationTests {
  private let printed = PrintedConfiguration(
    #"""
    # from /etc/certregd/config.yaml
    stateDirectory: "/var/lib/a b\x26c\U0001f600\"\\"  # line 3
    defaultStatus: null  # default
    socket:
      url: wrong  # line 7
    fleet:
      url: "postgresql://l@db/f?a=b\x26c=d"  # line 4
      member: none  # default
    """#)

  @Test func `values are read as they were printed`() {
    #expect(printed.value("stateDirectory") == "/var/lib/a b&c😀\"\\")
    #expect(printed.value("defaultStatus") == "null")
    #expect(printed.value("url", in: "fleet") == "postgresql://l@db/f?a=b&c=d")
    #expect(printed.value("member", in: "fleet") == "none")
  }

  @Test func `keys that are not there have no value`() {
    #expect(printed.value("url") == nil)
    #expect(printed.value("member", in: "socket") == nil)
    #expect(PrintedConfiguration("x: \"y").value("x") == nil)
    #expect(PrintedConfiguration("x: \"\\x4").value("x") == nil)
  }
}
