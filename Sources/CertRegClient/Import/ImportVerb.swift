import CertRegCodec
package import CertRegCore
import CertRegCrypto

/// `certregctl import`: registers the certificates of a large source, with a report that it can be resumed from.
package struct ImportVerb {
  package var source: String
  package var format: ImportFormat?
  package var column: String?
  /// Files with the certificates of those whose signatures a Microchip manifest must have; empty: they are not checked.
  package var signerPaths: [String] = []
  package var status: CertificateStatus?
  package var ifExists: IfExists?
  package var wait = true
  /// Asks the daemon to validate only; registers nothing.
  package var isDryRun = false
  /// Where the report goes; `nil`: a name made from the source's, and none for a dry run.
  package var reportPath: String?
  package var resumes = false
  /// The words of the command line after `import`, to tell how to go on.
  package var arguments: [String] = []
  /// Whether somebody asked to stop.
  package var isInterrupted: () -> Bool = { false }
  /// How long a daemon that went away is waited for.
  package var patience = Duration.seconds(60)
  /// The first pause before trying again; each later one is twice as long, up to 30 s.
  package var firstPause = Duration.milliseconds(500)

  package init(source: String) {
    self.source = source
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    let run: ImportRun
    do throws(InputError) {
      let signers = try readSigners()
      let (kind, entries) = try ImportFormat.open(source, format: format, column: column, signers: signers)
      if kind == .microchip, signers.isEmpty, !session.json {
        session.console.note("\(source): signatures are not checked; --signer names who may have signed the manifest")
      }
      if kind != .microchip, !signers.isEmpty {
        throw InputError(.otherContent, "--signer is for Microchip manifests, and this is \(kind.rawValue)")
      }
      let (report, history) = try openReport()
      if history.count > 0 {
        session.console.note("\(history.count) certificates are done already and are passed over")
      }
      run = ImportRun(
        self, session: session, format: kind, source: entries, report: report, history: history)
    } catch {
      session.console.note("\("certregctl:", .red) \(source): \(error.message)")
      if let advice = error.advice { session.console.note("  \("→", .cyan) \(advice)") }
      return error.exitStatus
    }
    return run.run()
  }

  private func readSigners() throws(InputError) -> [SignerCertificate] {
    var signers: [SignerCertificate] = []
    for path in signerPaths {
      do throws(InputError) {
        let file = try CertificateFile(content: try FileReader.contents(of: FilePath(path)))
        for entry in file.entries {
          guard let der = PEMText(Array(entry.pem.utf8)).blocks.first?.content else {
            throw InputError(.noCertificate, "no certificate")
          }
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

  private func openReport() throws(InputError) -> (ImportReport?, ImportHistory) {
    if isDryRun, reportPath == nil { return (nil, ImportHistory()) }
    let (report, history) = try ImportReport.open(path: reportPath ?? defaultReportPath, resuming: resumes)
    return (report, history)
  }

  /// `batch.csv` gives `batch.import.csv`, in the current folder.
  package var defaultReportPath: String {
    let path = source == "-" ? "stdin" : source
    let last = path.split(separator: "/").last.map(String.init) ?? "import"
    let stem = last.lastIndex(of: ".").flatMap { $0 > last.startIndex ? String(last[..<$0]) : nil } ?? last
    return (stem == "." || stem == ".." ? "folder" : stem) + ".import.csv"
  }

  /// The request for one certificate.
  func request(pem: String, _ session: Session) -> Request {
    if isDryRun { return Request("validate", [("certificatePem", .string(pem))]) }
    var register = RegisterVerb(paths: [])
    register.status = status
    register.ifExists = ifExists
    register.wait = wait
    return register.request(pem: pem, session)
  }

  /// The command that goes on where this one stopped: the same, with `--resume`.
  var resumeCommand: String {
    let words = arguments.isEmpty ? [source] : arguments
    return (["certregctl", "import", "--resume"] + words.filter { $0 != "--resume" }.map(\.quotedForShell))
      .joined(separator: " ")
  }
}

extension String {
  /// The text as one word of a shell's command line.
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
