import CertRegCore
import CertRegForwarder
import CertRegProtocol
import CertRegTesting
import CertRegX509
import Foundation
import Testing

/// Compares docs/errors.md with the code.
@Suite struct ErrorsTests {
  /// The modules that can put an error on the wire.
  private static let modules = [
    "CertRegCodec", "CertRegCore", "CertRegDaemon", "CertRegForwarder", "CertRegHost", "CertRegProtocol",
    "CertRegSandbox", "CertRegSocket", "CertRegStore", "CertRegX509",
  ]
  private static let example = "example of `message`"

  private struct Row {
    let reason: String
    /// Cells by the headings of their columns.
    let cells: [String: String]
    var message: String { cells[ErrorsTests.example]?.inCode ?? "" }
  }

  private static func rows() throws -> [Row] {
    MarkdownTable.all(in: try Repository.text("docs/errors.md"), firstColumn: "`reason`").flatMap { table in
      table.rows.map { row in
        Row(reason: row[0].inCode, cells: Dictionary(zip(table.header, row), uniquingKeysWith: { first, _ in first }))
      }
    }
  }

  /// The reasons that the sources give as literals.
  private static func literals() throws -> Set<String> {
    var reasons: Set<String> = []
    for module in modules {
      for source in try Repository.sources(of: module) {
        for match in source.matches(of: /Reason\(rawValue: "([a-z0-9_]+)"\)/) { reasons.insert(String(match.1)) }
      }
    }
    return reasons
  }

  private static func reasons() throws -> Set<String> {
    try literals().union(RequestReason.allCases.map(\.rawValue)).union(CertificateReason.allCases.map(\.rawValue))
      .union(FailureReason.allCases.map(\.rawValue))
  }

  @Test func `every reason of the code has a row`() throws {
    let missing = try Self.reasons().subtracting(Self.rows().map(\.reason))
    #expect(missing.isEmpty, "\(missing.sorted())")
  }

  @Test func `no row has a reason that the code does not have`() throws {
    let unknown = Set(try Self.rows().map(\.reason)).subtracting(try Self.reasons())
    #expect(unknown.isEmpty, "\(unknown.sorted())")
  }

  @Test func `the reasons that are written out are found`() throws {
    #expect(try Self.literals().isSuperset(of: ["draining", "too_many_connections", "upstream_refused", "store_full"]))
  }

  @Test func `every row has an example that the sources can make`() throws {
    let templates = try Self.modules.flatMap { try Repository.sources(of: $0) }
      .flatMap { MessageTemplate.all(in: $0) }.filter { $0.length >= 14 }
    #expect(templates.count > 300)
    for row in try Self.rows() {
      #expect(!row.message.isEmpty, "\(row.reason): no example")
      // Many messages contain shorter pieces by chance.
      let least = min(20, row.message.count * 2 / 5)
      let isMade = templates.contains { $0.length >= least && $0.occurs(in: row.message) }
      #expect(isMade, "\(row.reason): \(row.message)")
    }
  }

  @Test func `every policy of certificates is named with its default`() throws {
    let cells = try Self.rows().compactMap { $0.cells["policy (default)"] }
    let documented = Set(cells.filter { $0 != "-" })
    let expected = Set(ValidationPolicy.allCases.map { "`\($0.rawValue)` (\($0.defaultChoice.rawValue))" })
    #expect(documented == expected)
  }

  @Test func `every type has its status`() throws {
    let tables = MarkdownTable.all(in: try Repository.text("docs/errors.md"), firstColumn: "`type`")
    let rows = tables.flatMap(\.rows)
    for kind in ServiceError.Kind.allCases {
      let row = rows.first { $0[0].contains("`\(kind.rawValue)`") }
      #expect(row?[1] == "\(kind.httpStatus)", "\(kind.rawValue)")
    }
  }

  // MARK: Errors that can be made here

