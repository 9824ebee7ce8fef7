import CertRegCore
import Foundation
import Testing

@testable import CertRegSettings

/// The least policy of IAM for a configuration.
@Suite struct IAMPolicyTests {
  /// The statements as lines: `ACTION RESOURCE…`.
  private func lines(_ file: String) throws -> [String] {
    IAMPolicy(try load(file).settings).statements.map {
      ($0.actions.count == 1 ? $0.actions : [$0.identifier]).joined() + " " + $0.resources.joined(separator: " ")
    }
  }

  /// What a configuration without profiles needs in the region `eu-central-1`, where nothing restricts peers.
  private static let plain = [
    "iot:DescribeCertificate arn:aws:iot:eu-central-1:*:cert/*", "iot:ListAttachedPolicies *",
    "iot:ListPrincipalThings arn:aws:iot:eu-central-1:*:cert/*", "iot:RegisterCertificateWithoutCA *",
    "iot:UpdateCertificate arn:aws:iot:eu-central-1:*:cert/*",
  ]
  private static let target = "targets: {line: {region: eu-central-1}}\n"

  @Test func `a configuration without profiles needs the operations of the socket`() throws {
    #expect(try lines(Self.target) == Self.plain)
  }

  @Test(arguments: [
    ("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-east-1", "aws"),
    ("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b"), ("eusc-de-east-1", "aws-eusc"),
  ])
  func `a region belongs to a partition`(region: String, partition: String) throws {
    let expected = "iot:UpdateCertificate arn:\(partition):iot:\(region):*:cert/*"
    #expect(try lines("targets: {line: {region: \(region)}}").contains(expected))
  }

  @Test(arguments: [("status", []), ("[lookup, validate]", []), ("update", ["iot:UpdateCertificate"])])
  func `whoever may not register needs no right to`(operations: String, actions: [String]) throws {
    let file = Self.target + "access: [{user: \"*\", operations: \(operations)}]\n"
    let found = try lines(file)
    #expect(found.map { $0.split(separator: " ").first.map(String.init) } == actions, "\(found)")
    #expect(actions.isEmpty == (try load(file).settings.iamPolicy).contains(#""Statement": []"#))
    let describing = "targets: {line: {region: eu-central-1, describeExisting: true}}\n"
    #expect(try lines(describing + "access: [{user: \"*\", operations: status}]\n").isEmpty)
  }

  @Test func `a target without a region may be in any`() throws {
    #expect(try lines("{}").contains("iot:UpdateCertificate arn:aws:iot:*:*:cert/*"))
  }

