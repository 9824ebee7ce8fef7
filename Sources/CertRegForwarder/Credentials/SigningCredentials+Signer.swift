import CertRegCore
import CertRegCrypto
package import CertRegSigV4

extension SigningCredentials {
  /// Stands for the account that requests are signed in: other accounts have another one. `nil`: the key does not tell.
  ///
  /// All access keys of an account have the same characters after the first four, up to the twelfth, if they were made since
  /// about 2019, which the fifth character shows. AWS does not promise that: only GetAccessKeyInfo names the account of a key
  /// (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html). So nothing follows from a change but
  /// that the next ARN decides. The result is a digest, which can be kept in a file.
  package var signer: String? {
    let key = Array(accessKeyID.utf8)
    let letters = UInt8(ascii: "Q")...UInt8(ascii: "Z")
    let digits = UInt8(ascii: "2")...UInt8(ascii: "7")
    guard key.count == 20, letters.contains(key[4]) || digits.contains(key[4]) else { return nil }
    return String(SHA256.digest(of: Array(key[4..<12])).hex.prefix(16))
  }
}
