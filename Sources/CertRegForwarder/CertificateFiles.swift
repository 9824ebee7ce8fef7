import CertRegCore
import NIOSSL
import Synchronization

/// Reads files of certificates for TLS. Thousands of targets can name the same file, so that each version of a file is
/// parsed once.
final class CertificateFiles: Sendable {
  /// The files of this process.
  static let shared = CertificateFiles()

  /// So many files are kept.
  private static let maximumFiles = 16

  private struct Parsed {
    var version: FileVersion
    var certificates: [NIOSSLCertificate]
  }

  private let files: HostFiles
  /// By path.
  private let parsed = Mutex<[String: Parsed]>([:])

  init(_ files: HostFiles = .system) {
    self.files = files
  }

  /// The certificates of a file in PEM form.
  ///
  /// - Throws: `TransportConfigurationError` if the file cannot be read or has none. A pipe is an error and does not
  ///   hang.
  func certificates(_ path: String) throws(TransportConfigurationError) -> [NIOSSLCertificate] {
    let version = files.version(path)
    if let known = parsed.withLock({ $0[path] }), known.version == version { return known.certificates }
    var cause: ErrorCause?
    do {
      let certificates = try NIOSSLCertificate.fromPEMBytes(try files.read(path))
      if let version, !certificates.isEmpty {
        parsed.withLock { parsed in
          if parsed.count >= CertificateFiles.maximumFiles { parsed.removeAll() }
          parsed[path] = Parsed(version: version, certificates: certificates)
        }
      }
      if !certificates.isEmpty { return certificates }
    } catch {
      cause = ErrorCause("\(error)")
    }
    throw TransportConfigurationError(
      description: "\(path) is not a readable file of certificates in PEM form", cause: cause)
  }
}
