import CertRegCodec
import CertRegCore
import Glibc
import Synchronization

/// Credentials that a program prints (`credential_process`).
struct CredentialProcess: CredentialsProvider {
  /// A program that still runs after this time is killed.
  static let timeout = Duration.seconds(30)

  /// The variables that a program gets from the daemon's environment: they lead to its own files and to the network. It
  /// gets no keys, and nothing that would let it speak to the service manager in the daemon's name.
  static let passedVariables = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CREDENTIALS_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY",
    "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE", "AWS_CA_BUNDLE",
  ]

  let command: String
  let environment: ProcessEnvironment
  /// Where the command is configured, for messages.
  let origin: String
  let clock: HostClock
  /// Whether programs may not map memory that is both writable and executable.
  var deniesWritableCode: @Sendable () -> Bool = { WritableCode.isDenied }

  var summary: String { "the credential process of \(origin)" }

  /// Runs the program, and once more where it printed credentials that had ended: it may have noticed by then.
  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let first = try await fetchOnce()
    guard let end = first.expiration, end <= clock.wall else { return first }
    let provided = try await fetchOnce()
    guard let end = provided.expiration, end <= clock.wall else { return provided }
    throw CredentialsError(
      .invalid,
      "\(provided.source) printed credentials that ended at \(end.rfc3339), by this host's clock (\(clock.wall.rfc3339))"
    )
  }

  private func fetchOnce() async throws(CredentialsError) -> ProvidedCredentials {
    let words: [String]
    do throws(ShellWordsError) { words = try ShellWords.split(command) } catch {
      throw CredentialsError(.invalid, "The command line of \(origin) has a quote or backslash that does not end")
    }
    guard let first = words.first, !first.isEmpty else {
      throw CredentialsError(.invalid, "The command line of \(origin) is empty")
    }
    // `PASSWORD=… helper`, with which a shell would set a variable, is a program's name here.
    let program = UpstreamText(secrets: environment.secrets).clean(first)
    let result = try await run(words, program: program)
    guard result.exitStatus == 0 else {
      let words = complaint(result)
      throw CredentialsError(
        .invalid, "\(program) ended with status \(result.exitStatus)\(words.isEmpty ? "" : ": \(words)")")
    }
    guard let object = try? JSONValue(parsing: result.standardOutput) else {
      throw CredentialsError(.invalid, "\(program) did not print JSON")
    }
    guard object["Version"] == .number("1") else {
      throw CredentialsError(
        .invalid, "\(program) printed credentials without `\"Version\": 1`, the only version that certregd reads")
    }
    return try CredentialFields.process.read(object, source: "\(program)", requiresToken: false)
  }

  /// The program's standard error without secrets: those of the daemon's environment, of the command line and of the
  /// program's output, and all that looks like one. The trace of a shell (`set -x`) shows secrets of any form, also on
  /// lines that do not look like its own, so that everything from its first line on is left out.
  private func complaint(_ result: ChildProcess.Result) -> String {
    var secrets = environment.secrets.adding(lookalikesIn: command)
    if let object = try? JSONValue(parsing: result.standardOutput) {
      for name in [CredentialFields.process.secretAccessKey, CredentialFields.process.sessionToken] {
        secrets = secrets.adding(object[name]?.string)
      }
    }
    let lines = String(decoding: result.standardError, as: UTF8.self).split(whereSeparator: \.isNewline)
    // The first character of PS4 is repeated for each level of nesting (POSIX Shell Command Language, section 2.5.3).
    let isTrace = { (line: Substring) in line.hasPrefix("+") }
    let words = UpstreamText(secrets: secrets).clean(lines.prefix { !isTrace($0) }.joined(separator: "\n"), limit: 256)
    let note = lines.contains(where: isTrace) ? "(the trace of a shell is not shown, since it may hold secrets)" : ""
    return [words, note].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// Runs the program, and kills it if the fetch is cancelled.
  private func run(_ words: [String], program: String) async throws(CredentialsError) -> ChildProcess.Result {
    let isCancelled = CancellationFlag()
    let variables = CredentialProcess.passedVariables.compactMap { name in
      environment[name].map { "\(name)=\($0)" }
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation {
        (continuation: CheckedContinuation<Result<ChildProcess.Result, ChildProcessError>, Never>) in
        let isStarted = DetachedThread.run { [clock] in
          let limits = ChildProcess.Limits(timeout: Self.timeout, outputBytes: 64 * 1024, clock: clock) {
            isCancelled.isSet
          }
          do throws(ChildProcessError) {
            continuation.resume(
              returning: .success(try ChildProcess.run(words, environment: variables, limits: limits)))
          } catch {
            continuation.resume(returning: .failure(error))
          }
        }
        if !isStarted { continuation.resume(returning: .failure(.notStarted(errno: EAGAIN))) }
      }
    } onCancel: {
      isCancelled.set()
    }
    do throws(ChildProcessError) { return try result.get() } catch {
      throw CredentialsError(error.isTransient ? .unavailable : .invalid, "\(program): \(error)\(advice(error))")
    }
  }

  /// What may have caused the end of a program by a signal. The sandbox of a service applies to the programs that the
  /// service starts, and compilers that run with the program end in such a way where they get no memory for code.
  private func advice(_ error: ChildProcessError) -> String {
    guard case .killed(let signal) = error, [SIGABRT, SIGTRAP, SIGSEGV, SIGSYS].contains(signal), deniesWritableCode()
    else { return "" }
    return "; MemoryDenyWriteExecute=yes of the service applies to it, too, and ends Node.js, Java and .NET in this way"
  }
}

/// Tells a thread that its result is not wanted any more.
private final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .relaxed) }

  func set() { flag.store(true, ordering: .relaxed) }
}
