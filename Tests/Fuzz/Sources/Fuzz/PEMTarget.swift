import COpenSSL
import CertRegCodec
import CertRegCore
import CertRegX509

/// The verdict on the text, compared with OpenSSL's reader.
enum PEMTarget {
  private static let now = WallTime(secondsSinceEpoch: 1_795_478_400)
  private static let allowing = ValidationPolicies.all(.allow)
  private static let rejecting = ValidationPolicies.all(.reject)
  private static let asOpenSSL: ValidationPolicies = {
    var policies = allowing
    policies[.pemStrictness] = .openssl
    return policies
  }()

  static func run(_ input: UnsafeRawBufferPointer) -> Int32 {
    let allowed = decode(input, allowing)
    let openssl = decode(input, asOpenSSL)
    let byDefault = decode(input, ValidationPolicies())
    let rejected = decode(input, rejecting)
    // Laxer policies accept everything that stricter ones accept, with the same bytes.
    require(rejected == nil || rejected == byDefault, "taken by strict policies alone")
    require(byDefault == nil || byDefault == openssl, "taken by the default policies alone")
    require(openssl == nil || openssl == allowed, "taken where OpenSSL's ways count alone")
    if input.count <= CertificatePEM.maximumCharacters {
      let theirs = readByOpenSSL(input)
      if let openssl {
        require(openssl == theirs, "OpenSSL reads other bytes, or none")
      } else if let allowed {
        require(allowed != theirs, "refused for a form that OpenSSL takes")
      }
    }
    // A blank line sends plain PEM through the full parser, and changes nothing.
    if input.first != 0xef, input.count < CertificatePEM.maximumCharacters {
      let shifted = withExactCopy([0x0a] + Array(input)) { decode($0, allowing) }
      require(shifted == allowed, "a blank line before the text counts")
    }
    for policies in [allowing, ValidationPolicies(), rejecting] { checkReport(on: input, policies) }
    if let allowed { checkRoundTrip(allowed) }
    return 0
  }

  /// The bytes of the certificate; `nil` if the text is refused.
  private static func decode(_ text: UnsafeRawBufferPointer, _ policies: ValidationPolicies) -> [UInt8]? {
    let outcome = withinProcessorTime { () -> Result<[UInt8], ServiceError> in
      do throws(ServiceError) {
        return .success(try CertificatePEM.decode(text, policies: policies))
      } catch { return .failure(error) }
    }
    switch outcome {
    case .success(let der):
      require(!der.isEmpty && der.count <= text.count / 4 * 3, "\(der.count) bytes from \(text.count)")
      return der
    case .failure(let error):
      require(CertificateReason(rawValue: error.reason.rawValue)?.kind == error.kind, "\(error)")
      requirePrintable(error.message)
      require(error.message.utf8.count < 400, "a long message: \(error.message)")
      return nil
    }
  }

  /// `validate` and `register` judge a text the same.
  private static func checkReport(on text: UnsafeRawBufferPointer, _ policies: ValidationPolicies) {
    let validator = CertificateValidator(policies: policies)
    let report = withinProcessorTime { validator.report(on: text, now: now) }
    var refusal: ServiceError?
    do throws(ServiceError) {
      _ = try validator.validate(der: try CertificatePEM.decode(text, policies: policies), now: now)
    } catch { refusal = error }
    require(report.refusal == refusal, "refused with \(String(describing: refusal)), but examined as \(report)")
    require(report.examination != nil || refusal != nil, "accepted and not examined")
    for finding in report.findings { requirePrintable(finding.message) }
  }

  private static func readByOpenSSL(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    defer { ERR_clear_error() }
    let input = BIO_new_mem_buf(text.baseAddress, Int32(text.count))
    defer { BIO_free(input) }
    var bytes: UnsafeMutablePointer<UInt8>?
    var length = 0
    guard PEM_bytes_read_bio(&bytes, &length, nil, "CERTIFICATE", input, nil, nil) == 1 else { return nil }
    defer { certreg_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: length))
  }

  /// Every policy accepts plain PEM of the same bytes.
  private static func checkRoundTrip(_ der: [UInt8]) {
    let plain = PEM.certificate(der: der)
    guard plain.utf8.count <= CertificatePEM.maximumCharacters else { return }
    let again = withExactCopy(Array(plain.utf8)) { decode($0, rejecting) }
    require(again == der, "plain PEM is not read back")
  }
}
