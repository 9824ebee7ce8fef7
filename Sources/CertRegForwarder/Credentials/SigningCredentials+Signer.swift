import CertRegCore
import CertRegCrypto
package import CertRegSigV4

extension SigningCredentials {
  /// Stands for the account that requests are signed in: other accounts have another one. `nil`: the key does not tell.
  ///
  /// In access keys made since about 2019, which the fifth character shows, 40 bits stand for the account: the
  /// characters after the first four, up to the twelfth, and the first bit of the thirteenth, in base32. AWS does not
  /// promise that: only GetAccessKeyInfo names the account of a key
  /// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html). So nothing follows from a change
  /// but that the next ARN decides. The result is a digest, which can be kept in a file.
  package var signer: String? {
    let key = Array(accessKeyID.utf8)
    guard key.count == 20, Self.beginsWithOne(key[4]) else { return nil }
    return String(SHA256.digest(of: key[4..<12] + [Self.beginsWithOne(key[12]) ? 1 : 0]).hex.prefix(16))
  }

  /// Whether the first of the five bits of a character of base32 is set (RFC 4648 section 6).
  private static func beginsWithOne(_ character: UInt8) -> Bool {
    (UInt8(ascii: "Q")...UInt8(ascii: "Z")).contains(character)
      || (UInt8(ascii: "2")...UInt8(ascii: "7")).contains(character)
  }
}
