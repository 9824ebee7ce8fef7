import COpenSSL

/// Why a certificate and key cannot be used to sign.
package enum ClientIdentityError: Error, Hashable, Sendable, CustomStringConvertible {
  case noCertificate
  case damagedCertificate
  case tooManyCertificates
  case unreadableKey
  case keyDoesNotMatch
  case unsupportedKey
  case failed

  package var description: String {
    switch self {
    case .noCertificate: "the file holds no certificate in PEM form"
    case .damagedCertificate: "the file holds a damaged certificate"
    case .tooManyCertificates: "the file holds more than \(ClientIdentity.mostCertificates) certificates"
    case .unreadableKey: "the file holds no private key in PEM form without a password"
    case .keyDoesNotMatch: "the private key is not the certificate's"
    case .unsupportedKey: "the key is neither RSA nor elliptic-curve"
    case .failed: "signing failed"
    }
  }
}

/// A certificate with its private key, for signatures of its holder.
///
/// It reads only the holder's own files and is not made for certificates of strangers.
package final class ClientIdentity {
  /// The kinds of keys that can sign.
  package enum KeyKind: Sendable {
    case rsa
    case ec
  }

  /// More than any path to an authority has.
  static let mostCertificates = 16

  /// The DER encodings: the holder's certificate first, then the ones that come with it.
  package let chain: [[UInt8]]
  /// The serial number of the holder's certificate in decimal.
  package let serialNumber: String
  /// The kind of the private key.
  package let keyKind: KeyKind
  /// Owned; freed in `deinit`.
  private let key: OpaquePointer

  /// - Parameters:
  ///   - certificatePEM: The certificate, with any that lead to its authority after it.
  ///   - privateKeyPEM: PKCS#8, PKCS#1 or SEC 1, not encrypted.
  /// - Throws: ``ClientIdentityError`` for texts without a certificate or a readable key, with a damaged certificate,
  ///   and for a key that does not fit.
  package init(certificatePEM: [UInt8], privateKeyPEM: [UInt8]) throws(ClientIdentityError) {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let certificates = try Self.readCertificates(certificatePEM)
    defer { for certificate in certificates { X509_free(certificate) } }
    guard let leaf = certificates.first else { throw .noCertificate }
    guard let key = Self.readKey(privateKeyPEM) else { throw .unreadableKey }
    var isKept = false
    defer { if !isKept { EVP_PKEY_free(key) } }
    guard X509_check_private_key(leaf, key) == 1 else { throw .keyDoesNotMatch }
    switch EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: keyKind = .rsa
    case EVP_PKEY_EC: keyKind = .ec
    default: throw .unsupportedKey
    }
    guard let serialNumber = Self.decimalSerial(leaf) else { throw .failed }
    self.serialNumber = serialNumber
    chain = certificates.compactMap(Self.der)
    self.key = key
    isKept = true
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// The DER encodings of all certificates in a PEM text.
  ///
  /// - Throws: ``ClientIdentityError`` if there is none, one of them is damaged, or there are more than 16.
  package static func certificates(pem: [UInt8]) throws(ClientIdentityError) -> [[UInt8]] {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let certificates = try readCertificates(pem)
    defer { for certificate in certificates { X509_free(certificate) } }
    return certificates.compactMap(der)
  }

  /// A signature over the SHA-256 of `message`: RSASSA-PKCS1-v1_5, or ECDSA in DER form.
  ///
  /// - Throws: ``ClientIdentityError/failed``.
  package func signature(of message: [UInt8]) throws(ClientIdentityError) -> [UInt8] {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let context = EVP_MD_CTX_new() else { throw .failed }
    defer { EVP_MD_CTX_free(context) }
    var length = 0
    guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
      EVP_DigestSign(context, nil, &length, message, message.count) == 1
    else { throw .failed }
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else { throw .failed }
    return Array(signature.prefix(length))
  }

  /// The certificates, at least one. The caller frees them.
  private static func readCertificates(_ pem: [UInt8]) throws(ClientIdentityError) -> [OpaquePointer] {
    guard let bio = BIO_new_mem_buf(pem, Int32(pem.count)) else { throw .failed }
    defer { BIO_free(bio) }
    var certificates: [OpaquePointer] = []
    while certificates.count <= mostCertificates, let certificate = PEM_read_bio_X509(bio, nil, refuseToAsk, nil) {
      certificates.append(certificate)
    }
    let fault: ClientIdentityError? =
      if certificates.count > mostCertificates {
        .tooManyCertificates
      } else if certreg_says_pem_ended(ERR_peek_last_error()) == 0 {
        .damagedCertificate
      } else {
        certificates.isEmpty ? .noCertificate : nil
      }
    guard let fault else { return certificates }
    for certificate in certificates { X509_free(certificate) }
    throw fault
  }

  private static func readKey(_ pem: [UInt8]) -> OpaquePointer? {
    guard let bio = BIO_new_mem_buf(pem, Int32(pem.count)) else { return nil }
    defer { BIO_free(bio) }
    return PEM_read_bio_PrivateKey(bio, nil, refuseToAsk, nil)
  }

  private static func decimalSerial(_ certificate: OpaquePointer) -> String? {
    guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nil) else { return nil }
    defer { BN_free(number) }
    guard let digits = BN_bn2dec(number) else { return nil }
    defer { CRYPTO_free(digits, nil, 0) }
    return String(cString: digits)
  }

  private static func der(_ certificate: OpaquePointer) -> [UInt8]? {
    let length = i2d_X509(certificate, nil)
    guard length > 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(length))
    let written = bytes.withUnsafeMutableBufferPointer { buffer in
      var position = buffer.baseAddress
      return i2d_X509(certificate, &position)
    }
    return written == length ? bytes : nil
  }
}

/// Answers OpenSSL's question for a password with none: its own callback would ask on the terminal.
private let refuseToAsk:
  @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, _, _ in -1
  }
