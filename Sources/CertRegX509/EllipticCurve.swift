import COpenSSL
import CertRegCore

/// A curve that AWS IoT supports (API reference, CreateCertificateFromCsr: NIST P-256, P-384 and P-521), with what
/// tells it apart where a key spells its parameters out.
final class EllipticCurve: Sendable {
  let name: String
  let bits: Int
  let identifier: ObjectIdentifier
  /// Parameters as big-endian numbers of the field's length.
  let prime: [UInt8]
  let a: [UInt8]
  let b: [UInt8]
  let generatorX: [UInt8]
  let generatorY: [UInt8]
  let order: [UInt8]
  /// What the coefficients were made from.
  let seed: [UInt8]
  /// `EC_GROUP`, never written to after `init` and never freed: OpenSSL allows threads to share it so.
  private nonisolated(unsafe) let group: OpaquePointer

  /// Made once. All three, or fewer where there was no memory for it or the library was built without: `prepare` of
  /// `CertificateValidator` looks.
  static let supported: [EllipticCurve] = [
    EllipticCurve("P-256", .p256, bits: 256, nid: NID_X9_62_prime256v1),
    EllipticCurve("P-384", .p384, bits: 384, nid: NID_secp384r1),
    EllipticCurve("P-521", .p521, bits: 521, nid: NID_secp521r1),
  ].compactMap { $0 }

  private init?(_ name: String, _ identifier: ObjectIdentifier, bits: Int, nid: Int32) {
    guard let group = EC_GROUP_new_by_curve_name(nid) else { return nil }
    self.name = name
    self.identifier = identifier
    self.bits = bits
    self.group = group
    let length = (bits + 7) / 8
    let numbers = (0..<6).compactMap { _ in BN_new() }
    defer { for number in numbers { BN_free(number) } }
    guard numbers.count == 6, EC_GROUP_get_curve(group, numbers[0], numbers[1], numbers[2], nil) == 1,
      let generator = EC_GROUP_get0_generator(group),
      EC_POINT_get_affine_coordinates(group, generator, numbers[3], numbers[4], nil) == 1,
      EC_GROUP_get_order(group, numbers[5], nil) == 1
    else { return nil }
    let values = numbers.map { number in
      [UInt8](unsafeUninitializedCapacity: length) { buffer, initialized in
        initialized = Int(max(0, BN_bn2binpad(number, buffer.baseAddress, Int32(length))))
      }
    }
    guard values.allSatisfy({ $0.count == length }) else { return nil }
    prime = values[0]
    a = values[1]
    b = values[2]
    generatorX = values[3]
    generatorY = values[4]
    order = values[5]
    seed = Array(UnsafeBufferPointer(start: EC_GROUP_get0_seed(group), count: EC_GROUP_get_seed_len(group)))
  }

  /// Whether `point` (SEC 1 section 2.3.4) can be a public key: it has one of the standard forms, lies on the curve and
  /// is not the point at infinity.
  func canDecode(point: [UInt8]) throws(ServiceError) -> Bool {
    ERR_clear_error()
    guard let decoded = EC_POINT_new(group) else { return try refusedByOpenSSL() }
    defer { EC_POINT_free(decoded) }
    let isOnCurve = point.withUnsafeBufferPointer {
      EC_POINT_oct2point(group, decoded, $0.baseAddress, $0.count, nil) == 1
    }
    return try isOnCurve ? EC_POINT_is_at_infinity(group, decoded) == 0 : refusedByOpenSSL()
  }
}
