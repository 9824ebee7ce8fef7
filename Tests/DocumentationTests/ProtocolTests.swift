import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegProtocol

/// The members of docs/protocol.md against the parser's.
@Suite struct ProtocolTests {
  @Test func `each member is documented with the operations that take it, and no other is`() throws {
    let table = try #require(
      MarkdownTable.all(in: try Repository.text("docs/protocol.md"), firstColumn: "member").first)
    let documented = Dictionary(uniqueKeysWithValues: table.rows.map { ($0[0].inCode, $0[1]) })
    let names = Set(Member.allCases.map { "\($0.name)" })
    #expect(Set(documented.keys) == names)
    for member in Member.allCases {
      let takers = RequestOperation.allCases.filter { $0.members.union(.common).contains(member) }
      let all = takers.count == RequestOperation.allCases.count
      let expected = all ? "all" : takers.map { "`\($0.rawValue)`" }.joined(separator: ", ")
      #expect(documented["\(member.name)"]?.trimmingCharacters(in: .whitespaces) == expected, "\(member.name)")
    }
  }
}
