import NIOSSL

/// The certificate chain and key that a server answers with over TLS.
package struct ServerIdentity: Sendable {
  let context: NIOSSLContext

  /// Reads both from PEM files. TLS 1.2 is the oldest version that is spoken.
  ///
  /// - Throws: What is wrong with the files.
  package init(certificateFile: String, keyFile: String) throws {
    let chain = try NIOSSLCertificate.fromPEMFile(certificateFile)
    let key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    context = try NIOSSLContext(configuration: configuration)
  }
}
