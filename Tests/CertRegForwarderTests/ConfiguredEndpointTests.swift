import CertRegCore
import Testing

@testable import CertRegForwarder

/// The cases of botocore 1.44.8 (`tests/functional/configured_endpoint_urls/profile-tests.json`, Apache License 2.0),
/// with AWS IoT in the place of S3 and the Security Token Service in that of DynamoDB.
@Suite struct ConfiguredEndpointTests {
  /// Profile, the target's `endpoint`, variables, service, expected host.
  private static let cases = """
    global - - iot profile
    specific - - iot services-iot
    both - - iot services-iot
    - - global iot variable
    global - global iot variable
    specific - global iot variable
    both - global iot variable
    - - specific iot variable-iot
    global - specific iot variable-iot
    specific - specific iot variable-iot
    both - specific iot variable-iot
    - - both iot variable-iot
    global - both iot variable-iot
    specific - both iot variable-iot
    both - both iot variable-iot
    - own - iot own
    global own - iot own
    specific own - iot own
    both own - iot own
    - own global iot own
    global own global iot own
    specific own global iot own
    both own global iot own
    - own specific iot own
    global own specific iot own
    specific own specific iot own
    both own specific iot own
    - own both iot own
    global own both iot own
    specific own both iot own
    both own both iot own
    both - ignored iot iot.fake-region-10.amazonaws.com
    ignored - both iot iot.fake-region-10.amazonaws.com
    both none both iot iot.fake-region-10.amazonaws.com
    ignored own both iot own
    both own ignored iot own
    both own both iot own
    two - - sts services-sts
    - - two sts variable-sts
    """

  private static let variables = [
    "-": [:], "global": ["AWS_ENDPOINT_URL": "https://variable"],
    "specific": ["AWS_ENDPOINT_URL_IOT": "https://variable-iot"],
    "both": ["AWS_ENDPOINT_URL": "https://variable", "AWS_ENDPOINT_URL_IOT": "https://variable-iot"],
    "ignored": [
      "AWS_ENDPOINT_URL": "https://variable", "AWS_ENDPOINT_URL_IOT": "https://variable-iot",
      "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    ],
    "two": ["AWS_ENDPOINT_URL_STS": "https://variable-sts", "AWS_ENDPOINT_URL_IOT": "https://variable-iot"],
  ]

  private static let profiles = """
    [profile -]
    region = fake-region-10
    [profile global]
    region = fake-region-10
    endpoint_url = https://profile
    [profile specific]
    region = fake-region-10
    services = one
    [profile both]
    region = fake-region-10
    endpoint_url = https://profile
    services = one
    [profile ignored]
    region = fake-region-10
    endpoint_url = https://profile
    services = one
    ignore_configured_endpoint_urls = true
    [profile two]
    region = fake-region-10
    services = two
    [services one]
    iot =
      endpoint_url = https://services-iot
    [services two]
    sts =
      endpoint_url = https://services-sts
    iot =
      endpoint_url = https://services-iot
    """

  @Test func `the endpoint comes from botocore's place`() throws {
    let rows = tableRows(Self.cases)
    #expect(rows.count == 39)
    for row in rows {
      var target = TargetConfiguration(credentials: .profile(name: row[0], file: nil))
      if row[1] == "own" { target.endpoint = "https://own" }
      if row[1] == "none" { target.withoutValue = [.endpoint] }
      let variables = try #require(Self.variables[row[2]])
      for isFilled in [false, true] where target.endpoint == nil || !isFilled {
        var target = target
        // The settings take the endpoint from the variables before the profile is known.
        if isFilled, row[1] == "-", variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == nil,
          let url = variables["AWS_ENDPOINT_URL_IOT"] ?? variables["AWS_ENDPOINT_URL"]
        {
          target.endpoint = url
          target.fromSDKVariables = [.endpoint]
        }
        let resolver = resolver(target, variables, config: Self.profiles)
        let url =
          row[3] == "iot"
          ? try resolver.iot(region: "fake-region-10") : try resolver.sts(region: "fake-region-10").url
        #expect(url.host == row[4], "\(row)")
      }
    }
  }

  @Test func `IAM Roles Anywhere has an endpoint of its own, too`() throws {
    let target = TargetConfiguration(credentials: .chain)
    let region = "eu-west-1"
    #expect(try resolver(target).rolesAnywhere(region: region).host == "rolesanywhere.eu-west-1.amazonaws.com")
    let variable = ["AWS_ENDPOINT_URL": "https://all"]
    #expect(try resolver(target, variable).rolesAnywhere(region: region).host == "all")
    let both = variable.merging(["AWS_ENDPOINT_URL_ROLESANYWHERE": "https://own"]) { $1 }
    #expect(try resolver(target, both).rolesAnywhere(region: region).host == "own")
    let config = "[default]\nservices = s\n[services s]\nrolesanywhere =\n  endpoint_url = https://profile"
    #expect(try resolver(target, config: config).rolesAnywhere(region: region).host == "profile")
  }

  @Test(arguments: ["", "[services s]\n"])
  func `services that are nowhere are an error`(section: String) throws {
    let config = "[default]\nendpoint_url = https://all\nservices = s\n" + section
    let own = resolver(TargetConfiguration(credentials: .chain), config: config)
    let error = #expect(throws: EndpointError.self) { try own.iot(region: "eu-west-1") }
    #expect(error.map { "\($0)".contains("[services s]") } == true)
    #expect(throws: CredentialsError.self) { try own.sts(region: "eu-west-1") }
    // As in botocore, the profile is not asked where a variable names the endpoint.
    let variable = resolver(
      TargetConfiguration(credentials: .chain), ["AWS_ENDPOINT_URL": "https://variable"], config: config)
    #expect(try variable.iot(region: "eu-west-1").host == "variable")
  }

  @Test func `an endpoint with a query is refused`() throws {
    let own = resolver(TargetConfiguration(credentials: .chain), ["AWS_ENDPOINT_URL": "https://all/base?key=hidden"])
    let iot = ServiceURL(scheme: .https, host: "iot.eu-west-1.amazonaws.com")
    let region = "eu-west-1"
    for ask in [
      { _ = try own.sts(region: region) }, { _ = try own.rolesAnywhere(region: region) },
      { _ = try own.serviceQuotas(region: region, iot: iot) },
    ] {
      let error = #expect(throws: CredentialsError.self) { try ask() }
      #expect(error?.code == .invalid && error?.message.hasSuffix("it must not have a query") == true)
    }
  }
}

@Suite struct EndpointFlagsTests {
  private static let both = EndpointFlags(fips: true, dualStack: true)
  private static let neither = EndpointFlags(fips: false, dualStack: false)
  private static let profile = "[default]\nuse_fips_endpoint = True\nuse_dualstack_endpoint = TRUE"
  private static let variables = ["AWS_USE_FIPS_ENDPOINT": "True", "AWS_USE_DUALSTACK_ENDPOINT": "true"]
  private static let denials = ["AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": "False"]

