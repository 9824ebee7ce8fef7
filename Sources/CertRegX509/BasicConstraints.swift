/// Whether a certificate is an authority's, by its basic constraints (RFC 5280 section 4.2.1.9).
enum AuthorityClaim: Equatable {
  case authority
  case none
  /// The basic constraints cannot be read, or an extension cannot be read that could be them.
  case unknown

  /// What the certificate says. A certificate that repeats its basic constraints is an authority's if one of them says
  /// so: parsers differ about the one that counts.
  init(_ extensions: CertificateExtensions, in fields: CertificateFields) {
    var claim: AuthorityClaim = extensions.isComplete ? .none : .unknown
    for entry in extensions.all(.basicConstraints) {
      switch BasicConstraints.claim(entry, in: fields) {
      case .authority:
        self = .authority
        return
      case .unknown: claim = .unknown
      case .none: break
      }
    }
    self = claim
  }
}

/// One extension of type BasicConstraints (RFC 5280 section 4.2.1.9).
enum BasicConstraints {
  /// What the extension says, in any encoding with definite lengths. Bytes after the SEQUENCE are passed over, as
  /// OpenSSL does.
  static func claim(_ entry: CertificateExtension, in fields: CertificateFields) -> AuthorityClaim {
    guard var value = entry.value, let sequence = try? value.next(DERTag.sequence) else { return .unknown }
    var inside = value.inside(sequence)
    do throws(DERReader.Fault) {
      if let authority = try inside.nextIfPresent(DERTag.boolean), fields.isTrue(authority) { return .authority }
      _ = try inside.nextIfPresent(DERTag.integer)
      try inside.expectEnd()
      return .none
    } catch { return .unknown }
  }

  /// What is wrong with the extension, in words that follow its name; `nil` if nothing is.
  static func fault(in entry: CertificateExtension, of fields: CertificateFields) -> String? {
    guard var value = entry.value else { return ExtensionCheck.notDER }
    do throws(StrictDER.Departure) {
      var inside = value.inside(try StrictDER.element(&value, DERTag.sequence, ""))
      let isAuthority = inside.nextTag == DERTag.boolean
      if isAuthority {
        let octets = fields.der[try StrictDER.element(&inside, DERTag.boolean, "").content]
        if octets.elementsEqual([0]) { return "writes out the default, FALSE" }
        if !octets.elementsEqual([0xff]) { return "has a TRUE that is not FF" }
      }
      var pathLength: ArraySlice<UInt8>?
      if !inside.isAtEnd {
        let length = try StrictDER.element(&inside, DERTag.integer, "")
        try StrictDER.integer(length, in: fields.der, "")
        pathLength = fields.der[length.content]
      }
      try StrictDER.end(inside, "")
      guard value.isAtEnd else { return "has bytes after its value" }
      guard let pathLength else { return nil }
      if (pathLength.first ?? 0) >= 0x80 { return "has a negative path length" }
      return isAuthority ? nil : "limits the path of a certificate that is no authority's"
    } catch { return ExtensionCheck.notDER }
  }
}

/// One extension of type KeyUsage (RFC 5280 section 4.2.1.3).
enum KeyUsage {
  /// The bit `keyCertSign` in the first octet.
  private static let certificateSigning: UInt8 = 0x04

  /// What is wrong with the extension, in words that follow its name; `nil` if nothing is. Zero bits at the end, which
  /// X.690 section 11.2.2 has left out, are no fault: every parser reads the same usage.
  static func fault(
    in entry: CertificateExtension, of fields: CertificateFields, _ authority: AuthorityClaim
  ) -> String? {
    guard var value = entry.value else { return ExtensionCheck.notDER }
    do throws(StrictDER.Departure) {
      let usage = try StrictDER.element(&value, DERTag.bitString, "")
      try StrictDER.bitString(usage, in: fields.der, "")
      guard value.isAtEnd else { return "has bytes after its value" }
      let bits = fields.der[usage.content].dropFirst()
      guard bits.contains(where: { $0 != 0 }) else { return "has no bit set" }
      let signs = (bits.first ?? 0) & certificateSigning != 0
      return signs && authority == .none ? "has keyCertSign in a certificate that is no authority's" : nil
    } catch { return ExtensionCheck.notDER }
  }
}
