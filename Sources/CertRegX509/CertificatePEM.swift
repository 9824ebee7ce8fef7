package import CertRegCore

/// The text half of the verdict: from `certificatePem` to the DER of its one certificate.
///
/// A parser of RFC 7468 of our own, in time linear in the text, that allocates the result alone. Where a text lies
/// outside the grammar, the policy `pem_strictness` says whether it is taken: `openssl` takes what `PEM_read_bio_X509`
/// takes.
package enum CertificatePEM {
  /// Most characters of `certificatePem` (API reference, RegisterCertificateWithoutCA).
  package static let maximumCharacters = 65_536

  /// Decodes `text`, the UTF-8 of `certificatePem` with JSON's escapes already resolved.
  ///
  /// - Throws: `InvalidRequestException` where the length is out of range, else `CertificateValidationException`, with
  ///   a reason of ``CertificateReason``.
  package static func decode(
    _ text: UnsafeRawBufferPointer, policies: ValidationPolicies
  ) throws(ServiceError) -> [UInt8] {
    var findings = FindingCollector(policies: policies, isExhaustive: false)
    return try decode(text, &findings)
  }

  /// Decodes `text` and reports what policies govern.
  static func decode(
    _ text: UnsafeRawBufferPointer, _ findings: inout FindingCollector
  ) throws(ServiceError) -> [UInt8] {
    if let der = PlainPEM.decode(text) { return der }
    try checkLength(text, &findings)
    return try PEMText(text).certificate(&findings)
  }

  private static func checkLength(
    _ text: UnsafeRawBufferPointer, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    var codePoints = 0
    var utf16Units = 0
    for byte in text where byte & 0xc0 != 0x80 {
      codePoints += 1
      utf16Units += byte >= 0xf0 ? 2 : 1
    }
    guard codePoints > 0 else {
      throw CertificateReason.empty.error("certificatePem is empty; 1 to \(maximumCharacters) characters are required")
    }
    guard codePoints <= maximumCharacters else {
      throw CertificateReason.tooLarge.error(
        "certificatePem has \(codePoints) characters; at most \(maximumCharacters) are allowed")
    }
    if max(utf16Units, text.count) > maximumCharacters {
      try findings.report(
        .tooLarge, under: [.lengthUnit],
        "certificatePem has \(codePoints) characters, but \(utf16Units) UTF-16 units and \(text.count) bytes; "
          + "at most \(maximumCharacters) of each are allowed", source: "validation policy length_unit")
    }
  }

  /// Decodes `text`, a value of `certificatePem`.
  ///
  /// - Throws: ``ServiceError`` with the first thing that is wrong with the text.
  package static func decode(_ text: String, policies: ValidationPolicies) throws(ServiceError) -> [UInt8] {
    var contiguous = text
    let outcome: Result<[UInt8], ServiceError> = contiguous.withUTF8 { utf8 in
      do throws(ServiceError) {
        return .success(try decode(UnsafeRawBufferPointer(utf8), policies: policies))
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }
}