  private func flags(
    _ variables: [String: String] = [:], config: String = "",
    _ configure: (inout TargetConfiguration) -> Void = { _ in }
  ) throws -> EndpointFlags {
    var target = TargetConfiguration(credentials: .chain)
    configure(&target)
    return try resolver(target, variables, config: config).flags()
  }

  @Test func `the target's flag wins over the variable, and the variable over the profile`() throws {
    #expect(try flags() == Self.neither)
    #expect(try flags(config: Self.profile) == Self.both)
    #expect(try flags(Self.variables) == Self.both)
    #expect(try flags(Self.denials, config: Self.profile) == Self.neither)
    let off: (inout TargetConfiguration) -> Void = { ($0.fips, $0.dualStack) = (false, false) }
    #expect(try flags(Self.variables, config: Self.profile, off) == Self.neither)
    #expect(try flags(Self.denials) { ($0.fips, $0.dualStack) = (true, true) } == Self.both)
    #expect(try flags(Self.variables, config: Self.profile) { $0.withoutValue = [.fips, .dualStack] } == Self.neither)
  }

  @Test func `the flags concern the services that credentials come from`() throws {
    var target = TargetConfiguration(credentials: .chain)
    (target.fips, target.dualStack) = (true, true)
    let own = resolver(target)
    #expect(try own.iot(region: "us-east-1").host == "iot-fips.us-east-1.api.aws")
    #expect(try own.sts(region: "us-east-1").url.host == "sts-fips.us-east-1.api.aws")
    #expect(try own.rolesAnywhere(region: "us-east-1").host == "rolesanywhere-fips.us-east-1.api.aws")
  }

  @Test func `a target with its own endpoint starts on a host that is set up for FIPS, and takes roles there`() throws {
    var target = TargetConfiguration(credentials: .chain)
    target.endpoint = "https://vpce.example.com"
    let host = resolver(target, Self.variables)
    #expect(try host.iot(region: "us-east-1").host == "vpce.example.com")
    #expect(try host.sts(region: "us-east-1").url.host == "sts-fips.us-east-1.api.aws")
  }

  @Test func `so does a target whose profile names an endpoint`() throws {
    // The settings take flags from the variables before the profile is known.
    var target = TargetConfiguration(credentials: .chain)
    (target.fips, target.dualStack, target.fromSDKVariables) = (true, true, [.fips, .dualStack])
    let host = resolver(target, Self.variables, config: "[default]\nendpoint_url = https://vpce.example.com")
    #expect(try host.iot(region: "us-east-1").host == "vpce.example.com")
    target.fromSDKVariables = []
    let own = resolver(target, config: "[default]\nendpoint_url = https://vpce.example.com")
    #expect(throws: EndpointError.self) { try own.iot(region: "us-east-1") }
  }
}
