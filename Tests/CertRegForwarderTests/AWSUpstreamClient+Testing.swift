import CertRegCore

@testable import CertRegForwarder

extension AWSUpstreamClient {
  func registerCertificateWithoutCA(_ call: RegisterCertificateCall) async -> UpstreamReply {
    await perform(.registerCertificateWithoutCA(call))
  }
}
