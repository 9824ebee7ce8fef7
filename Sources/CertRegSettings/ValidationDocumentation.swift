import CertRegCore

/// What each policy of the `validation` section looks for.
enum ValidationDocumentation {
  static func text(of policy: ValidationPolicy) -> String {
    switch policy {
    case .expired: "A certificate whose `notAfter` has passed."
    case .notYetValid: "A certificate whose `notBefore` is in the future."
    case .nonCanonicalDER: "An encoding that is not DER, so that there could be more than one certificate ID."
    case .x509v1: "A certificate of X.509 version 1 or 2."
    case .explanatoryText: "Text before or after the one PEM block (RFC 7468 section 5.2)."
    case .legacyPEMLabel: "The PEM label `X509 CERTIFICATE`."
    case .extraPEMBlock: "A second PEM block that is not a certificate, such as a private key."
    case .pemStrictness: "PEM outside the grammar of RFC 7468. `openssl` takes what OpenSSL's reader takes."
    case .parserStrictness: "Encodings that OpenSSL reads and stricter parsers refuse."
    case .rsaPSSKey: "A key whose own algorithm is RSASSA-PSS."
    case .ecExplicitParams: "A supported curve written out as parameters instead of by name (RFC 5480 section 2.1.1)."
    case .rsaOddValues: "An RSA key with an even or very small exponent, or a negative modulus."
    case .rsaMaxSize: "An RSA key of more than 4096 bits."
    case .pssParams: "An RSASSA-PSS signature with unusual parameters."
    case .dsaSHA256Signature: "A signature by a DSA authority with SHA-256."
    case .sigalgMismatch: "Two different signature algorithms in one certificate (RFC 5280 section 4.1.1.2)."
    case .selfSignature: "A self-issued certificate whose own key does not verify its signature."
    case .timeFormat: "A validity time in a form that RFC 5280 section 4.1.2.5 does not allow."
    case .lengthUnit:
      "The limit of 65,536 counts Unicode code points; `reject` also refuses texts above it in UTF-16 units or bytes."
    case .rocaKey: "An RSA key with the fingerprint of keys that can be factored (ROCA, CVE-2017-15361)."
    case .unusualExponent: "An RSA public exponent of at most 16 or more than 256 bits (NIST FIPS 186-5 section 5.1)."
    case .validityInverted: "A certificate whose `notAfter` is before its `notBefore`."
    case .certificateAuthority: "The certificate of an authority (RFC 5280 section 4.2.1.9)."
    case .serialNumber: "A serial number that RFC 5280 section 4.1.2.2 does not allow."
    case .nameForm: "A subject or issuer that RFC 5280 sections 4.1.2.4, 4.1.2.6 and A.1 do not allow."
    case .x509Version: "An X.509 version other than 1 to 3, or fields that the certificate's version does not have."
    case .evenModulus: "An RSA key with an even modulus."
    case .keyEncoding: "A public key that is not in the one form of its type, such as an RSA key with bytes after it."
    case .signatureValue: "A signature that is empty or has unused bits."
    case .repeatedExtension: "An extension that occurs more than once (RFC 5280 section 4.2)."
    case .extensionForm:
      "An empty list of extensions, or a basicConstraints or keyUsage that RFC 5280 sections 4.2.1.3 and 4.2.1.9 do not allow."
    }
  }
}
