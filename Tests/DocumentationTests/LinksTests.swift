import Foundation
import Testing

@Suite struct LinksTests {
  @Test func `every link between documents leads somewhere`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appending(path: "docs").path)
    let documents = ["README.md"] + names.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
    #expect(documents.count > 4)
    for document in documents {
      let folder = Repository.root.appending(path: document).deletingLastPathComponent()
      for match in try Repository.text(document).matches(of: /\]\(([^)#]+)[^)]*\)/) where !match.1.hasPrefix("http") {
        let target = folder.appending(path: String(match.1))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(document): \(match.1)")
      }
    }
  }
}