  /// A refused line for each reason of the grammar and of the members.
  private static let lines: [(RequestReason, [UInt8])] = [
    (.notAnObject, Array("[]".utf8)), (.invalidJSON, Array(#"{"op":status}"#.utf8)),
    (.invalidUTF8, Array(#"{"id":""#.utf8) + [0xff] + Array(#""}"#.utf8)),
    (.byteOrderMark, [0xef, 0xbb, 0xbf] + Array("{}".utf8)), (.trailingData, Array(#"{"op":"status"}{}"#.utf8)),
    (.nestingTooDeep, Array((#"{"id":"# + String(repeating: "[", count: 32)).utf8)),
    (.loneSurrogate, Array(#"{"op":"lookup","certificatePem":"\ud800"}"#.utf8)),
    (.unknownMember, Array(#"{"certificatePem":"x","staus":"ACTIVE"}"#.utf8)),
    (.duplicateMember, Array(#"{"op":"status","op":"status"}"#.utf8)),
    (.missingMember, Array(#"{"op":"forget"}"#.utf8)),
    (
      .conflictingMembers,
      Array(#"{"op":"lookup","certificatePem":"x","certificateId":"\#(String(repeating: "0", count: 64))"}"#.utf8)
    ),
    (.invalidType, Array(#"{"certificatePem":"x","wait":"no"}"#.utf8)),
    (.invalidValue, Array(#"{"certificatePem":"x","status":"ACTVE"}"#.utf8)),
    (.unknownOperation, Array(#"{"op":"regster"}"#.utf8)), (.invalidID, Array(#"{"id":1e400,"op":"status"}"#.utf8)),
  ]

  private static func refusal(_ line: [UInt8]) -> ServiceError? {
    line.withUnsafeBytes { bytes in
      do throws(LineError) {
        _ = try LineParser.parse(bytes)
        return nil
      } catch { return error.error }
    }
  }

  @Test func `the examples of refused lines are the parser's messages`() throws {
    let rows = try Self.rows()
    for (reason, line) in Self.lines {
      let error = Self.refusal(line)
      #expect(error?.reason.rawValue == reason.rawValue)
      #expect(rows.first { $0.reason == reason.rawValue }?.message == error?.message)
    }
    // These two do not come from a line's content.
    let others: Set<RequestReason> = [.lineTooLong, .unfinishedLine]
    #expect(Set(Self.lines.map(\.0)).union(others) == Set(RequestReason.allCases))
  }

  @Test func `the document's statements on numbers, names and depth are true`() {
    func refusal(_ line: String) -> String? { Self.refusal(Array(line.utf8))?.reason.rawValue }
    let deepest = #"{"id":"# + String(repeating: "[", count: 31) + String(repeating: "]", count: 31) + "}"
    #expect(refusal(deepest) == "invalid_id")
    #expect(refusal(#"{"op":"status","id":-12.50e+3}"#) == nil)
    #expect(refusal(#"{"op":"status","\u0069d":1,"id":1}"#) == "duplicate_member")
    for value in ["1e3", "1000.0", "1e400", "0", "300001", "-1"] {
      #expect(refusal(#"{"certificatePem":"x","timeoutMs":\#(value)}"#) == "invalid_value", "\(value)")
    }
    #expect(refusal(#"{"certificatePem":1e400}"#) == "invalid_type")
    #expect(refusal(#"{"certificatePem":"\u0000"}"#) == nil)
    #expect(refusal("{\"certificatePem\":\"\0\"}") == "invalid_json")
    #expect(refusal(#"{"certificatePem":"x","target":[]}"#) == "invalid_value")
  }

  private static let registration = Registration(
    key: RegistrationKey(certificateID: CertificateID(), target: TargetName("default")), certificateARN: "arn",
    outcome: .created, status: .inactive, requestID: nil, finishedAt: WallTime(secondsSinceEpoch: 0),
    basis: VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 1), policyFingerprint: 0))

  /// The daemon's own errors, made with the daemon's own functions.
  private static let daemonErrors: [ServiceError] = [
    .draining, .startFailed, .notFound, .tooManyDescribes(limit: 64),
    .queueFull(limit: 100_000), .queueShareFull(limit: 5000),
    .alreadyExists(registration), .certificateRevoked(registration.key.certificateID),
    .callerRateExceeded(perSecond: 50, retryAfterMilliseconds: 20), .peerNotAllowed("forget to user 1000"),
    .queueExpired(
      lastError: ServiceError(
        .serviceUnavailable, reason: "upstream_unavailable", message: "AWS IoT is not available (HTTP 503)")),
    .deadlineExceeded(
      lastError: ServiceError(.throttling, reason: "throttled_by_upstream", message: "Rate exceeded")),
    .statusDiffers(registration, known: .inactive, named: .active),
    .unknownTarget("factroy", known: [TargetName("factory"), TargetName("default")]),
    ServiceError(StoreError(.full, message: "")), ServiceError(StoreError(.failed, message: "")),
    LineError.lineTooLong(limitBytes: 1 << 20).error,
  ]

  @Test(arguments: daemonErrors)
  func `the daemon's own errors are as documented`(_ error: ServiceError) throws {
    let row = try #require(try Self.rows().first { $0.reason == error.reason.rawValue })
    #expect(row.message == error.message)
    // The tables of requests and certificates name their one type in the text above.
    if let type = row.cells["`type`"] {
      #expect(type == "`\(error.kind.rawValue)`")
      #expect(row.cells["retryable"] == (error.retryable ? "yes" : "no"))
    } else {
      #expect(error.kind == .invalidRequest)
      #expect(!error.retryable)
    }
  }

  @Test func `the examples for texts without a certificate are the decoder's messages`() throws {
    let rows = try Self.rows()
    let begin = "-----BEGIN CERTIFICATE-----\n"
    let end = "-----END CERTIFICATE-----\n"
    let block = begin + "AAAA\n" + end
    let texts: [(CertificateReason, String)] = [
      (.empty, ""), (.tooLarge, String(repeating: "A", count: 65_537)),
      (.notPEM, String(repeating: "A", count: 80)), (.truncatedBase64, begin + "AAAA\n"),
      (.noCertificate, begin + end), (.multipleCertificates, block + block),
      (.wrongPEMLabel, block.replacing("CERTIFICATE", with: "CERTIFICATE REQUEST")),
      (.extraPEMBlock, block + block.replacing("CERTIFICATE", with: "EC PARAMETERS")),
    ]
    for (reason, text) in texts {
      let error = #expect(throws: ServiceError.self) {
        try CertificatePEM.decode(text, policies: ValidationPolicies())
      }
      #expect(error?.reason.rawValue == reason.rawValue)
      #expect(rows.first { $0.reason == reason.rawValue }?.message == error?.message)
    }
  }
}
