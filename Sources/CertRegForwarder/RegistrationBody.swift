import CertRegCore

/// The JSON body of RegisterCertificateWithoutCA.
enum RegistrationBody {
  /// `{"certificatePem":"-----BEGIN …\n…","status":"ACTIVE"}`. All that needs escaping in a PEM text is its line ends.
  static func bytes(_ call: UpstreamCall) -> [UInt8] {
    let pem = Array(PEM.certificate(der: call.der).utf8)
    var body: [UInt8] = []
    body.reserveCapacity(pem.count + pem.count / 32 + 64)
    body.append(contentsOf: "{\"certificatePem\":\"".utf8)
    var rest = pem[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      body.append(contentsOf: rest[..<end])
      body.append(UInt8(ascii: "\\"))
      body.append(UInt8(ascii: "n"))
      rest = rest[(end + 1)...]
    }
    body.append(contentsOf: rest)
    body.append(UInt8(ascii: "\""))
    if let status = call.status {
      body.append(contentsOf: ",\"status\":\"\(status.rawValue)\"".utf8)
    }
    body.append(UInt8(ascii: "}"))
    return body
  }
}
