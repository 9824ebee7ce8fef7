import CertRegCore

extension ValidationPolicies {
  /// Every policy set to `choice`.
  static func all(_ choice: PolicyChoice) -> ValidationPolicies {
    var policies = ValidationPolicies()
    for policy in ValidationPolicy.allCases { policies[policy] = choice }
    return policies
  }
}
