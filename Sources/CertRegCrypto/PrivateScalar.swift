import COpenSSL

/// The public keys that belong to the numbers of private keys.
package enum PrivateScalar {
  /// The public key of a private key on a curve of RFC 5480 or RFC 8032.
  ///
  /// - Parameters:
  ///   - scalar: The private key, with all its octets.
  ///   - algorithm: The encoding of the curve's object identifier (RFC 5480 section 2.1.1.1), or of the algorithm (RFC
  ///     8410 section 3).
  /// - Returns: The uncompressed point, or the encoding of RFC 8032; `nil` where the number is no private key there.
  package static func publicKey(of scalar: [UInt8], algorithm: [UInt8]) -> [UInt8]? {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let identifier = identifier(algorithm)
    return identifier == NID_ED25519 ? edwards(scalar) : point(scalar, identifier)
  }

  /// Whether numbers are compared with public keys of an algorithm.
  package static func isKnown(_ algorithm: [UInt8]) -> Bool {
    ERR_clear_error()
    defer { ERR_clear_error() }
    let identifier = identifier(algorithm)
    return identifier == NID_ED25519 || curves.contains(identifier)
  }

  private static func identifier(_ algorithm: [UInt8]) -> Int32 {
    let object = algorithm.withUnsafeBufferPointer { bytes in
      var position = bytes.baseAddress
      return d2i_ASN1_OBJECT(nil, &position, bytes.count)
    }
    guard let object else { return NID_undef }
    defer { ASN1_OBJECT_free(object) }
    return OBJ_obj2nid(object)
  }

  private static func edwards(_ seed: [UInt8]) -> [UInt8]? {
    guard let key = EVP_PKEY_new_raw_private_key(NID_ED25519, nil, seed, seed.count) else { return nil }
    defer { EVP_PKEY_free(key) }
    var bytes = [UInt8](repeating: 0, count: 32)
    var count = bytes.count
    return EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1 && count == bytes.count ? bytes : nil
  }

  private static func point(_ scalar: [UInt8], _ curve: Int32) -> [UInt8]? {
    guard curves.contains(curve), let group = EC_GROUP_new_by_curve_name(curve) else { return nil }
    defer { EC_GROUP_free(group) }
    guard (Int(EC_GROUP_order_bits(group)) + 7) / 8 == scalar.count,
      let number = BN_bin2bn(scalar, Int32(scalar.count), nil)
    else { return nil }
    defer { BN_clear_free(number) }
    guard let point = EC_POINT_new(group) else { return nil }
    defer { EC_POINT_free(point) }
    guard EC_POINT_mul(group, point, number, nil, nil, nil) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 2 * scalar.count + 1)
    let count = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, &bytes, bytes.count, nil)
    return count == bytes.count ? bytes : nil
  }

  /// The curves of device certificates. Others would take far longer.
  private static let curves: Set<Int32> = [
    NID_X9_62_prime256v1, NID_secp224r1, NID_secp256k1, NID_secp384r1, NID_secp521r1,
  ]
}
