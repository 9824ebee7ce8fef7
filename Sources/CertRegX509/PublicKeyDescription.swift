/// A certificate's public key, as far as it could be read.
package struct PublicKeyDescription: Hashable, Sendable {
  /// `RSA`, `RSASSA-PSS`, `EC` or another algorithm's usual name or identifier.
  package var algorithm: String
  /// Size of an RSA modulus or of a curve's field; `nil` for algorithms that are not supported.
  package var bits: Int?
  /// Name of an EC key's curve, or its identifier.
  package var curve: String?

  package init(algorithm: String, bits: Int? = nil, curve: String? = nil) {
    self.algorithm = algorithm
    self.bits = bits
    self.curve = curve
  }
}
