import CertRegCore

/// `certregctl verify`: asks the upstream about every certificate of sources and reports, and names those that are not
/// as they should be. It changes nothing.
package struct VerifyVerb {
  /// Files, folders, reports of imports, certificate IDs, ARNs, or `-`.
  package var subjects: [String]
  /// How to read files.
  package var input = InputOptions()
  /// What is expected beyond what certregd knows.
  package var expected = VerifyExpectation()
  /// The report's path, or `-` for standard output; `nil`: none is written.
  package var reportPath: String?

  package init(subjects: [String]) {
    self.subjects = subjects
  }

  /// Runs the command. Ends with `differs` where a certificate is not as expected and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    let report: VerifyReport?
    do throws(InputError) {
      report = try reportPath.flatMap { path throws(InputError) in try path == "-" ? nil : VerifyReport(path) }
    } catch {
      return session.report(error)
    }
    let connection: Connection
    do throws(ClientError) {
      connection = try session.connect()
      _ = try session.facts(on: connection)
    } catch {
      session.report(error)
      report?.discard()
      return error.exitStatus
    }
    let stream: ReportForm? = reportPath == "-" ? session.json ? .jsonLines : .csv : nil
    let run = VerifyRun(
      session, VerifySubjects(subjects, targets: session.targets, input), expected,
      VerifyOutcomes(session, report, stream))
    return run.run(on: connection)
  }
}

/// The report of a verification: the rows of what is not as it should be.
final class VerifyReport {
  let path: String
  private let form: ReportForm
  private let file: OwnedFile

  /// Creates the report, with its headings.
  ///
  /// - Throws: `InputError` `notWritable`, also where the file exists.
  init(_ path: String) throws(InputError) {
    guard !FilePath(path).exists else {
      throw InputError(
        .notWritable, "the report \(path) already exists", advice: "name another report with --report, or remove it")
    }
    self.path = path
    form = ReportForm(reportPath: path)
    file = try OwnedFile.create(path)
    if let headings = form.headings { write(headings) }
  }

  func add(_ row: ImportRecord) { write(form.line(row)) }

  /// Waits until the rows are on disk.
  ///
  /// - Returns: Why some are not; `nil`: all are.
  func finish() -> InputError? {
    file.sync()
    return file.failure
  }

  /// Removes the report, where nothing came of the verification.
  func discard() { file.remove() }

  private func write(_ line: String) { file.write(Array((line + "\n").utf8)) }
}
