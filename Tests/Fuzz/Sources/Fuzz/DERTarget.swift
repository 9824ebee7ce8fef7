import COpenSSL
import CertRegCore
import CertRegCrypto
import CertRegX509

/// The verdict on the bytes of a certificate.
enum DERTarget {
  private static let now = WallTime(secondsSinceEpoch: 1_795_478_400)
  private static let allowing = CertificateValidator(policies: .all(.allow), seenKeys: SeenKeys(capacity: 16))
  private static let byDefault = CertificateValidator(policies: ValidationPolicies())
  private static let rejecting = CertificateValidator(policies: .all(.reject), seenKeys: SeenKeys(capacity: 16))

  static func run(_ input: UnsafeRawBufferPointer) -> Int32 {
    let der = Array(input)
    let allowed = check(der, allowing)
    let accepted = check(der, byDefault)
    let strictly = check(der, rejecting)
    // Laxer policies accept everything that stricter ones accept.
    require(!strictly || accepted, "taken by strict policies alone")
    require(!accepted || allowed, "taken by the default policies alone")
    if accepted { checkIdentity(der) }
    return 0
  }

  /// Whether `validator` accepts the certificate. `examine` has to agree.
  private static func check(_ der: [UInt8], _ validator: CertificateValidator) -> Bool {
    let verdict = withinProcessorTime { () -> Result<VerdictBasis, ServiceError> in
      do throws(ServiceError) {
        return .success(try validator.validate(der: der, now: now))
      } catch { return .failure(error) }
    }
    let examination = withinProcessorTime { () -> Result<CertificateExamination, ServiceError> in
      do throws(ServiceError) {
        return .success(try validator.examine(der: der, now: now))
      } catch { return .failure(error) }
    }
    switch (verdict, examination) {
    case (.success(let basis), .success(let examination)):
      require(examination.refusal == nil && examination.basis == basis, "examined otherwise: \(examination)")
      check(examination, of: der)
      return true
    case (.failure(let error), .success(let examination)):
      require(examination.refusal == error, "\(error), but examined as \(examination)")
      check(examination, of: der)
    case (.failure(let error), .failure(let other)):
      require(error == other, "\(error), but examined as \(other)")
      require(CertificateReason(rawValue: error.reason.rawValue)?.kind == error.kind, "\(error)")
      requirePrintable(error.message)
    case (.success, .failure(let error)):
      fatalError("accepted, but examined as \(error)")
    }
    return false
  }

  private static func check(_ examination: CertificateExamination, of der: [UInt8]) {
    require(examination.certificateID == SHA256.digest(of: der), "another certificateId")
    for finding in examination.findings {
      requirePrintable(finding.message)
      require(finding.message.utf8.count < 400, "a long message: \(finding.message)")
    }
    let description = examination.description
    for name in [description.subject, description.issuer] {
      for attribute in name.attributes { requirePrintable(attribute.type + attribute.value) }
    }
    requirePrintable(description.serialNumber + description.signatureAlgorithm + description.publicKey.algorithm)
    requirePrintable(description.publicKey.curve ?? "")
  }

  /// OpenSSL reads the same certificate from the bytes, encodes it as these bytes and gives it the same fingerprint.
  private static func checkIdentity(_ der: [UInt8]) {
    defer { ERR_clear_error() }
    var digest = [UInt8](repeating: 0, count: 32)
    let isSame = der.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      guard let certificate = d2i_X509(nil, &position, bytes.count) else { return false }
      defer { X509_free(certificate) }
      var encoded: UnsafeMutablePointer<UInt8>?
      let length = i2d_X509(certificate, &encoded)
      defer { certreg_free(encoded) }
      return UnsafeBufferPointer(start: encoded, count: Int(length)).elementsEqual(der)
        && X509_digest(certificate, EVP_sha256(), &digest, nil) == 1
    }
    require(isSame, "OpenSSL reads another certificate, or none")
    require(SHA256.digest(of: der).bytes == digest, "another fingerprint")
  }
}
