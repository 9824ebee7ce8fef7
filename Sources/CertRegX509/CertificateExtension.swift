/// One extension of a certificate (RFC 5280 section 4.2).
struct CertificateExtension {
  /// The octets of `extnID`.
  let identifier: ArraySlice<UInt8>
  let isCritical: Bool
  /// A reader of the content of `extnValue`; `nil` if its OCTET STRING is split into pieces (BER).
  let value: DERReader?
}

/// All extensions of a certificate, repeated ones included, so that no extension can hide another.
struct CertificateExtensions {
  let entries: [CertificateExtension]
  /// Whether every extension is in `entries`. Reading stops at an extension that is encoded in BER.
  let isComplete: Bool
  /// Whether the certificate has an extensions field without extensions.
  let isEmptyList: Bool

  init(_ fields: CertificateFields) {
    guard let list = fields.extensions else {
      self.init(entries: [], isComplete: true, isEmptyList: false)
      return
    }
    var entries: [CertificateExtension] = []
    var reader = DERReader(fields.der, in: list.content)
    do throws(DERReader.Fault) {
      while !reader.isAtEnd { entries.append(try CertificateExtensions.entry(&reader, in: fields)) }
      self.init(entries: entries, isComplete: true, isEmptyList: entries.isEmpty)
    } catch {
      self.init(entries: entries, isComplete: false, isEmptyList: false)
    }
  }

  private init(entries: [CertificateExtension], isComplete: Bool, isEmptyList: Bool) {
    self.entries = entries
    self.isComplete = isComplete
    self.isEmptyList = isEmptyList
  }

  /// Up to this many extensions are compared with each other. A set, which keeps the cost of more of them linear, would
  /// cost more than the comparisons.
  private static let few = 16

  /// Every extension with `identifier`.
  func all(_ identifier: ObjectIdentifier) -> some Sequence<CertificateExtension> {
    entries.lazy.filter { $0.identifier == identifier.encoded[...] }
  }

  /// An extension that occurs more than once; `nil` if there is none.
  var repeated: ObjectIdentifier? {
    guard entries.count > CertificateExtensions.few else {
      let index = entries.indices.first { index in
        entries[..<index].contains { $0.identifier == entries[index].identifier }
      }
      return index.map { ObjectIdentifier(entries[$0].identifier) }
    }
    var seen: Set<ObjectIdentifier> = []
    for entry in entries {
      let identifier = ObjectIdentifier(entry.identifier)
      if !seen.insert(identifier).inserted { return identifier }
    }
    return nil
  }

  private static func entry(
    _ list: inout DERReader, in fields: CertificateFields
  ) throws(DERReader.Fault) -> CertificateExtension {
    var inside = list.inside(try list.next(DERTag.sequence))
    let identifier = fields.der[try inside.next(DERTag.objectIdentifier).content]
    let critical = try inside.nextIfPresent(DERTag.boolean)
    let value = try inside.nextIfPresent(DERTag.octetString)
    return CertificateExtension(
      identifier: identifier, isCritical: critical.map { fields.isTrue($0) } ?? false,
      value: value.map { inside.inside($0) })
  }
}

extension CertificateFields {
  /// Whether the BOOLEAN that is `element` is not FALSE.
  func isTrue(_ element: DERReader.Element) -> Bool {
    der[element.content].contains { $0 != 0 }
  }
}
