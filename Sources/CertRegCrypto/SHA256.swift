import COpenSSL
package import CertRegCore

/// SHA-256 (FIPS 180-4) by OpenSSL's low-level functions: for inputs of a certificate's size the `EVP` interface costs
/// more for its set-up than for the digest.
package enum SHA256 {
  /// The digest of `bytes`.
  package static func digest(of bytes: UnsafeRawBufferPointer) -> SHA256Digest {
    var digest = SHA256Digest()
    digest.withMutableBytes { target in
      _ = COpenSSL.SHA256(
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count,
        target.baseAddress?.assumingMemoryBound(to: UInt8.self))
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
    var digest = SHA256Digest()
    var length: UInt32 = 0
    digest.withMutableBytes { target in
      _ = HMAC(
        EVP_sha256(), key, Int32(key.count), message, message.count,
        target.baseAddress?.assumingMemoryBound(to: UInt8.self), &length)
    }
    return digest
  }
}

/// Compares without a timing that tells where the difference lies.
package func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}
