/// The checks of a certificate that an operator can switch, by the names of the configuration's `validation` section.
package enum ValidationPolicy: String, CaseIterable, Sendable {
  case expired
  case notYetValid = "not_yet_valid"
  case nonCanonicalDER = "non_canonical_der"
  case x509v1 = "x509_v1"
  case explanatoryText = "explanatory_text"
  case legacyPEMLabel = "legacy_pem_label"
  case extraPEMBlock = "extra_pem_block"
  case pemStrictness = "pem_strictness"
  case parserStrictness = "parser_strictness"
  case rsaPSSKey = "rsa_pss_key"
  case ecExplicitParams = "ec_explicit_params"
  case rsaOddValues = "rsa_odd_values"
  case rsaMaxSize = "rsa_max_size"
  case pssParams = "pss_params"
  case dsaSHA256Signature = "dsa_sha256_signature"
  case sigalgMismatch = "sigalg_mismatch"
  case selfSignature = "self_signature"
  case timeFormat = "time_format"
  case lengthUnit = "length_unit"
  case rocaKey = "roca_key"
  case unusualExponent = "unusual_rsa_exponent"
  case validityInverted = "validity_inverted"
  case certificateAuthority = "ca_certificate"
  case serialNumber = "serial_number"
  case nameForm = "name_form"
  case x509Version = "x509_version"
  case evenModulus = "even_rsa_modulus"
  case keyEncoding = "key_encoding"
  case signatureValue = "signature_value"
  case repeatedExtension = "repeated_extension"
  case extensionForm = "extension_form"

  /// The choice of a policy that the configuration does not name.
  package var defaultChoice: PolicyChoice {
    switch self {
    case .x509v1, .explanatoryText, .parserStrictness, .rsaOddValues, .rsaMaxSize, .pssParams, .dsaSHA256Signature,
      .selfSignature, .rocaKey, .unusualExponent, .validityInverted, .certificateAuthority, .serialNumber, .nameForm,
      .x509Version, .evenModulus, .keyEncoding, .signatureValue, .repeatedExtension, .extensionForm:
      .allow
    case .expired, .notYetValid, .nonCanonicalDER, .legacyPEMLabel, .extraPEMBlock, .rsaPSSKey, .ecExplicitParams,
      .sigalgMismatch, .timeFormat:
      .reject
    case .pemStrictness: .openssl
    case .lengthUnit: .codepoints
    }
  }
}

/// What a policy does with a certificate that its check finds.
package enum PolicyChoice: String, CaseIterable, Sendable {
  case allow
  case reject
  /// Only for `pem_strictness`: the behaviour of OpenSSL's `PEM_read_bio_X509`.
  case openssl
  /// Only for `length_unit`: the limit of 65,536 counts Unicode code points.
  case codepoints
}

/// A choice for every policy.
package struct ValidationPolicies: Hashable, Sendable {
  private var changed: [ValidationPolicy: PolicyChoice] = [:]

  /// The defaults.
  package init() {}

  package subscript(policy: ValidationPolicy) -> PolicyChoice {
    get { changed[policy] ?? policy.defaultChoice }
    set { changed[policy] = newValue == policy.defaultChoice ? nil : newValue }
  }

  /// The same for equal choices, in every process: kept beside a result to tell whether its verdict still holds
  /// (FNV-1a).
  package var fingerprint: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for policy in ValidationPolicy.allCases {
      for byte in "\(policy.rawValue)=\(self[policy].rawValue);".utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
      }
    }
    return Int64(bitPattern: hash)
  }
}
