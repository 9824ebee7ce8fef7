import CertRegSettings
import Synchronization
import Testing

/// The file at a reload, after it was read at the start.
@Suite struct ReplacedFileTests {
  private func reload(_ first: String?, _ second: String?) throws(SettingsError) -> LoadedSettings {
    let texts = Texts([first, second])
    let loader = SettingsLoader(
      environment: [:], arguments: SettingsOverrides(), workingDirectory: "/"
    ) { (_) throws(SettingsError) -> [UInt8]? in texts.next().map { Array($0.utf8) } }
    return try loader.load(replacing: try loader.load())
  }

  private final class Texts: Sendable {
    private let left: Mutex<[String?]>

    init(_ texts: [String?]) {
      left = Mutex(texts)
    }

    func next() -> String? { left.withLock { $0.removeFirst() } }
  }

  private static let rules = "access: [{user: root}]\n"

  @Test(arguments: [nil, "", "\n", "# no rules\n", "---\n", "~\n", "{}\n"])
  func `a file with rules of access that is gone or has no key is refused`(text: String?) {
    let error = #expect(throws: SettingsError.self) { _ = try reload(Self.rules, text) }
    #expect(error?.description.contains(text == nil ? "is gone" : "has no key") == true)
  }

  @Test func `a reload that takes the rules of access away is warned of`() throws {
    for text in ["log: {level: debug}\n", "socket:\n"] {
      let loaded = try reload(Self.rules, text)
      #expect(loaded.settings.access == nil)
      #expect(loaded.warnings.filter { $0.key == "access" }.count == 1)
    }
    #expect(try reload(Self.rules, Self.rules).warnings.isEmpty)
    #expect(try reload(nil, "log: {level: debug}\n").warnings.isEmpty)
  }

  @Test func `a file may come, stay away, and change`() throws {
    #expect(try reload(nil, nil).settings.access == nil)
    #expect(try reload(nil, Self.rules).settings.access != nil)
    #expect(try reload("", "").settings.access == nil)
    #expect(try reload("log: {level: debug}\n", "").settings.log.level == .info)
  }
}
