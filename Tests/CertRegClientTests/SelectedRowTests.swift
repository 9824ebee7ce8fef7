import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// What `--only` and `--check-cn` do where reports and IDs name the certificates.
@Suite struct SelectedRowTests {
  private static func id(_ number: UInt8) -> String { SHA256.digest(of: Sample.certificate(number)).hex }

  /// A report with the devices d1 to d5. The name of d4 is not its common name, and d5 has failed.
  private static func report(_ folder: TemporaryFolder, _ name: String) throws -> String {
    var records = (UInt8(1)...4).map { number in
      var record = ImportRecord(name: "x:\(number)", certificateID: id(number), outcome: "created", target: "default")
      record.deviceID = "d\(number)"
      record.commonName = number == 4 ? "other" : "d\(number)"
      return record
    }
    var failed = ImportRecord(name: "x:5", outcome: ImportRecord.failed, reason: "no_certificate")
    failed.deviceID = "d5"
    records.append(failed)
    let form = ReportForm(reportPath: name)
    let lines = (form.headings.map { [$0] } ?? []) + records.map(form.line)
    return try folder.write(name, lines.joined(separator: "\n") + "\n")
  }

  private typealias Run = @Sendable ([String], InputOptions, Session) -> CommandStatus

  /// A verb, with the operation of its requests.
  private static func verb<Verb>(
    _ operation: String, _ input: any WritableKeyPath<Verb, InputOptions> & Sendable,
    _ make: @escaping @Sendable ([String]) -> Verb, _ run: @escaping @Sendable (Verb, Session) -> CommandStatus
  ) -> (String, Run) {
    (
      operation,
      { subjects, options, session in
        var verb = make(subjects)
        verb[keyPath: input] = options
        return run(verb, session)
      }
    )
  }

  private static let verbs: [(String, Run)] = [
    verb("update", \.input, { UpdateVerb(subjects: $0, status: .revoked) }, { $0.run($1) }),
    verb("lookup", \.input, { LookupVerb(subjects: $0) }, { $0.run($1) }),
    verb("describe", \.input, { DescribeVerb(subjects: $0) }, { $0.run($1) }),
    verb("forget", \.input, { ForgetVerb(subjects: $0) }, { $0.run($1) }),
    verb("describe", \.input, { VerifyVerb(subjects: $0) }, { $0.run($1) }),
  ]

  /// The IDs that a verb sends in its requests, and what it prints.
  private func run(
    _ index: Int, _ subjects: [String], _ options: InputOptions
  ) throws -> (ids: [String], output: String, status: CommandStatus) {
    let (operation, verb) = SelectedRowTests.verbs[index]
    let requests = Mutex<[JSON]>([])
    let daemon = try FakeDaemon(answering: { request in
      requests.withLock { $0.append(request) }
      return JSON.answer(
        to: request,
        [
          ("certificateId", request["certificateId"] ?? .null), ("state", .string("registered")),
          ("outcome", .string("updated")), ("status", .string("ACTIVE")),
        ])
    })
    let capture = Capture()
    let status = verb(subjects, options, Session(socketPath: daemon.path, console: capture.console()))
    let sent = requests.withLock { $0 }.filter { $0["op"]?.string == operation }
    return (sent.compactMap { $0["certificateId"]?.string }.sorted(), capture.output + capture.errors, status)
  }

  @Test(arguments: ["r.csv", "r.jsonl"], 0..<5)
  func `--only takes the rows of a report that are on the list`(name: String, verb: Int) throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.onlyPath = try folder.write("list.txt", "d2\n\(Self.id(3).uppercased())\nd9\n")
    let result = try run(verb, [Self.report(folder, name)], options)
    #expect(result.ids == [Self.id(2), Self.id(3)].sorted())
    #expect(result.status == .dataError && result.output.contains("d9"))
    #expect(result.output.contains("3 passed over"))
  }

  @Test(arguments: 0..<5)
  func `all sources together have the devices of the list`(verb: Int) throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.onlyPath = try folder.write("list.txt", "d1\nd7\nd8\n")
    let table = try folder.write("a.csv", "id,cert\nd7,\(Base64.encode(Sample.certificate(7)))\n")
    let result = try run(verb, [Self.report(folder, "r.csv"), table], options)
    if verb != 1 { #expect(result.ids == [Self.id(1), Self.id(7)].sorted()) }
    #expect(result.output.contains("d8") && !result.output.contains("d7: "))
    #expect(result.output.components(separatedBy: "not in the source").count == 2)
  }

  @Test(arguments: 0..<5)
  func `--check-cn fails the rows of a report whose common name is another one`(verb: Int) throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.checksCommonName = true
    let result = try run(verb, [Self.report(folder, "r.csv")], options)
    #expect(result.ids == (UInt8(1)...3).map(Self.id).sorted())
    #expect(result.status == .dataError && result.output.contains("the common name is other"))
  }

  @Test(arguments: 0..<5)
  func `an ID with an option that needs the device's name is an error`(verb: Int) throws {
    let folder = try TemporaryFolder()
    var only = InputOptions()
    only.onlyPath = try folder.write("list.txt", "d1\n")
    var check = InputOptions()
    check.checksCommonName = true
    for options in [only, check] {
      for subject in [Sample.id, Sample.arn] {
        let result = try run(verb, [subject], options)
        #expect(result.ids.isEmpty && result.status == .usage)
        #expect(result.output.contains("does not tell the device's name"))
      }
    }
  }

  @Test(arguments: 0..<5)
  func `a list that cannot be read takes nothing`(verb: Int) throws {
    let folder = try TemporaryFolder()
    var options = InputOptions()
    options.onlyPath = folder.path("none")
    let result = try run(verb, [Self.report(folder, "r.csv")], options)
    #expect(result.ids.isEmpty && result.status == .noInput)
  }
}
