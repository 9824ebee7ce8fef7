import FoundationEssentials

/// A folder for one test. It is deleted with the value.
final class TemporaryFolder {
  private let url: URL

  init() throws {
    url = URL(filePath: FileManager.default.temporaryDirectory.path)
      .appending(path: "certreg-sandbox-tests-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  func path(_ name: String) -> String {
    url.appending(path: name).path
  }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path(name)))
  }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  func setRights(_ rights: Int, of name: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: rights], ofItemAtPath: path(name))
  }

  func rights(of name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int
  }

  func contains(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: path(name))
  }
}
