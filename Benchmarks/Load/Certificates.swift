import CertRegCrypto
import Foundation

/// Certificates that differ in their serial number. They are valid until 2126; nobody checks their signatures, since no CA is known.
struct Certificates {
  private static let template =
    Data(
      base64Encoded: """
        MIIBbzCCARagAwIBAgIIQAAAAAAAAAEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYmVuY2htYXJrMCAXDTIwMDEwMTAwMDAwMFoY\
        DzIxMjYxMTAxMDAwODMxWjAUMRIwEAYDVQQDDAliZW5jaG1hcmswWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASlf3nRaMEqpGo9\
        MFBUNAbJHEf10ITPqh+CREhRHLEEvH43LNIlh8GgskJyOvs8Qi4x1X7hkA2+DXl/8s/bdKjOo1AwTjAdBgNVHQ4EFgQUg9/SspHM\
        j/O+BBCD6KiCoel1dZYwHwYDVR0jBBgwFoAUg9/SspHMj/O+BBCD6KiCoel1dZYwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNH\
        ADBEAiBVDsoJqMWLL594VUHkEY0uMeF/c+BTuB2adJOyskuCOAIgJtkYAmg8moHH+NmaNxCKssE45FjLNEalJqFHVppeYag=
        """) ?? Data()

  /// Where the eight octets of the serial number begin in the template.
  private static let serialNumber = 15

  /// DER of the certificate with this number.
  static func der(_ number: UInt64) -> Data {
    var der = template
    // The highest octet stays, so that the number is positive and of full length.
    for octet in 1..<8 { der[serialNumber + octet] = UInt8(truncatingIfNeeded: number >> UInt64(8 * (7 - octet))) }
    return der
  }

  /// The value of `certificatePem` in a request: PEM text as a JSON string.
  static func jsonText(_ number: UInt64) -> [UInt8] {
    let base64 = Array(der(number).base64EncodedString().utf8)
    var text = Array("\"-----BEGIN CERTIFICATE-----\\n".utf8)
    for start in stride(from: 0, to: base64.count, by: 64) {
      text += base64[start..<min(base64.count, start + 64)] + Array("\\n".utf8)
    }
    return text + Array("-----END CERTIFICATE-----\\n\"".utf8)
  }
}
