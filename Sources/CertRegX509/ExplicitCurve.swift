/// Curve parameters that are spelled out (SpecifiedECDomain, SEC 1 section C.2).
enum ExplicitCurve {
  /// The supported curve that `parameters` spell out; `nil` if they are another curve's, or not well formed.
  ///
  /// Numbers are compared and never computed with: strangers' parameters are what made OpenSSL loop without end
  /// (CVE-2022-0778).
  static func recognize(_ parameters: DERReader.Element, in der: [UInt8]) -> EllipticCurve? {
    try? parse(parameters, in: der)
  }

  private static func parse(
    _ parameters: DERReader.Element, in der: [UInt8]
  ) throws(DERReader.Fault) -> EllipticCurve? {
    var domain = DERReader(der, in: parameters.content)
    _ = try domain.next(DERTag.integer)
    var field = domain.inside(try domain.next(DERTag.sequence))
    let fieldType = ObjectIdentifier(der[try field.next(DERTag.objectIdentifier).content])
    let prime = der[try field.next(DERTag.integer).content]
    var coefficients = domain.inside(try domain.next(DERTag.sequence))
    let a = der[try coefficients.next(DERTag.octetString).content]
    let b = der[try coefficients.next(DERTag.octetString).content]
    var seed: ArraySlice<UInt8>?
    if let element = try coefficients.nextIfPresent(DERTag.bitString) { seed = der[element.content].dropFirst() }
    let base = der[try domain.next(DERTag.octetString).content]
    let order = der[try domain.next(DERTag.integer).content]
    var cofactor: ArraySlice<UInt8>?
    if let element = try domain.nextIfPresent(DERTag.integer) { cofactor = der[element.content] }
    // A cofactor of zero says as little as none.
    guard fieldType == .primeField, cofactor.map({ isNumber($0, [1]) || isNumber($0, []) }) ?? true else { return nil }
    return EllipticCurve.supported.first { curve in
      isNumber(prime, curve.prime) && isNumber(a, curve.a) && isNumber(b, curve.b) && isNumber(order, curve.order)
        && isGenerator(base, of: curve) && (seed.map { $0.isEmpty || $0.elementsEqual(curve.seed) } ?? true)
    }
  }

  private static func isNumber(_ bytes: ArraySlice<UInt8>, _ number: [UInt8]) -> Bool {
    bytes.drop { $0 == 0 }.elementsEqual(number.drop { $0 == 0 })
  }

  /// Compressed, uncompressed or hybrid (SEC 1 section 2.3.3, X9.62 section 4.3.6).
  private static func isGenerator(_ point: ArraySlice<UInt8>, of curve: EllipticCurve) -> Bool {
    guard let form = point.first, let lowest = curve.generatorY.last else { return false }
    let coordinates = point.dropFirst()
    let parity = lowest & 1
    switch form {
    case 2, 3: return form & 1 == parity && coordinates.elementsEqual(curve.generatorX)
    case 4: return coordinates.elementsEqual(curve.generatorX + curve.generatorY)
    case 6, 7: return form & 1 == parity && coordinates.elementsEqual(curve.generatorX + curve.generatorY)
    default: return false
    }
  }
}
