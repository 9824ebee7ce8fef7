import COpenSSL

/// The numbers of RSA keys that are secret (RFC 8017 section 3.2).
package enum RSASecret {
  /// Larger keys than certregd takes would need too long.
  private static let largestModulus = 1025
  private static let largestExponent = 8
  /// So many leading octets of a secret number can be zero.
  private static let mostZeros = 8

  /// Whether a number is long enough for a secret number of an RSA key, and no longer than the key. Costs nothing beside
  /// ``belongs(_:modulus:exponent:)``, which takes milliseconds.
  ///
  /// - Parameters:
  ///   - number: The octets of the number, the highest first.
  ///   - modulus: Those of the public key's modulus.
  package static func mayBelong(_ number: [UInt8], modulus: [UInt8]) -> Bool {
    let length = number.drop { $0 == 0 }.count
    let size = modulus.drop { $0 == 0 }.count
    return size <= largestModulus && length <= size && length + mostZeros >= size / 2 && length > mostZeros
  }

  /// Whether a number is a prime of an RSA key, or an exponent that undoes the public one modulo the key or a prime.
  ///
  /// - Parameters:
  ///   - number: The octets of the number, the highest first.
  ///   - modulus: Those of the public key's modulus.
  ///   - exponent: Those of its exponent.
  package static func belongs(_ number: [UInt8], modulus: [UInt8], exponent: [UInt8]) -> Bool {
    guard mayBelong(number, modulus: modulus), exponent.count <= largestExponent else { return false }
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let context = BN_CTX_new() else { return false }
    defer { BN_CTX_free(context) }
    let octets: [[UInt8]] = [number, modulus, exponent, [2], [], []]
    let numbers: [OpaquePointer] = octets.compactMap { BN_bin2bn($0, Int32($0.count), nil) }
    defer { for number in numbers { BN_clear_free(number) } }
    guard numbers.count == octets.count, BN_cmp(numbers[0], numbers[1]) < 0 else { return false }
    let (secret, modulus, exponent, two, product, result) =
      (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    if BN_div(nil, result, modulus, secret, context) == 1, BN_is_zero(result) == 1 { return true }
    // With both exponents 2 becomes 2 again, modulo the key or a prime, which divides the difference then.
    guard BN_mul(product, secret, exponent, context) == 1, BN_mod_exp(result, two, product, modulus, context) == 1,
      BN_sub(result, result, two) == 1, BN_gcd(product, result, modulus, context) == 1
    else { return false }
    return BN_is_one(product) == 0
  }
}
