/// The certificates of a PKCS#7 file (RFC 2315 section 9.1, RFC 5652 section 5.1): a SignedData, usually without a
/// signature.
///
/// Only lengths are interpreted; the daemon judges the certificates. Lengths can be indefinite (ITU-T X.690 section
/// 8.1.3.6), as some programs write them.
struct PKCS7Bundle: Sequence, IteratorProtocol {
  /// The content of an OBJECT IDENTIFIER: 1.2.840.113549.1.7.2.
  private static let signedData: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]

  /// The certificates that are not read yet.
  private var rest: ArraySlice<UInt8>
  /// How many bytes behind the certificates do not belong there.
  private let foreignBytes: Int

  /// - Returns: `nil` where `bytes` are not a SignedData, or are truncated.
  init?(_ bytes: [UInt8]) {
    var outer = DERElements(bytes[...])
    guard let contentInfo = outer.next(), contentInfo.tag == 0x30 else { return nil }
    var members = DERElements(contentInfo.content)
    guard let type = members.next(), type.tag == 0x06, type.content.elementsEqual(PKCS7Bundle.signedData),
      let explicit = members.next(), explicit.tag == 0xA0
    else { return nil }
    var wrapped = DERElements(explicit.content)
    guard let content = wrapped.next(), content.tag == 0x30 else { return nil }
    var fields = DERElements(content.content)
    guard fields.next()?.tag == 0x02, fields.next()?.tag == 0x31, let signed = fields.next(), signed.tag == 0x30,
      // A damaged length makes it swallow the certificates.
      DERElements(signed.content).allSatisfy({ $0.tag == 0x06 || $0.tag == 0xA0 })
    else { return nil }
    let behindHeader = fields
    let certificates = fields.next()
    if certificates?.tag != 0xA0 { fields = behindHeader }
    rest = certificates?.tag == 0xA0 ? certificates?.content ?? [] : []
    var end = fields.rest
    // Revocation lists and signers follow.
    while let field = fields.next(), field.tag == 0xA1 || field.tag == 0x31 { end = fields.rest }
    foreignBytes = end.count
  }

  /// How many bytes are not read: further certificates, or what is damaged.
  var unreadBytes: Int { rest.count + foreignBytes }

  /// The encoding of the next certificate; `nil` at the end and before damaged bytes.
  mutating func next() -> ArraySlice<UInt8>? {
    while true {
      var elements = DERElements(rest)
      // The other choices of CertificateSet have tags of their own, 0 to 3.
      guard let element = elements.next(), element.tag == 0x30 || element.tag & 0xFC == 0xA0 else { return nil }
      rest = elements.rest
      if element.tag == 0x30 { return element.encoding }
    }
  }
}
