import COpenSSL
import CertRegCore
import Glibc

/// A certificate as OpenSSL's template decoder sees it; owns the C structure.
struct OpenSSLCertificate: ~Copyable {
  private let handle: UnsafeMutablePointer<CertregCertificate>
  /// How many of the bytes the certificate takes; what follows was not looked at.
  let encodedLength: Int

  /// Decodes as `d2i_X509` does, except for the public key; `nil` if OpenSSL refuses, with the cause in `reason`.
  init?(der: [UInt8], reason: inout String) throws(ServiceError) {
    ERR_clear_error()
    var used = 0
    let decoded = der.withUnsafeBufferPointer { certreg_certificate_decode($0.baseAddress, $0.count, &used) }
    guard let decoded else {
      reason = try takeOpenSSLError()
      return nil
    }
    ERR_clear_error()
    handle = decoded
    encodedLength = used
  }

  deinit {
    certreg_certificate_free(handle)
  }

  /// Whether encoding again gives exactly `der`: `i2d(d2i(der)) == der`.
  func encodes(to der: [UInt8]) throws(ServiceError) -> Bool {
    var encoded: UnsafeMutablePointer<UInt8>?
    ERR_clear_error()
    let length = certreg_certificate_encode(handle, &encoded)
    guard length >= 0, let encoded else { return try refusedByOpenSSL() }
    defer { certreg_free(encoded) }
    return Int(length) == der.count && memcmp(encoded, der, der.count) == 0
  }

  /// Whether `key` verifies the signature, as `X509_verify` would say.
  func isSigned(by key: borrowing OpenSSLPublicKey) throws(ServiceError) -> Bool {
    ERR_clear_error()
    return try certreg_certificate_verify(handle, key.handle) == 1 ? true : refusedByOpenSSL()
  }
}

/// A public key; owns the `EVP_PKEY`.
struct OpenSSLPublicKey: ~Copyable {
  fileprivate let handle: OpaquePointer

  /// Decodes a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7); `nil` if OpenSSL cannot.
  ///
  /// For keys whose algorithm and size were looked at before: the decoders do work that grows with both.
  init?(subjectPublicKeyInfo: ArraySlice<UInt8>) throws(ServiceError) {
    ERR_clear_error()
    let key = subjectPublicKeyInfo.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      return d2i_PUBKEY(nil, &position, bytes.count)
    }
    guard let key else {
      _ = try refusedByOpenSSL()
      return nil
    }
    ERR_clear_error()
    handle = key
  }

  deinit {
    EVP_PKEY_free(handle)
  }
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017 appendix A.1.1) by OpenSSL's decoder; owns the `RSA`.
struct OpenSSLRSAKey: ~Copyable {
  private let handle: OpaquePointer

  init?(rsaPublicKey: [UInt8]) throws(ServiceError) {
    ERR_clear_error()
    let key = rsaPublicKey.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      return d2i_RSAPublicKey(nil, &position, bytes.count)
    }
    guard let key else {
      _ = try refusedByOpenSSL()
      return nil
    }
    ERR_clear_error()
    handle = key
  }

  deinit {
    RSA_free(handle)
  }

  /// Bits of the modulus, read as an unsigned number.
  var modulusBits: Int { Int(RSA_bits(handle)) }

  /// The modulus without its sign, big-endian.
  var modulus: [UInt8] { magnitude(RSA_get0_n(handle)) }
  /// The public exponent without its sign, big-endian.
  var exponent: [UInt8] { magnitude(RSA_get0_e(handle)) }

  private func magnitude(_ number: OpaquePointer?) -> [UInt8] {
    guard let number else { return [] }
    let count = (Int(BN_num_bits(number)) + 7) / 8
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count == 0 ? 0 : Int(BN_bn2bin(number, buffer.baseAddress))
    }
  }
}

/// Takes the oldest error of this thread's queue as text and empties the queue. The text comes from OpenSSL's own
/// tables.
///
/// - Throws: If OpenSSL had no memory, so that its refusal says nothing about the input.
private func takeOpenSSLError() throws(ServiceError) -> String {
  let first = ERR_get_error()
  var code = first
  while code != 0 {
    guard certreg_is_lack_of_memory(code) == 0 else {
      ERR_clear_error()
      throw CertificateReason.outOfMemory.error("there is no memory to look at the certificate")
    }
    code = ERR_get_error()
  }
  guard first != 0, let reason = ERR_reason_error_string(first) else { return "not a certificate" }
  return String(cString: reason)
}

/// After something that OpenSSL did not do: `false` if it refused to, an error where it could not.
func refusedByOpenSSL() throws(ServiceError) -> Bool {
  _ = try takeOpenSSLError()
  return false
}
