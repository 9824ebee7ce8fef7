import COpenSSL

/// What OpenSSL itself says about bytes and texts, to compare with.
enum OpenSSLOracle {
  /// What `d2i_X509` makes of `der`: how many bytes it takes, and whether encoding gives them again; `nil` where it refuses.
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