  @Test func `targets of several regions have a resource each`() throws {
    let found = try lines("targets: {b: {region: us-east-1}, a: {region: eu-west-1}}\ndefaultTarget: a")
    #expect(
      found.contains("iot:UpdateCertificate arn:aws:iot:eu-west-1:*:cert/* arn:aws:iot:us-east-1:*:cert/*"), "\(found)")
  }

  @Test(arguments: [
    ("[{user: root}]", ["DescribeCertificate", "ListAttachedPolicies", "ListPrincipalThings", "UpdateCertificate"]),
    ("[{user: root, operations: [register]}]", []),
    ("[{user: root, operations: [register, update]}]", ["UpdateCertificate"]),
    (
      "[{user: root, operations: register}, {user: \"*\", operations: describe}]",
      ["DescribeCertificate", "ListAttachedPolicies", "ListPrincipalThings"]
    ),
    ("[{user: root, targets: other, operations: [register, update]}]", []),
  ])
  func `operations that no rule grants need nothing`(rules: String, actions: [String]) throws {
    let found = try lines(
      "targets: {line: {region: eu-central-1}, other: {region: us-east-1}}\ndefaultTarget: line\naccess: \(rules)")
    let inRegion = found.filter { $0.contains("eu-central-1") || $0.hasSuffix("ListAttachedPolicies *") }
    #expect(inRegion.map { $0.dropFirst(4).prefix { $0 != " " } }.map { String($0) } == actions, "\(found)")
    #expect(found.contains("iot:RegisterCertificateWithoutCA *"))
  }

  @Test(arguments: [
    ("{policies: [a]}", ["iot:AttachPolicy arn:aws:iot:eu-central-1:*:cert/*"]),
    (
      "{policies: [a], activateLast: true}",
      [
        "iot:AttachPolicy arn:aws:iot:eu-central-1:*:cert/*",
        "iot:DescribeCertificate arn:aws:iot:eu-central-1:*:cert/*",
        "iot:UpdateCertificate arn:aws:iot:eu-central-1:*:cert/*",
      ]
    ),
    (
      "{thing: {name: \"{deviceId}\"}}",
      [
        "iot:AttachThingPrincipal arn:aws:iot:eu-central-1:*:cert/*",
        "iot:CreateThing arn:aws:iot:eu-central-1:*:thing/*",
      ]
    ),
    (
      "{thing: {name: \"sensor-{site}{deviceId}:x\", type: t, groups: [hall-7, \"{site}\"]}}",
      [
        "iot:AddThingToThingGroup arn:aws:iot:eu-central-1:*:thing/sensor-*:x arn:aws:iot:eu-central-1:*:thinggroup/*"
          + " arn:aws:iot:eu-central-1:*:thinggroup/hall-7",
        "iot:AttachThingPrincipal arn:aws:iot:eu-central-1:*:cert/*",
        "iot:CreateThing arn:aws:iot:eu-central-1:*:thing/sensor-*:x",
      ]
    ),
    ("{template: /t.json}", ["ProvisionByTemplate *"]),
  ])
  func `a profile needs the calls of its steps`(profile: String, expected: [String]) throws {
    let rules = "access: [{user: root, operations: register}]"
    let found = try lines(Self.target + rules + "\nprovisioning: {p: \(profile)}")
    #expect(found.filter { $0 != "iot:RegisterCertificateWithoutCA *" } == expected)
  }

  @Test func `a profile that no rule grants needs nothing`() throws {
    let text = """
      targets: {line: {region: eu-central-1}, other: {region: us-east-1, provision: sensors}}
      defaultTarget: line
      provisioning: {sensors: {policies: [a]}, pumps: {thing: {name: a}}}
      access: [{user: root, operations: register, targets: line, provision: sensors}]
      """
    #expect(
      try lines(text) == ["iot:AttachPolicy arn:aws:iot:eu-central-1:*:cert/*", "iot:RegisterCertificateWithoutCA *"])
  }

  @Test func `what targets ask AWS for is part of it`() throws {
    let rules = "access: [{user: root, operations: register}]\n"
    #expect(
      try lines(rules + "targets: {line: {region: eu-central-1, ratePerSecond: account, describeExisting: true}}") == [
        "iot:DescribeCertificate arn:aws:iot:eu-central-1:*:cert/*", "servicequotas:GetServiceQuota *",
        "iot:RegisterCertificateWithoutCA *",
      ])
  }

  @Test func `the sandbox changes nothing`() throws {
    #expect(try lines(Self.target + "sandbox: true") == Self.plain)
  }

  @Test func `is written as a document of IAM`() throws {
    let text = try load(Self.target + "access: [{user: root, operations: [register, update]}]").settings.iamPolicy
    #expect(
      text == """
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "RegisterCertificateWithoutCA",
              "Effect": "Allow",
              "Action": ["iot:RegisterCertificateWithoutCA"],
              "Resource": ["*"]
            },
            {
              "Sid": "UpdateCertificate",
              "Effect": "Allow",
              "Action": ["iot:UpdateCertificate"],
              "Resource": ["arn:aws:iot:eu-central-1:*:cert/*"]
            }
          ]
        }

        """)
  }

  @Test func `is the same in whatever order targets, profiles and rules are written`() throws {
    let targets = [
      "  a: {region: eu-central-1, provision: one}\n", "  b: {region: us-east-1, provision: two}\n",
      "  c: {region: cn-north-1}\n",
    ]
    let profiles = [
      "  one: {policies: [first, second], thing: {name: \"{deviceId}\", groups: [hall]}}\n",
      "  two: {policies: [second, third], thing: {name: \"{cn}\"}}\n",
    ]
    let rules = ["  - {user: 1, targets: [a], operations: [describe]}\n", "  - {user: 2, provision: [two]}\n"]
    func policy(_ order: ([String]) -> [String]) throws -> String {
      let text =
        "defaultTarget: a\ntargets:\n" + order(targets).joined() + "provisioning:\n" + order(profiles).joined()
        + "access:\n" + order(rules).joined()
      return try load(text).settings.iamPolicy
    }
    #expect(try policy { $0 } == policy { $0.reversed() })
  }

  @Test func `is JSON with unique, sorted identifiers`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<100 {
      let settings = random.settings()
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(settings.iamPolicy.utf8)) as? [String: Any], "seed \(seed)")
      let statements = try #require(document["Statement"] as? [[String: Any]])
      let identifiers = statements.compactMap { $0["Sid"] as? String }
      #expect(identifiers == Set(identifiers).sorted() && identifiers.count == statements.count, "seed \(seed)")
      #expect(identifiers.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } })
      let resources = statements.flatMap { $0["Resource"] as? [String] ?? [] }
      #expect(resources.allSatisfy { $0 == "*" || $0.split(separator: ":", maxSplits: 5).count == 6 }, "seed \(seed)")
    }
  }
}
