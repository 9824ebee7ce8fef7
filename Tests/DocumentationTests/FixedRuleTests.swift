import CertRegCore
import CertRegX509
import Testing

@testable import CertRegSettings

@Suite struct FixedRuleTests {
  @Test(arguments: CertificateReason.allCases)
  func `every reason is a policy, belongs to one, or says why it is no setting`(reason: CertificateReason) throws {
    let word = reason.rawValue
    let explanation = FixedRule.explanation(of: word)
    if ValidationPolicy(rawValue: word) != nil {
      #expect(explanation == nil)
    } else if let name = try #require(explanation, "\(word)").split(separator: " ").last, word != "shared_key",
      explanation?.contains("the setting is") == true
    {
      #expect(ValidationPolicy(rawValue: String(name)) != nil, "\(name)")
    }
  }
}
