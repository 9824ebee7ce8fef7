import COpenSSL
package import CertRegCore

/// SHA-256 (FIPS 180-4) by OpenSSL's low-level functions: they need no memory, so that they cannot fail, and for inputs
/// of a certificate's size the `EVP` interface costs more for its set-up than for the digest. The functions `SHA256`
/// and `HMAC` are that interface since OpenSSL 3.
package enum SHA256 {
  private static let blockBytes = 64

  /// The digest of `bytes`.
  package static func digest(of bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    digest(of: bytes, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// The digest of `first` and `second`, one after the other.
  private static func digest(of first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> SHA256Digest {
    var context = SHA256_CTX()
    // These report no failure but that of a context they did not make.
    SHA256_Init(&context)
    if let start = first.baseAddress { SHA256_Update(&context, start, first.count) }
    if let start = second.baseAddress { SHA256_Update(&context, start, second.count) }
    var digest = SHA256Digest()
    digest.withMutableBytes { target in
      _ = SHA256_Final(target.baseAddress?.assumingMemoryBound(to: UInt8.self), &context)
    }
    return digest
  }

  /// The digest of `bytes`.
  package static func digest(of bytes: [UInt8]) -> SHA256Digest {
    bytes.withUnsafeBytes { digest(of: $0) }
  }

  /// The digest of the UTF-8 form of `text`.
  package static func digest(of text: String) -> SHA256Digest {
    digest(of: Array(text.utf8))
  }

  /// HMAC-SHA-256 (RFC 2104) of `message` under `key`.
  package static func authenticationCode(of message: [UInt8], key: [UInt8]) -> SHA256Digest {
    let short = key.count > blockBytes ? digest(of: key).bytes : key
    let block = short + [UInt8](repeating: 0, count: blockBytes - short.count)
    let inner = message.withUnsafeBytes { message in
      block.map { $0 ^ 0x36 }.withUnsafeBytes { digest(of: $0, message) }
    }
    return inner.withBytes { inner in
      block.map { $0 ^ 0x5c }.withUnsafeBytes { digest(of: $0, inner) }
    }
  }
}

/// Compares without a timing that tells where the difference lies.
package func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
