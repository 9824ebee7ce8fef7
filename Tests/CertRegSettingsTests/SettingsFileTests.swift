import Foundation
import Testing

@testable import CertRegSettings

@Suite struct SettingsFileTests {
  @Test func `reads a file`() throws {
    let bytes = [UInt8]((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
    try inFolder { folder in
      let file = folder.appending(path: "c.yaml")
      try Data(bytes).write(to: file)
      let read = try SettingsFile.read(file.path)
      #expect(read == bytes)
    }
  }

  @Test func `reads just enough of a large file to refuse it`() throws {
    try inFolder { folder in
      let file = folder.appending(path: "c.yaml")
      try Data(count: 3 << 20).write(to: file)
      let count = try SettingsFile.read(file.path)?.count ?? 0
      #expect(count > ConfigurationReader.limitBytes)
      #expect(count < 2 << 20)
    }
  }

  @Test func `a missing file is no error`() throws {
    try inFolder { folder in
      let gone = try SettingsFile.read(folder.appending(path: "gone").path)
      #expect(gone == nil)
      let belowFile = try SettingsFile.read("/dev/null/c.yaml")
      #expect(belowFile == nil)
    }
  }

  @Test func `a folder is an error`() throws {
    try inFolder { folder in
      let error = #expect(throws: SettingsError.self) { try SettingsFile.read(folder.path) }
      #expect(error?.description == "\(folder.path): cannot be read: Is a directory")
    }
  }

  @Test func `a pipe without a writer is empty`() throws {
    try inFolder { folder in
      let pipe = folder.appending(path: "pipe").path
      #expect(mkfifo(pipe, 0o600) == 0)
      let read = try SettingsFile.read(pipe)
      #expect(read == [])
    }
  }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }
}
