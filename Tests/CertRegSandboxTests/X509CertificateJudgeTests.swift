import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// Checks which of AWS's errors a refusal becomes. The verdict on certificates has tests of its own.
@Suite struct X509CertificateJudgeTests {
  @Test(
    arguments: [
      ("", .invalidRequest), ("nonsense", .certificateValidation),
      ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", .certificateValidation),
      ("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n", .certificateValidation),
    ] as [(String, SandboxError.Kind)])
  func `a refusal becomes the error of the API reference`(pem: String, kind: SandboxError.Kind) {
    let error = #expect(throws: SandboxError.self) {
      try X509CertificateJudge().judge(pem: pem, at: ManualClock.start)
    }
    #expect(error?.kind == kind)
    #expect(error?.message.isEmpty == false)
  }
}
