import COpenSSL
import Testing

/// A key pair that issues certificates with OpenSSL, at run time.
final class Issuer: Sendable {
  /// `EVP_PKEY`, never written to after `init`; it lives as long as the tests, which OpenSSL lets threads share it for.
  private nonisolated(unsafe) let key: OpaquePointer

  static let p256 = Issuer(curve: NID_X9_62_prime256v1)
  static let p384 = Issuer(curve: NID_secp384r1)
  static let p521 = Issuer(curve: NID_secp521r1)
  static let secp256k1 = Issuer(curve: NID_secp256k1)
  static let rsa1024 = Issuer(rsaBits: 1024)
  static let rsa2048 = Issuer(rsaBits: 2048)
  static let ed25519 = Issuer(keyType: EVP_PKEY_ED25519) { _ in }

  private convenience init(curve: Int32) {
    self.init(keyType: EVP_PKEY_EC) { EVP_PKEY_CTX_set_ec_paramgen_curve_nid($0, curve) }
  }

  private convenience init(rsaBits: Int32) {
    self.init(keyType: EVP_PKEY_RSA) { EVP_PKEY_CTX_set_rsa_keygen_bits($0, rsaBits) }
  }

  private init<Ignored>(keyType: Int32, configure: (OpaquePointer?) -> Ignored) {
    let context = EVP_PKEY_CTX_new_id(keyType, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    EVP_PKEY_keygen_init(context)
    _ = configure(context)
    EVP_PKEY_keygen(context, &key)
    guard let key else { preconditionFailure("OpenSSL makes no key of type \(keyType)") }
    self.key = key
  }

  var subjectPublicKeyInfo: [UInt8] {
    var encoded: UnsafeMutablePointer<UInt8>?
    let length = i2d_PUBKEY(key, &encoded)
    defer { certreg_free(encoded) }
    return Array(UnsafeBufferPointer(start: encoded, count: Int(length)))
  }

  /// A digest to sign with.
  enum Digest: Sendable {
    case sha1, sha224, sha256, sha384, sha512
    /// For keys that bring their own.
    case none

    fileprivate var method: OpaquePointer? {
      switch self {
      case .sha1: EVP_sha1()
      case .sha224: EVP_sha224()
      case .sha256: EVP_sha256()
      case .sha384: EVP_sha384()
      case .sha512: EVP_sha512()
      case .none: nil
      }
    }
  }

  /// What a certificate is issued with.
  struct Request {
    var subject = "Device"
    /// `nil`: the subject.
    var issuer: String? = "Authority"
    /// Whose key it is for; `nil`: the issuer's own.
    var holder: Issuer?
    var digest = Digest.sha256
    /// Salt of an RSASSA-PSS signature; `nil`: another signature.
    var pssSaltLength: Int32?
    var isAuthority = false
    /// Seconds since 1970.
    var notBefore = 1_577_836_800
    var notAfter = 2_208_988_800
  }

  /// Issues a version 3 certificate and gives its DER.
  func issue(_ change: (inout Request) -> Void = { _ in }) -> [UInt8] {
    var request = Request()
    change(&request)
    let certificate = X509_new()
    defer { X509_free(certificate) }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711)
    setName(X509_get_subject_name(certificate), request.subject)
    setName(X509_get_issuer_name(certificate), request.issuer ?? request.subject)
    ASN1_TIME_set(X509_getm_notBefore(certificate), request.notBefore)
    ASN1_TIME_set(X509_getm_notAfter(certificate), request.notAfter)
    X509_set_pubkey(certificate, request.holder?.key ?? key)
    if request.isAuthority {
      let constraints = X509V3_EXT_conf_nid(nil, nil, NID_basic_constraints, "critical,CA:TRUE")
      X509_add_ext(certificate, constraints, -1)
      X509_EXTENSION_free(constraints)
    }
    sign(certificate, request)
    var encoded: UnsafeMutablePointer<UInt8>?
    let length = i2d_X509(certificate, &encoded)
    defer { certreg_free(encoded) }
    return Array(UnsafeBufferPointer(start: encoded, count: Int(length)))
  }

  private func setName(_ name: OpaquePointer?, _ commonName: String) {
    let text = Array(commonName.utf8)
    X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, text, Int32(text.count), -1, 0)
  }

  private func sign(_ certificate: OpaquePointer?, _ request: Request) {
    guard let saltLength = request.pssSaltLength else {
      X509_sign(certificate, key, request.digest.method)
      return
    }
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    EVP_DigestSignInit(context, &keyContext, request.digest.method, nil, key)
    EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING)
    EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, saltLength)
    X509_sign_ctx(certificate, context)
  }
}
