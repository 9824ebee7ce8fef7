import CertRegCore

/// The forms of names that RFC 5280 requires (sections 4.1.2.4 and 4.1.2.6, and the attribute types of appendix A.1).
enum NameCheck {
  /// Reports at most one fault of each name: a name of 64 KiB could have thousands.
  static func run(_ fields: CertificateFields, _ findings: inout FindingCollector) throws(ServiceError) {
    guard findings.needs(.nameForm) else { return }
    if fields.issuer.content.isEmpty {
      try findings.report(
        .emptyIssuer, under: [.nameForm], "the issuer is empty; a name is required", source: "RFC 5280 section 4.1.2.4")
    }
    if fields.subject.content.isEmpty, !hasCriticalAlternativeName(fields) {
      try findings.report(
        .emptySubject, under: [.nameForm],
        "the subject is empty, and no critical subjectAltName stands for it; one of the two is required",
        source: "RFC 5280 section 4.1.2.6")
    }
    for (name, element) in [("issuer", fields.issuer), ("subject", fields.subject)] {
      guard let fault = fault(in: element, of: fields.der) else { continue }
      try findings.report(
        .invalidName, under: [.nameForm], "the \(name)'s \(fault)", source: "RFC 5280 appendix A.1")
    }
  }

  /// If the extension is repeated, every one has to be critical: parsers differ about the one that counts.
  private static func hasCriticalAlternativeName(_ fields: CertificateFields) -> Bool {
    let names = Array(CertificateExtensions(fields).all(.subjectAltName))
    return !names.isEmpty && names.allSatisfy(\.isCritical)
  }

  private static func fault(in element: DERReader.Element, of der: [UInt8]) -> String? {
    var name = DERReader(der, in: element.content)
    while let set = try? name.next() {
      if set.content.isEmpty { return "name has an empty SET; at least one attribute is required" }
      var inside = name.inside(set)
      while let sequence = try? inside.next() {
        var pair = inside.inside(sequence)
        guard let type = try? pair.next(DERTag.objectIdentifier), let value = try? pair.next() else { continue }
        let identifier = ObjectIdentifier(der[type.content])
        guard let rule = rules[identifier] else { continue }
        if let fault = rule.fault(of: value, in: der) {
          return "\(AttributeType.shortNames[identifier] ?? identifier.dotted) \(fault)"
        }
      }
    }
    return nil
  }

  /// What the value of an attribute type may be.
  private struct Rule {
    /// Tags of the string types, with the words for them.
    var tags: [UInt8]
    var form: String
    var lengths: ClosedRange<Int>

    /// `DirectoryString {limit}`.
    static func directory(_ limit: Int) -> Rule {
      Rule(
        tags: [
          DERTag.printableString, DERTag.utf8String, DERTag.teletexString, DERTag.bmpString, DERTag.universalString,
        ], form: "a DirectoryString", lengths: 1...limit)
    }

    static func printable(_ lengths: ClosedRange<Int>) -> Rule {
      Rule(tags: [DERTag.printableString], form: "a PrintableString", lengths: lengths)
    }

    static func ia5(_ limit: Int) -> Rule {
      Rule(tags: [DERTag.ia5String], form: "an IA5String", lengths: 1...limit)
    }

    func fault(of value: DERReader.Element, in der: [UInt8]) -> String? {
      guard tags.contains(value.tag) else { return "is not \(form)" }
      guard let text = AttributeValue.text(value, in: der) else {
        return "has bytes that its string type does not have"
      }
      if value.tag == DERTag.printableString, !der[value.content].allSatisfy(NameCheck.isPrintable) {
        return "has characters that a PrintableString does not have"
      }
      let count = text.unicodeScalars.count
      guard lengths.contains(count) else {
        let required = lengths.count == 1 ? "\(lengths.lowerBound)" : "\(lengths.lowerBound) to \(lengths.upperBound)"
        return "has \(count) characters; \(required) are required"
      }
      return nil
    }
  }

  private static let rules: [ObjectIdentifier: Rule] = [
    ObjectIdentifier(2, 5, 4, 3): .directory(64), ObjectIdentifier(2, 5, 4, 4): .directory(32_768),
    ObjectIdentifier(2, 5, 4, 5): .printable(1...64), ObjectIdentifier(2, 5, 4, 6): .printable(2...2),
    ObjectIdentifier(2, 5, 4, 7): .directory(128), ObjectIdentifier(2, 5, 4, 8): .directory(128),
    ObjectIdentifier(2, 5, 4, 10): .directory(64), ObjectIdentifier(2, 5, 4, 11): .directory(64),
    ObjectIdentifier(2, 5, 4, 12): .directory(64), ObjectIdentifier(2, 5, 4, 42): .directory(32_768),
    ObjectIdentifier(2, 5, 4, 43): .directory(32_768), ObjectIdentifier(2, 5, 4, 44): .directory(32_768),
    ObjectIdentifier(2, 5, 4, 46): .printable(1...65_536), ObjectIdentifier(2, 5, 4, 65): .directory(128),
    ObjectIdentifier(1, 2, 840, 113549, 1, 9, 1): .ia5(255),
    ObjectIdentifier(0, 9, 2342, 19_200_300, 100, 1, 25): .ia5(65_536),
  ]

  /// The characters of PrintableString (X.680 section 41.4).
  private static func isPrintable(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: " '()+,-./:=?".utf8.contains(byte)
    }
  }
}
