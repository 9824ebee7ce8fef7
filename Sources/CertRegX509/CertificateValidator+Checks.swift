import CertRegCore

extension CertificateValidator {
  /// The outcome for a certificate whose fields can be read.
  struct Judgement {
    var notBefore: WallTime?
    var notAfter: WallTime?
    var key: KeyFingerprint
    var description: CertificateDescription?
  }

  /// Runs the checks in order, from the outer encoding inwards.
  ///
  /// - Returns: `nil` for a certificate whose fields cannot be read because they are encoded in BER, and which policies
  ///   allow.
  func judge(
    _ der: [UInt8], now: WallTime, _ findings: inout FindingCollector
  ) throws(ServiceError) -> Judgement? {
    guard der.count <= CertificateValidator.maximumBytes else {
      throw CertificateReason.tooLarge.error(
        "the certificate has \(der.count) bytes; at most \(CertificateValidator.maximumBytes) are allowed")
    }
    let isDefinite = try checkFrame(der)
    var refusal = ""
    guard let certificate = try OpenSSLCertificate(der: der, reason: &refusal) else {
      throw malformed("the bytes are no X.509 certificate (OpenSSL: \(refusal))")
    }
    guard isDefinite else {
      try findings.report(
        .malformedDER, under: [.nonCanonicalDER],
        "the certificate has an indefinite length (BER); DER is required", source: "X.690 section 10.1")
      try ExtensionCheck.report(.unknown, &findings)
      return nil
    }
    if certificate.encodedLength < der.count {
      throw CertificateReason.trailingData.error(
        "\(der.count - certificate.encodedLength) bytes follow the certificate inside the base64; none may")
    }
    try checkEncoding(der, certificate, &findings)
    let fields: CertificateFields
    do throws(DERReader.Fault) {
      fields = try CertificateFields(der: der)
    } catch {
      try findings.report(
        .malformedDER, under: [.nonCanonicalDER, .parserStrictness],
        "a field of the certificate is encoded in BER (an indefinite length or a value in pieces); DER is required",
        source: "X.690 sections 10.1 and 10.2")
      try ExtensionCheck.report(.unknown, &findings)
      return nil
    }
    return try checkFields(fields, certificate, now: now, &findings)
  }

  private func malformed(_ message: String) -> ServiceError {
    CertificateReason.malformedDER.error(message)
  }

  /// Checks the outermost header before anything is decoded.
  ///
  /// - Returns: whether it has a definite length.
  private func checkFrame(_ der: [UInt8]) throws(ServiceError) -> Bool {
    var reader = DERReader(der)
    do throws(DERReader.Fault) {
      _ = try reader.next()
      return true
    } catch {
      switch error {
      case .indefiniteLength: return false
      case .contentCut:
        throw malformed("the certificate is cut: its header says more bytes than the \(der.count) that are there")
      default: throw malformed("the bytes do not begin with a DER header; an X.509 certificate is required")
      }
    }
  }

  private func checkEncoding(
    _ der: [UInt8], _ certificate: borrowing OpenSSLCertificate, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    if findings.needs(.nonCanonicalDER), try !certificate.encodes(to: der) {
      try findings.report(
        .malformedDER, under: [.nonCanonicalDER],
        "the certificate is not DER: encoding it again gives other bytes, so its certificateId would be ambiguous",
        source: "X.690 section 10")
    }
    if findings.needs(.parserStrictness), let departure = StrictDER.firstDeparture(in: der) {
      try findings.report(
        .malformedDER, under: [.parserStrictness],
        "a strict parser refuses the certificate: \(departure.description)", source: "X.690 sections 8, 10 and 11")
    }
  }

