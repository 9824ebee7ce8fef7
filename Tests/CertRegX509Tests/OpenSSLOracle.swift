import COpenSSL

/// What OpenSSL itself says about bytes and texts, to compare with.
enum OpenSSLOracle {
  /// What `d2i_X509` makes of `der`: how many bytes it takes, and whether encoding gives them again; `nil` where it
  /// refuses.
  static func decode(_ der: [UInt8]) -> (length: Int, isCanonical: Bool)? {
    defer { ERR_clear_error() }
    return der.withUnsafeBufferPointer { bytes -> (length: Int, isCanonical: Bool)? in
      var position = bytes.baseAddress
      guard let certificate = d2i_X509(nil, &position, bytes.count) else { return nil }
      defer { X509_free(certificate) }
      var encoded: UnsafeMutablePointer<UInt8>?
      let length = i2d_X509(certificate, &encoded)
      defer { certreg_free(encoded) }
      let same = Int(length) == der.count && UnsafeBufferPointer(start: encoded, count: der.count).elementsEqual(der)
      return (position.map { $0 - bytes.baseAddress.unsafelyUnwrapped } ?? 0, same)
    }
  }

  /// Whether one of the certificate's basic constraints says so to OpenSSL's decoder of extensions; `nil` where
  /// `d2i_X509` refuses the certificate.
  static func isAuthority(_ der: [UInt8]) -> Bool? {
    defer { ERR_clear_error() }
    return der.withUnsafeBufferPointer { bytes -> Bool? in
      var position = bytes.baseAddress
      guard let certificate = d2i_X509(nil, &position, bytes.count) else { return nil }
      defer { X509_free(certificate) }
      return (0..<X509_get_ext_count(certificate)).contains { index in
        let entry = X509_get_ext(certificate, index)
        guard OBJ_obj2nid(X509_EXTENSION_get_object(entry)) == NID_basic_constraints, let value = X509V3_EXT_d2i(entry)
        else { return false }
        let constraints = value.assumingMemoryBound(to: BASIC_CONSTRAINTS.self)
        defer { BASIC_CONSTRAINTS_free(constraints) }
        return constraints.pointee.ca != 0
      }
    }
  }

  /// The bytes of the block that `PEM_read_bio_X509` would decode; `nil` where it finds none.
  static func pemBytes(_ text: [UInt8]) -> [UInt8]? {
    defer { ERR_clear_error() }
    let input = BIO_new_mem_buf(text, Int32(text.count))
    defer { BIO_free(input) }
    var bytes: UnsafeMutablePointer<UInt8>?
    var length = 0
    guard PEM_bytes_read_bio(&bytes, &length, nil, "CERTIFICATE", input, nil, nil) == 1 else { return nil }
    defer { certreg_free(bytes) }
    return Array(UnsafeBufferPointer(start: bytes, count: length))
  }
}
