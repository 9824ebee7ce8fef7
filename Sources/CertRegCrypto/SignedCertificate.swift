import COpenSSL

/// A certificate whose signature can be compared with the public keys of others.
package final class SignedCertificate {
  /// Owned; freed in `deinit`.
  private let handle: OpaquePointer

  /// - Returns: `nil` where OpenSSL cannot read the encoding.
  package init?(der: [UInt8]) {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let certificate = der.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      return d2i_X509(nil, &position, bytes.count)
    }
    guard let certificate else { return nil }
    handle = certificate
  }

  deinit {
    X509_free(handle)
  }

  /// Whether the key of `issuer` made the signature; `nil` where that cannot be told, because the key or the algorithm
  /// is not known, or the host does not allow it.
  package func isSigned(by issuer: SignedCertificate) -> Bool? {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let key = X509_get0_pubkey(issuer.handle) else { return nil }
    let result = X509_verify(handle, key)
    if result == 1 { return true }
    if result < 0 {
      // A key of another type made no such signature.
      return ERR_GET_REASON(ERR_peek_last_error()) == ASN1_R_WRONG_PUBLIC_KEY_TYPE ? false : nil
    }
    var digest: Int32 = NID_undef
    guard X509_get_signature_info(handle, &digest, nil, nil, nil) == 1 else { return nil }
    // Policies of hosts forbid these, and OpenSSL tells that as it tells a signature of another key.
    return [NID_md2, NID_md4, NID_md5, NID_md5_sha1, NID_sha1].contains(digest) ? nil : false
  }
}
