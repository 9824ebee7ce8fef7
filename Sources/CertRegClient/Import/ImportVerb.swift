import CertRegCodec
package import CertRegCore
import CertRegCrypto
import Glibc

/// `certregctl import`: registers the certificates of a large source, with a report from which it can be resumed.
package struct ImportVerb {
  /// A file or folder, or `-` for standard input.
  package var source: String
  /// How to read the source.
  package var input = InputOptions()
  /// Files with the certificates that may sign a Microchip manifest; empty: signatures are not checked.
  package var signerPaths: [String] = []
  /// The status to register with; `nil`: the daemon's default.
  package var status: CertificateStatus?
  /// Whether a certificate that the upstream already has is an error; `nil`: the daemon's default.
  package var ifExists: IfExists?
  /// The profile to apply; `nil`: the one that a kept request asks for, else the target's own.
  package var provision: ProfileChoice?
  /// Waits for the upstream; otherwise only until requests are safe on the daemon's disk.
  package var wait = true
  /// Asks the daemon to validate only; registers nothing.
  package var isDryRun = false
  /// The report's path, or `-` for standard output; `nil`: a name made from the source's, and no report for a dry run.
  package var reportPath: String?
  /// Continues the report of an earlier run, if there is one.
  package var resumes = false
  /// The words of the command line after `import`, to print how to resume.
  package var arguments: [String] = []
  /// Whether the user asked to stop.
  package var isInterrupted: () -> Bool = { false }
  /// How long to wait for a daemon that went away.
  package var patience = Duration.seconds(60)
  /// The first pause before another try. Each later one is twice as long, up to 30 s.
  package var firstPause = Duration.milliseconds(500)

  package init(source: String) {
    self.source = source
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    do throws(InputError) {
      let signers = try readSigners()
      var entries = try InputSource([source], options: input, signers: signers, isInterrupted: isInterrupted)
      try entries.openFirst()
      let report = try openReport()
      do throws(InputError) {
        return try run(session, entries, report)
      } catch {
        report?.discard()
        throw error
      }
    } catch {
      if isInterrupted() {
        session.console.note("stopped; nothing was sent")
        return .interrupted
      }
      return session.report(error, file: source)
    }
  }

  private func run(
    _ session: Session, _ entries: InputSource, _ report: ImportReport?
  ) throws(InputError) -> CommandStatus {
    let connection: Connection
    let facts: DaemonFacts
    do throws(ClientError) {
      connection = try session.connect()
      facts = try session.facts(on: connection)
    } catch {
      session.report(error)
      report?.discard()
      return error.exitStatus
    }
    let targets = try askedTargets(session, facts, report)
    if let report {
      try report.begin(asking: targets)
      let done = report.doneBefore
      // Of the done ones, those that are not selected are passed over for that reason.
      if done > 0, !asksAgain, !isSelecting { session.console.note(ImportVerb.passedOver(done)) }
    }
    let run = ImportRun(
      self, session: session, source: entries, report: report, facts: facts, targets: targets)
    return run.run(on: connection)
  }

  private static func passedOver(_ done: Int) -> TerminalText {
    done == 1
      ? "1 certificate is done already and is passed over"
      : "\(done) certificates are done already and are passed over"
  }

  /// Whether the options leave out devices of the source.
  private var isSelecting: Bool { input.onlyPath != nil || input.set != nil }

  /// Whether to ask for certificates that the report calls registered, too: it does not tell their status, or which
  /// profile was applied with which values. The daemon does, from its cache.
  var asksAgain: Bool { (status != nil || provision != nil || !input.attributes.isEmpty) && !isDryRun }

  /// The names of all targets that the import is for. The history of a report is by target, so the name of the default
  /// target has to be known where there is one.
  private func askedTargets(
    _ session: Session, _ facts: DaemonFacts, _ report: ImportReport?
  ) throws(InputError) -> [String] {
    if !session.targets.isEmpty { return session.targets }
    if let name = facts.defaultTarget { return [name] }
    guard report?.history.isEmpty ?? true else {
      throw InputError(
        .otherContent, "certregd does not tell which target is its default, so what is done there cannot be told",
        advice: "name the target with --target")
    }
    return []
  }

  /// The form of the report on standard output; `nil`: it goes elsewhere.
  func reportStream(json: Bool) -> ReportForm? { reportPath == "-" ? json ? .jsonLines : .csv : nil }

  private func readSigners() throws(InputError) -> [SignerCertificate] {
    var signers: [SignerCertificate] = []
    for path in signerPaths {
      do throws(InputError) {
        let content = try FileReader.contents(of: FilePath(path))
        let pieces = content.first == 0x30 ? Piece.pieces(ofDER: content) : Value.pieces(content)
        let encodings = pieces.compactMap(\.certificate?.der)
        guard !encodings.isEmpty else { throw InputError(.noCertificate, "no certificate") }
        for der in encodings {
          do throws(SignerCertificate.Fault) {
            signers.append(try SignerCertificate(der: der))
          } catch {
            throw InputError(.noCertificate, error.description)
          }
        }
      } catch {
        throw InputError(error.code, "--signer \(path): \(error.message)", advice: error.advice)
      }
    }
    return signers
  }

  private func openReport() throws(InputError) -> ImportReport? {
    if isDryRun, reportPath == nil { return nil }
    if reportPath == "-" {
      guard resumes else { return nil }
      throw InputError(
        .notWritable, "a report on standard output cannot be continued", advice: "name a file with --report")
    }
    let identity = source == "-" ? FileIdentity(descriptor: STDIN_FILENO) : FileIdentity(path: source)
    return try ImportReport(
      path: reportPath ?? defaultReportPath, resuming: resumes, isDryRun: isDryRun, isSelecting: isSelecting,
      source: identity)
  }

  /// The report's path where none is given: `batch.csv` gives `batch.import.csv`, in the current folder.
  package var defaultReportPath: String {
    let path = source == "-" ? "stdin" : source
    let last = path.split(separator: "/").last.map(String.init) ?? "import"
    let stem = last.lastIndex(of: ".").flatMap { $0 > last.startIndex ? String(last[..<$0]) : nil } ?? last
    return (stem == "." || stem == ".." ? "folder" : stem) + ".import.csv"
  }

  /// The request for one certificate and these targets; none stand for the daemon's default target.
  func request(pem: String, _ device: DeviceDetails, targets: [String], timeout: Duration?) -> Request {
    if isDryRun { return Request("validate", [("certificatePem", .string(pem))]) }
    var register = RegisterVerb(paths: [])
    register.status = status
    register.ifExists = ifExists
    register.wait = wait
    return register.request(pem: pem, device, targets: targets, timeout: timeout)
  }

  /// The command that tries the entries of a file of failed ones again. The file has their profiles and attributes.
  func retryCommand(_ path: String, _ session: Session) -> String {
    var words = ["certregctl", "import", path]
    if arguments.contains(where: { $0 == "--socket" || $0.hasPrefix("--socket=") }) {
      words += ["--socket", session.socketPath]
    }
    if input.includesAuthorities { words.append("--include-ca") }
    // Otherwise what these options have refused would be registered.
    if let column = input.nameColumn { words += ["--name-column", column] }
    if input.checksCommonName { words.append("--check-cn") }
    if !wait { words.append("--no-wait") }
    if let status { words += ["--status", status.rawValue] }
    if let ifExists { words += ["--if-exists", ifExists.rawValue] }
    for target in session.targets { words += ["--target", target] }
    return words.map(\.quotedForShell).joined(separator: " ")
  }

  /// The command that continues where this one stopped: the same, with `--resume`.
  var resumeCommand: String {
    let words = arguments.isEmpty ? [source] : arguments
    return (["certregctl", "import", "--resume"] + words.filter { $0 != "--resume" }.map(\.quotedForShell))
      .joined(separator: " ")
  }
}

extension String {
  /// The text as one word of a shell's command line (POSIX.1 XCU section 2.2).
  var quotedForShell: String {
    let plain = utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: "@"):
        true
      default: false
      }
    }
    if plain, !isEmpty { return self }
    return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