  private func checkFields(
    _ fields: CertificateFields, _ certificate: borrowing OpenSSLCertificate, now: WallTime,
    _ findings: inout FindingCollector
  ) throws(ServiceError) -> Judgement {
    try VersionCheck.run(fields, &findings)
    let publicKey = try PublicKeyCheck.run(fields, &findings)
    try SignatureAlgorithmCheck.run(fields, &findings)
    try checkSignatureValue(fields, &findings)
    let notBefore = try time(fields.notBefore, "notBefore", in: fields, &findings)
    let notAfter = try time(fields.notAfter, "notAfter", in: fields, &findings)
    try checkPeriod(notBefore: notBefore, notAfter: notAfter, now: now, &findings)
    if findings.needs(.selfSignature), try SelfSignature.check(fields, certificate) == .notVerified {
      try findings.report(
        .unsupportedSignature, under: [.selfSignature],
        "issuer and subject are the same, but the certificate's own key does not verify its signature",
        source: "RFC 5280 section 3.2")
    }
    try checkValidity(notBefore: notBefore, notAfter: notAfter, &findings)
    try checkSerialNumber(fields, &findings)
    try NameCheck.run(fields, &findings)
    let authority = try ExtensionCheck.run(fields, &findings)
    var judgement = Judgement(notBefore: notBefore, notAfter: notAfter, key: KeyFingerprint(fields))
    if findings.isExhaustive {
      judgement.description = CertificateDescription(
        fields, publicKey: publicKey, notBefore: notBefore, notAfter: notAfter, isCA: authority == .authority)
    }
    return judgement
  }

  /// Every algorithm on AWS IoT's list makes signatures of whole octets. The signature itself cannot be verified: the
  /// key of the issuer is not known.
  private func checkSignatureValue(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    let unusedBits = fields.der[fields.signature].first ?? 0
    let fault: String
    if fields.signature.count < 2 {
      fault = "is empty"
    } else if unusedBits != 0 {
      fault = "has \(unusedBits) unused bits; whole bytes are required"
    } else {
      return
    }
    try findings.report(
      .signatureValue, under: [.signatureValue], "the signature \(fault)", source: "RFC 5280 section 4.1.1.3")
  }

  private func time(
    _ element: DERReader.Element, _ name: String, in fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) -> WallTime? {
    if let time = CertificateTime.parse(element, in: fields.der) { return time }
    // The value may hold any bytes, so the message does not repeat it.
    try findings.report(
      .malformedDER, under: [.timeFormat],
      "\(name) is no valid time of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ", source: "RFC 5280 section 4.1.2.5")
    return nil
  }

  /// The checks that depend on the clock. A time that is not known is not checked.
  func checkPeriod(
    notBefore: WallTime?, notAfter: WallTime?, now: WallTime, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    if let notAfter, now > notAfter {
      try findings.report(
        .expired, under: [.expired],
        "the certificate expired at \(notAfter.rfc3339); it is \(now.rfc3339) now", source: "RFC 5280 section 4.1.2.5")
    }
    if let notBefore, now < notBefore {
      try findings.report(
        .notYetValid, under: [.notYetValid],
        "the certificate is valid from \(notBefore.rfc3339) on; it is \(now.rfc3339) now",
        source: "RFC 5280 section 4.1.2.5")
    }
  }

  private func checkValidity(
    notBefore: WallTime?, notAfter: WallTime?, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    guard let notBefore, let notAfter, notAfter < notBefore else { return }
    try findings.report(
      .validityInverted, under: [.validityInverted],
      "the validity ends (\(notAfter.rfc3339)) before it begins (\(notBefore.rfc3339))",
      source: "RFC 5280 section 4.1.2.5")
  }

  private func checkSerialNumber(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    guard findings.needs(.serialNumber) else { return }
    let serialNumber = SerialNumber(fields.der[fields.serialNumber])
    let fault: String
    if serialNumber.isNegative || serialNumber.magnitude.isEmpty {
      fault = "is \(serialNumber.isNegative ? "negative" : "zero"); a positive one is required"
    } else if serialNumber.length > 20 {
      fault = "takes \(serialNumber.length) bytes; at most 20 are allowed"
    } else {
      return
    }
    try findings.report(
      .serialNumber, under: [.serialNumber], "the serial number \(fault)", source: "RFC 5280 section 4.1.2.2")
  }
}
