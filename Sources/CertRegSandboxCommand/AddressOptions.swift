import ArgumentParser
import CertRegSandbox
import Glibc

struct AddressOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Address to listen on.", valueName: "address"))
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("Port to listen on; 0 for any free port.", valueName: "number"))
  var port = 8080

  @Option(help: ArgumentHelp("Address and port, in place of --host and --port.", valueName: "address:port"))
  var listen: String?

  @Flag(help: "Print only the port, in place of the line with the URL.")
  var printPort = false

  @Option(help: ArgumentHelp("Serve HTTPS with this certificate chain (PEM).", valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The certificate's private key (PEM).", valueName: "file"))
  var tlsKey: String?

  var boundHost: String { split?.host ?? host }
  var boundPort: Int { split?.port ?? port }

  /// `HOST:PORT`, where HOST may be an IPv6 address in brackets.
  private var split: (host: String, port: Int)? {
    guard let listen, let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...])
    else { return nil }
    var host = listen[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    return host.isEmpty ? nil : (String(host), port)
  }

  func validate() throws {
    if listen != nil, split == nil { throw ValidationError("--listen takes ADDRESS:PORT, such as 127.0.0.1:8080") }
    guard (0...65_535).contains(boundPort) else { throw ValidationError("A port is a number from 0 to 65535") }
    if (tlsCertificate == nil) != (tlsKey == nil) {
      throw ValidationError("--tls-certificate and --tls-key go together")
    }
  }

  /// The certificate and key for TLS; `nil` for plain HTTP.
  func serverIdentity() throws -> ServerIdentity? {
    guard let tlsCertificate, let tlsKey else { return nil }
    do {
      return try ServerIdentity(certificateFile: tlsCertificate, keyFile: tlsKey)
    } catch {
      for file in [tlsCertificate, tlsKey] where access(file, R_OK) != 0 {
        throw Exit.failure(EX_NOINPUT, "cannot read \(file): \(String(cString: strerror(errno)))")
      }
      throw Exit.failure(
        EX_NOINPUT,
        "cannot use \(tlsCertificate) with \(tlsKey): both have to be PEM, the key that of the certificate (\(error))")
    }
  }
}
