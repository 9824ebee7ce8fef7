import CertRegCore
import Testing

@testable import CertRegForwarder

@Suite struct ServiceEndpointTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var partition: String
    var regions: String
    var suffix: String
    var dualStackSuffix: String

    var testDescription: String { partition }
  }

  /// Every region of the SDKs' tables at the time of writing, with the result of their endpoint rules.
  static let rows = [
    Row(
      partition: "aws",
      regions: """
        af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 \
        ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 \
        aws-global ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 \
        eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 \
        us-west-1 us-west-2 us-newest-17 atlantis-1 xx-unknown-1
        """, suffix: "amazonaws.com", dualStackSuffix: "api.aws"),
    Row(
      partition: "aws-cn", regions: "aws-cn-global cn-north-1 cn-northwest-1 cn-newest-3",
      suffix: "amazonaws.com.cn", dualStackSuffix: "api.amazonwebservices.com.cn"),
    Row(
      partition: "aws-us-gov", regions: "aws-us-gov-global us-gov-east-1 us-gov-west-1", suffix: "amazonaws.com",
      dualStackSuffix: "api.aws"),
    Row(
      partition: "aws-eusc", regions: "eusc-de-east-1", suffix: "amazonaws.eu",
      dualStackSuffix: "api.amazonwebservices.eu"),
    Row(
      partition: "aws-iso", regions: "aws-iso-global us-iso-east-1 us-iso-west-1", suffix: "c2s.ic.gov",
      dualStackSuffix: "api.aws.ic.gov"),
    Row(
      partition: "aws-iso-b", regions: "aws-iso-b-global us-isob-east-1 us-isob-west-1", suffix: "sc2s.sgov.gov",
      dualStackSuffix: "api.aws.scloud"),
    Row(
      partition: "aws-iso-e", regions: "aws-iso-e-global eu-isoe-west-1", suffix: "cloud.adc-e.uk",
      dualStackSuffix: "api.cloud-aws.adc-e.uk"),
    Row(
      partition: "aws-iso-f", regions: "aws-iso-f-global us-isof-east-1 us-isof-south-1", suffix: "csp.hci.ic.gov",
      dualStackSuffix: "api.aws.hci.ic.gov"),
  ]

  @Test(arguments: rows)
  func `finds the endpoint of each region with each pair of flags`(row: Row) throws {
    for region in row.regions.split(separator: " ").map(String.init) {
      func url(_ fips: Bool, _ dualStack: Bool) throws -> String {
        try ServiceEndpoint.iot(region: region, fips: fips, dualStack: dualStack).text()
      }
      #expect(try url(false, false) == "https://iot.\(region).\(row.suffix)/")
      #expect(try url(true, false) == "https://iot-fips.\(region).\(row.suffix)/")
      #expect(try url(false, true) == "https://iot.\(region).\(row.dualStackSuffix)/")
      #expect(try url(true, true) == "https://iot-fips.\(region).\(row.dualStackSuffix)/")
    }
  }

  @Test func `recognises hosts of AWS in any region`() throws {
    for region in ["eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "xx-new-9"] {
      for dualStack in [false, true] {
        let url = try ServiceEndpoint.iot(region: region, dualStack: dualStack)
        #expect(AWSPartition.owns(host: url.host), "\(url.host)")
      }
    }
    #expect(AWSPartition.owns(host: "vpce-1.iot.eu-central-1.vpce.amazonaws.com"))
    for other in ["localhost", "127.0.0.1", "amazonaws.com.example.org", "notamazonaws.com", "iot.example.com"] {
      #expect(!AWSPartition.owns(host: other), "\(other)")
    }
  }

  @Test func `a custom endpoint is used as it is`() throws {
    let url = try ServiceEndpoint.iot(region: "eu-central-1", customURL: "https://vpce-1.iot.example.com:8443/base")
    #expect(
      url.text(path: "/certificate/register-no-ca")
        == "https://vpce-1.iot.example.com:8443/base/certificate/register-no-ca")
    #expect(url.authority == "vpce-1.iot.example.com:8443")
  }

  @Test func `a custom endpoint excludes the flags`() {
    #expect(throws: EndpointError.fipsWithCustomEndpoint) {
      try ServiceEndpoint.iot(region: "r", fips: true, dualStack: true, customURL: "https://h")
    }
    #expect(throws: EndpointError.dualStackWithCustomEndpoint) {
      try ServiceEndpoint.iot(region: "r", dualStack: true, customURL: "https://h")
    }
  }

  @Test func `without region and endpoint there is no URL`() {
    #expect(throws: EndpointError.missingRegion) { try ServiceEndpoint.iot(region: nil) }
  }

  @Test(arguments: ["", "evil.com/", "a.b", "UPPER", "-a", "a-", "x y", String(repeating: "a", count: 64)])
  func `a region cannot lead requests to another host`(region: String) {
    #expect(throws: EndpointError.malformedRegion) { try ServiceEndpoint.iot(region: region) }
  }
}

@Suite struct ServiceURLTests {
  @Test(arguments: [
    ("http://127.0.0.1:4566", "127.0.0.1:4566", "http://127.0.0.1:4566/x"),
    ("https://Host.Example/", "host.example", "https://host.example/x"),
    ("https://h:443", "h", "https://h/x"), ("http://h:80/a/", "h", "http://h/a/x"),
    ("https://h:80", "h:80", "https://h:80/x"), ("http://[::1]:8080", "[::1]:8080", "http://[::1]:8080/x"),
    ("http://[fd00:ec2::254]", "[fd00:ec2::254]", "http://[fd00:ec2::254]/x"),
    ("HTTP://h?a=b", "h", "http://h/x?a=b"),
  ])
  func `reads URLs and writes Host without the scheme's port`(text: String, authority: String, whole: String) throws {
    let url = try ServiceURL(parsing: text)
    #expect(url.authority == authority)
    #expect(url.text(path: "/x") == whole)
  }

  @Test(arguments: [
    "", "host", "ftp://h", "http://", "http:///x", "http://u:p@h", "http://h#f", "http://h:0", "http://h:65536",
    "http://h:x", "http://[::1", "http://h h", "http://h\n", "https://é",
  ])
  func `refuses texts that are not the URL of a service`(text: String) {
    #expect(throws: ServiceURLError.self) { try ServiceURL(parsing: text) }
  }
}
