import CertRegCore
import Testing

@testable import CertRegX509

/// Damaged certificates, judged by us and by OpenSSL.
@Suite struct MutationTests {
  private static let validator = CertificateValidator(policies: .all(.allow))

  /// The verdict under policies that allow all they can, which is what OpenSSL's decoder decides alone.
  private static func examine(_ der: [UInt8]) -> Result<CertificateExamination, ServiceError> {
    do throws(ServiceError) {
      return .success(try validator.examine(der: der, now: .testNow))
    } catch { return .failure(error) }
  }

  private static func check(_ der: [UInt8], _ comment: @autoclosure () -> Comment) {
    let theirs = OpenSSLOracle.decode(der)
    switch examine(der) {
    case .success(let examination):
      #expect(theirs != nil, comment())
      let isDefinite = der.count > 1 && der[1] != 0x80
      if isDefinite {
        #expect(theirs?.length == der.count, comment())
        let isCanonical = !examination.findings.contains { $0.message.contains("encoding it again") }
        #expect(theirs?.isCanonical == isCanonical, comment())
      }
      #expect(examination.findings.allSatisfy { isPrintable($0.message) }, comment())
      let description = examination.description
      let attributes = description.subject.attributes + description.issuer.attributes
      #expect(attributes.allSatisfy { isPrintable($0.type) && isPrintable($0.value) }, comment())
    case .failure(let error):
      switch error.reason.rawValue {
      case "malformed_der": #expect(theirs == nil, comment())
      case "trailing_data": #expect((theirs?.length ?? der.count) < der.count, comment())
      default: Issue.record("\(error)")
      }
    }
  }

  private static func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && !(0x80...0x9f).contains($0.value) }
  }

  @Test(arguments: [Issuer.p256, .rsa2048])
  func `every change of one byte gives a verdict, and OpenSSL's where the encoding is concerned`(_ issuer: Issuer) {
    let der = issuer.issue { $0.isAuthority = true }
    for index in der.indices {
      for change in [UInt8(0x01), 0x80, 0x20, 0xff] {
        var damaged = der
        damaged[index] ^= change
        Self.check(damaged, "byte \(index) of \(der.count), changed by \(change)")
      }
    }
  }

  @Test func `every cut gives a verdict`() {
    let der = Issuer.p256.issue()
    for count in 0..<der.count { Self.check(Array(der.prefix(count)), "\(count) of \(der.count) bytes") }
  }

  @Test(arguments: 1...6)
  func `random damage gives a verdict`(_ seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let sources = [Issuer.p256.issue(), Issuer.rsa2048.issue { $0.isAuthority = true }, CertificateParts().der]
    for round in 0..<600 {
      var der = sources[round % sources.count]
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<der.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: der[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: der.insert(UInt8.random(in: 0...255, using: &generator), at: index)
        case 2: der.remove(at: index)
        default:
          let end = Int.random(in: index...min(index + 40, der.count), using: &generator)
          der.insert(contentsOf: der[index..<end], at: index)
        }
      }
      Self.check(der, "seed \(seed), round \(round)")
    }
  }
}
