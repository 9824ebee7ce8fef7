/// Numbers with the fingerprint of Infineon's keys (CVE-2017-15361), made without the library that made those.
enum ROCA {
  /// A number that is 1, which is a power of 65537, modulo all of the primes up to 167. It has at least `count` bytes.
  static func modulus(bytes count: Int) -> [UInt8] {
    let primes = (3...167).filter { number in (2..<number).allSatisfy { number % $0 != 0 } }
    var product: [UInt8] = [1]
    for prime in primes { product = multiply(product, by: prime) }
    while product.count < count { product = multiply(product, by: 251) }
    return add(product, 1)
  }

  static func multiply(_ number: [UInt8], by factor: Int) -> [UInt8] {
    var carry = 0
    var result: [UInt8] = []
    for octet in number.reversed() {
      carry += Int(octet) * factor
      result.insert(UInt8(carry & 255), at: 0)
      carry >>= 8
    }
    while carry > 0 {
      result.insert(UInt8(carry & 255), at: 0)
      carry >>= 8
    }
    return result
  }

  static func add(_ number: [UInt8], _ addend: Int) -> [UInt8] {
    var carry = addend
    return Array(
      number.reversed().map { octet in
        carry += Int(octet)
        defer { carry >>= 8 }
        return UInt8(carry & 255)
      }.reversed())
  }
}
