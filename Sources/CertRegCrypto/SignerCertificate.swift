import COpenSSL
package import CertRegCore

/// The certificate of a signer of documents with ECDSA on P-256 and SHA-256: `ES256` of RFC 7518 section 3.4.
///
/// Its validity and issuer are not checked: a user who names the certificate trusts it.
package final class SignerCertificate {
  /// Why a certificate cannot be used to check signatures.
  package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable
    case noP256Key

    package var description: String {
      switch self {
      case .unreadable: "not a certificate that OpenSSL can read"
      case .noP256Key: "its key is not an elliptic-curve key on P-256"
      }
    }
  }

  /// SHA-256 of the DER encoding: what a JWS names as `x5t#S256` (RFC 7515 section 4.1.8).
  package let digest: SHA256Digest
  /// Owned; freed in `deinit`.
  private let key: OpaquePointer

  /// - Throws: ``Fault``.
  package init(der: [UInt8]) throws(Fault) {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let certificate = der.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      return d2i_X509(nil, &position, bytes.count)
    }
    guard let certificate else { throw .unreadable }
    defer { X509_free(certificate) }
    guard let key = X509_get_pubkey(certificate) else { throw .unreadable }
    guard SignerCertificate.isOnP256(key) else {
      EVP_PKEY_free(key)
      throw .noP256Key
    }
    self.key = key
    digest = SHA256.digest(of: der)
  }

  deinit {
    EVP_PKEY_free(key)
  }

  /// Whether `signature`, the two numbers of 32 octets each one after the other, is this signer's over `message`.
  package func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == 64, let context = EVP_MD_CTX_new() else { return false }
    ERR_clear_error()
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    let encoded = SignerCertificate.encoded(signature)
    return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
      && EVP_DigestVerify(context, encoded, encoded.count, message, message.count) == 1
  }

  private static func isOnP256(_ key: OpaquePointer) -> Bool {
    var name = [CChar](repeating: 0, count: 64)
    guard EVP_PKEY_get_base_id(key) == EVP_PKEY_EC, EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else {
      return false
    }
    return name.prefix { $0 != 0 }.elementsEqual("prime256v1".utf8.map(CChar.init(bitPattern:)))
  }

  /// The signature as OpenSSL takes it: a SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3).
  private static func encoded(_ signature: [UInt8]) -> [UInt8] {
    let numbers = [signature[..<32], signature[32...]].flatMap { half -> [UInt8] in
      var digits = Array(half.drop { $0 == 0 })
      if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
      return [0x02, UInt8(digits.count)] + digits
    }
    return [0x30, UInt8(numbers.count)] + numbers
  }
}
