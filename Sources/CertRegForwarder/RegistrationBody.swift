import CertRegCodec
import CertRegCore

/// The JSON body of RegisterCertificateWithoutCA.
enum RegistrationBody {
  /// `{"certificatePem":"-----BEGIN …\n…","status":"ACTIVE"}`. Of a PEM text, only the line ends need escaping.
  static func bytes(_ call: RegisterCertificateCall) -> [UInt8] {
    var body: [UInt8] = []
    body.append(contentsOf: "{\"certificatePem\":\"".utf8)
    PEM.appendCertificate(der: call.der, lineEnd: "\\n", to: &body)
    body.append(UInt8(ascii: "\""))
    if let status = call.status {
      body.append(contentsOf: ",\"status\":\"\(status.rawValue)\"".utf8)
    }
    body.append(UInt8(ascii: "}"))
    return body
  }
}
