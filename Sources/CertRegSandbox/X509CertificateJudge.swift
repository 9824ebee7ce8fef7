package import CertRegCore
import CertRegCrypto
import CertRegX509

/// Judges certificates by the checks that the daemon makes as well.
package struct X509CertificateJudge: CertificateJudge {
  private let policies: ValidationPolicies

  package init(policies: ValidationPolicies = ValidationPolicies()) {
    self.policies = policies
  }

  package func judge(pem: String, at now: WallTime) throws(SandboxError) -> JudgedCertificate {
    do throws(ServiceError) {
      let der = try CertificatePEM.decode(pem, policies: policies)
      let basis = try CertificateValidator(policies: policies).validate(der: der, now: now)
      return JudgedCertificate(
        id: SHA256.digest(of: der), der: der, notBefore: basis.notBefore, notAfter: basis.notAfter)
    } catch {
      throw SandboxError(SandboxError.Kind(rawValue: error.kind.rawValue) ?? .certificateValidation, error.message)
    }
  }
}
