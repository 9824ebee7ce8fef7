/// The fingerprint of RSA keys that Infineon's RSALib made (CVE-2017-15361).
///
/// The library made primes of the form `k * M + (65537^a mod M)` with M the product of small primes, so that the
/// modulus is a power of 65537 modulo each of those primes. A modulus made otherwise is one modulo all of them about
/// once in 2^27.
enum ROCAFingerprint {
  private static let primes = (2...167).filter { number in
    number > 2 && (2..<number).allSatisfy { number % $0 != 0 }
  }

  /// For each prime, which residues are powers of 65537.
  private static let powers: [[Bool]] = primes.map { prime in
    var isPower = [Bool](repeating: false, count: prime)
    var power = 1
    repeat {
      isPower[power] = true
      power = power * 65537 % prime
    } while power > 1
    return isPower
  }

  /// Whether `modulus`, a big-endian number, has the fingerprint.
  static func matches(modulus: [UInt8]) -> Bool {
    // RSALib made keys of 512 to 4096 bits.
    guard (64...512).contains(modulus.count) else { return false }
    return zip(primes, powers).allSatisfy { prime, isPower in
      isPower[modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }]
    }
  }
}
