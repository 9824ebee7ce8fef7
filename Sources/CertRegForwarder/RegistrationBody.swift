import CertRegCore

/// The JSON body of RegisterCertificateWithoutCA.
enum RegistrationBody {
  /// `{"certificatePem":"-----BEGIN …\n…","status":"ACTIVE"}`. All that needs escaping in a PEM text is its line ends.
  static func bytes(_ call: UpstreamCall) -> [UInt8] {
    let pem = PEM.certificate(der: call.der)
    var body: [UInt8] = []
    body.reserveCapacity(pem.utf8.count + pem.utf8.count / 32 + 64)
    body.append(contentsOf: "{\"certificatePem\":\"".utf8)
    for byte in pem.utf8 {
      if byte == UInt8(ascii: "\n") {
        body.append(UInt8(ascii: "\\"))
        body.append(UInt8(ascii: "n"))
      } else {
        body.append(byte)
      }
    }
    body.append(UInt8(ascii: "\""))
    if let status = call.status {
      body.append(contentsOf: ",\"status\":\"\(status.rawValue)\"".utf8)
    }
    body.append(UInt8(ascii: "}"))
    return body
  }
}
