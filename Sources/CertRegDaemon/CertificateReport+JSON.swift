import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegX509

extension CertificateReport {
  /// Writes what `validate` answers with. A refused certificate has an error in place of its ID, and all else that
  /// could be found out.
  func write(to writer: inout JSONWriter) {
    if let refusal {
      writer.errorMember(refusal)
    } else if let examination {
      writer.member("certificateId", examination.certificateID.hex)
    }
    if let examination { write(examination.description, to: &writer) }
    writer.beginArray("findings")
    for finding in findings {
      writer.beginObject()
      writer.member("reason", finding.reason.rawValue)
      writer.member("severity", finding.severity.rawValue)
      writer.member("message", finding.message)
      writer.member("source", finding.source)
      writer.endObject()
    }
    writer.endArray()
  }

  /// Names are arrays of attributes: a joined string could be made to say anything.
  private func write(_ description: CertificateDescription, to writer: inout JSONWriter) {
    writer.beginObject("certificate")
    write(description.subject, "subject", to: &writer)
    write(description.issuer, "issuer", to: &writer)
    writer.member("serialNumber", description.serialNumber)
    writer.member("notBefore", ifPresent: description.notBefore?.rfc3339)
    writer.member("notAfter", ifPresent: description.notAfter?.rfc3339)
    writer.beginObject("publicKey")
    writer.member("algorithm", description.publicKey.algorithm)
    writer.member("bits", ifPresent: description.publicKey.bits)
    writer.member("curve", ifPresent: description.publicKey.curve)
    writer.endObject()
    writer.member("signatureAlgorithm", description.signatureAlgorithm)
    writer.member("version", ifPresent: description.version)
    writer.member("isCA", description.isCA)
    writer.beginObject("sizes")
    writer.member("derBytes", description.sizes.derBytes)
    writer.member("pemCharacters", description.sizes.pemCharacters)
    writer.endObject()
    writer.endObject()
  }

  private func write(_ name: DistinguishedName, _ member: String, to writer: inout JSONWriter) {
    writer.beginArray(member)
    for attribute in name.attributes {
      writer.beginObject()
      writer.member("type", attribute.type)
      writer.member("value", attribute.value)
      writer.endObject()
    }
    writer.endArray()
  }
}
