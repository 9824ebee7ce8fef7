/// One extension of a certificate (RFC 5280 section 4.2).
struct CertificateExtension {
  let isCritical: Bool
  /// What is inside of `extnValue`.
  let value: DERReader

  /// The first extension with `identifier`; `nil` if there is none or it cannot be read.
  static func first(_ identifier: ObjectIdentifier, in fields: CertificateFields) -> CertificateExtension? {
    guard let extensions = fields.extensions else { return nil }
    var list = DERReader(fields.der, in: extensions.content)
    while let entry = try? list.next() {
      var inside = list.inside(entry)
      guard let type = try? inside.next(DERTag.objectIdentifier),
        fields.der[type.content].elementsEqual(identifier.encoded)
      else { continue }
      do throws(DERReader.Fault) {
        let critical = try inside.nextIfPresent(DERTag.boolean)
        let value = inside.inside(try inside.next(DERTag.octetString))
        return CertificateExtension(isCritical: critical.map { fields.isTrue($0) } ?? false, value: value)
      } catch { return nil }
    }
    return nil
  }
}

extension CertificateFields {
  /// Whether the BOOLEAN that is `element` is not FALSE.
  func isTrue(_ element: DERReader.Element) -> Bool {
    der[element.content].contains { $0 != 0 }
  }
}
