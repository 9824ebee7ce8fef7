import CertRegCore
import Testing

/// The version stands in `Version.swift` and in what packages and documents take it from.
@Suite struct VersionTests {
  private func first(_ expression: Regex<(Substring, Substring)>, in path: String) throws -> String {
    String(try #require(try Repository.text(path).firstMatch(of: expression)).1)
  }

  @Test func `packages and documents have the version of the programs`() throws {
    #expect(try first(/^certregd \((.*?)\)/, in: "debian/changelog") == Version.current)
    #expect(try first(/%changelog\n\* .* - (.*)-1\n/, in: "rpm/certregd.spec") == Version.current)
    #expect(try first(/certregd_(.*?)_amd64\.deb/, in: "docs/operations.md") == Version.current)
    #expect(try first(/certregd-(.*?)-1\.x86_64\.rpm/, in: "docs/operations.md") == Version.current)
  }
}
