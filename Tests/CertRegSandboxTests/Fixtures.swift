import CertRegCore
import CertRegCrypto
import CertRegSandbox
import CertRegTesting

/// A made-up certificate: the register reads only its digest and dates.
func certificate(_ number: Int) -> JudgedCertificate {
  let der = Array("certificate \(number)".utf8)
  return JudgedCertificate(
    id: SHA256.digest(of: der), der: der, notBefore: WallTime(secondsSinceEpoch: 1_000),
    notAfter: WallTime(secondsSinceEpoch: 4_000_000_000))
}

/// The text that `StubJudge` accepts as `certificate(number)`.
func pem(_ number: Int) -> String {
  "certificate \(number)"
}

/// Accepts `certificate N` as a good certificate and refuses all other texts.
struct StubJudge: CertificateJudge {
  func judge(pem: String, at now: WallTime) throws(SandboxError) -> JudgedCertificate {
    guard pem.hasPrefix("certificate "), let number = Int(pem.dropFirst(12)) else {
      throw SandboxError(.certificateValidation, "The certificate is invalid")
    }
    return certificate(number)
  }
}

extension ManualClock {
  /// 2026-11-24T08:09:10Z.
  static let start = WallTime(secondsSinceEpoch: 1_795_507_750)

  /// A clock that stands at ``start``.
  static func atStart() -> ManualClock {
    ManualClock(Moment(monotonic: MonotonicTime(nanoseconds: 0), wall: start))
  }
}

extension SandboxRegister {
  /// Checks a registration and makes it.
  mutating func register(
    _ certificate: JudgedCertificate, status: CertificateStatus? = nil, at now: WallTime = ManualClock.start
  ) throws(SandboxError) {
    apply(try registration(of: certificate, status: status, at: now, generationID: UniqueID(1, 2)))
  }
}
