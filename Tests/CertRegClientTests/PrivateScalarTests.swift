import CertRegCrypto
import Testing

@testable import CertRegClient

/// The public keys of private keys.
@Suite struct PrivateScalarTests {
  @Test func `the key 1 has the generator of its curve`() {
    // SEC 2 section 2.4.2.
    let generator: [UInt8] = [
      0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,
    ]
    let one = [UInt8](repeating: 0, count: 31) + [1]
    let curve: [UInt8] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
    #expect(PrivateScalar.publicKey(of: one, algorithm: curve)?.starts(with: generator) == true)
    #expect(PrivateScalar.publicKey(of: one + [1], algorithm: curve) == nil)
    #expect(PrivateScalar.publicKey(of: [UInt8](repeating: 0, count: 32), algorithm: curve) == nil)
    #expect(PrivateScalar.publicKey(of: one, algorithm: [0x06, 0x01]) == nil)
  }

  @Test func `Ed25519 has the keys of RFC 8032`() throws {
    // Section 7.1, test 1.
    let seed = try #require(
      RawKey.hexadecimal("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    let key = RawKey.hexadecimal("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    #expect(PrivateScalar.publicKey(of: seed, algorithm: [0x06, 0x03, 0x2B, 0x65, 0x70]) == key)
  }
}
