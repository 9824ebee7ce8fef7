import CertRegCodec
import CertRegCore
import NIOPosix
import Synchronization

/// Credentials that a program prints (`credential_process`).
struct CredentialProcess: CredentialsProvider {
  /// A program that has printed nothing by then is ended.
  static let timeout = Duration.seconds(30)

  /// What a program sees of the daemon's environment: how to find its own files, and how to reach the network. No keys, and
  /// nothing that would let it speak to the service manager in the daemon's name.
  static let passedVariables = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "CREDENTIALS_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY",
    "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE", "AWS_CA_BUNDLE",
  ]

  let command: String
  let environment: ProcessEnvironment
  /// Where the command stands, for messages.
  let origin: String

  var summary: String { "the credential process of \(origin)" }

  func fetch() async throws(CredentialsError) -> ProvidedCredentials? {
    let words: [String]
    do throws(ShellWordsError) { words = try ShellWords.split(command) } catch {
      throw CredentialsError(.invalid, "The command line of \(origin) has a quote or backslash that does not end")
    }
    guard let program = words.first, !program.isEmpty else {
      throw CredentialsError(.invalid, "The command line of \(origin) is empty")
    }
    let result = try await run(words)
    guard result.exitStatus == 0 else {
      let words = UpstreamText(credentials: nil, authorization: nil)
        .clean(String(decoding: result.standardError, as: UTF8.self), limit: 256)
      throw CredentialsError(
        .invalid, "\(program) ended with status \(result.exitStatus)\(words.isEmpty ? "" : ": \(words)")")
    }
    guard let object = try? JSONValue(parsing: result.standardOutput) else {
      throw CredentialsError(.invalid, "\(program) did not print JSON")
    }
    guard object["Version"] == .number("1") else {
      throw CredentialsError(.invalid, "\(program) printed another version of credentials than 1")
    }
    return try CredentialFields.process.read(object, source: "\(program)", requiresToken: false)
  }

  /// Runs the program on a thread that may block, and ends it where the fetch is given up.
  private func run(_ words: [String]) async throws(CredentialsError) -> ChildProcess.Result {
    let isCancelled = CancellationFlag()
    let variables = CredentialProcess.passedVariables.compactMap { name in
      environment[name].map { "\(name)=\($0)" }
    }
    do {
      return try await withTaskCancellationHandler {
        try await NIOThreadPool.singleton.runIfActive {
          try ChildProcess.run(
            words, environment: variables, timeout: CredentialProcess.timeout, outputLimitBytes: 64 * 1024
          ) { isCancelled.isSet }
        }
      } onCancel: {
        isCancelled.set()
      }
    } catch let error as ChildProcessError {
      throw CredentialsError(error.isTransient ? .unavailable : .invalid, "\(words[0]): \(error)")
    } catch {
      throw CredentialsError(.unavailable, "\(words[0]) could not be run because the daemon is shutting down")
    }
  }
}

/// Tells a blocking call that nobody waits for it any more.
private final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .relaxed) }

  func set() { flag.store(true, ordering: .relaxed) }
}
