import CertRegCodec
package import CertRegCore

extension AnswerEncoder {
  /// The answer to `describe`.
  package static func described(id: [UInt8]?, _ key: RegistrationKey, _ certificate: UpstreamCertificate) -> [UInt8] {
    object(id: id) { writer in
      writer.member("certificateId", key.certificateID.hex)
      writer.member("certificateArn", certificate.certificateARN)
      writer.member("target", key.target.rawValue)
      writer.member("status", certificate.status.rawValue)
      writer.member("certificateMode", ifPresent: certificate.mode)
      writer.member("createdAt", ifPresent: certificate.createdAt?.rfc3339)
      if let validity = certificate.validity {
        writer.beginObject("validity")
        writer.member("notBefore", validity.notBefore.rfc3339)
        writer.member("notAfter", validity.notAfter.rfc3339)
        writer.endObject()
      }
      for (name, values) in [("things", certificate.things), ("policies", certificate.policies)] {
        guard let values else { continue }
        writer.beginArray(name)
        for value in values { writer.element(value) }
        writer.endArray()
      }
    }
  }
}
