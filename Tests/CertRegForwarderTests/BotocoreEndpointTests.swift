import CertRegCore
import Testing

@testable import CertRegForwarder

/// The cases of botocore 1.44.8 (`tests/functional/endpoint-rules`, Apache License 2.0) for the services that
/// certregd calls beside AWS IoT: service, region, flags, host. Those of AWS IoT follow from `ServiceEndpointTests`.
///
/// Left out: `UseGlobalEndpoint`, which `sts_regional_endpoints = legacy` asks for. certregd takes roles in the
/// target's region, which is the default of the SDKs. The cases of Service Quotas are what botocore's rules for it
/// give.
@Suite struct BotocoreEndpointTests {
  private static let cases = """
    sts af-south-1 plain sts.af-south-1.amazonaws.com
    sts ap-east-1 plain sts.ap-east-1.amazonaws.com
    sts ap-northeast-1 plain sts.ap-northeast-1.amazonaws.com
    sts ap-northeast-2 plain sts.ap-northeast-2.amazonaws.com
    sts ap-northeast-3 plain sts.ap-northeast-3.amazonaws.com
    sts ap-south-1 plain sts.ap-south-1.amazonaws.com
    sts ap-southeast-1 plain sts.ap-southeast-1.amazonaws.com
    sts ap-southeast-2 plain sts.ap-southeast-2.amazonaws.com
    sts ap-southeast-3 plain sts.ap-southeast-3.amazonaws.com
    sts aws-global plain sts.amazonaws.com
    sts ca-central-1 plain sts.ca-central-1.amazonaws.com
    sts eu-central-1 plain sts.eu-central-1.amazonaws.com
    sts eu-north-1 plain sts.eu-north-1.amazonaws.com
    sts eu-south-1 plain sts.eu-south-1.amazonaws.com
    sts eu-west-1 plain sts.eu-west-1.amazonaws.com
    sts eu-west-2 plain sts.eu-west-2.amazonaws.com
    sts eu-west-3 plain sts.eu-west-3.amazonaws.com
    sts me-south-1 plain sts.me-south-1.amazonaws.com
    sts sa-east-1 plain sts.sa-east-1.amazonaws.com
    sts us-east-1 plain sts.us-east-1.amazonaws.com
    sts us-east-1 fips sts-fips.us-east-1.amazonaws.com
    sts us-east-2 plain sts.us-east-2.amazonaws.com
    sts us-east-2 fips sts-fips.us-east-2.amazonaws.com
    sts us-west-1 plain sts.us-west-1.amazonaws.com
    sts us-west-1 fips sts-fips.us-west-1.amazonaws.com
    sts us-west-2 plain sts.us-west-2.amazonaws.com
    sts us-west-2 fips sts-fips.us-west-2.amazonaws.com
    sts us-east-1 fips+dual sts-fips.us-east-1.api.aws
    sts us-east-1 dual sts.us-east-1.api.aws
    sts cn-north-1 plain sts.cn-north-1.amazonaws.com.cn
    sts cn-northwest-1 plain sts.cn-northwest-1.amazonaws.com.cn
    sts cn-north-1 fips+dual sts-fips.cn-north-1.api.amazonwebservices.com.cn
    sts cn-north-1 fips sts-fips.cn-north-1.amazonaws.com.cn
    sts cn-north-1 dual sts.cn-north-1.api.amazonwebservices.com.cn
    sts us-gov-east-1 plain sts.us-gov-east-1.amazonaws.com
    sts us-gov-east-1 fips sts.us-gov-east-1.amazonaws.com
    sts us-gov-west-1 plain sts.us-gov-west-1.amazonaws.com
    sts us-gov-west-1 fips sts.us-gov-west-1.amazonaws.com
    sts us-gov-east-1 fips+dual sts-fips.us-gov-east-1.api.aws
    sts us-gov-east-1 dual sts.us-gov-east-1.api.aws
    sts us-iso-east-1 plain sts.us-iso-east-1.c2s.ic.gov
    sts us-iso-west-1 plain sts.us-iso-west-1.c2s.ic.gov
    sts us-iso-east-1 fips sts-fips.us-iso-east-1.c2s.ic.gov
    sts us-isob-east-1 plain sts.us-isob-east-1.sc2s.sgov.gov
    sts us-isob-east-1 fips sts-fips.us-isob-east-1.sc2s.sgov.gov
    rolesanywhere ap-east-1 plain rolesanywhere.ap-east-1.amazonaws.com
    rolesanywhere ap-northeast-1 plain rolesanywhere.ap-northeast-1.amazonaws.com
    rolesanywhere ap-northeast-2 plain rolesanywhere.ap-northeast-2.amazonaws.com
    rolesanywhere ap-northeast-3 plain rolesanywhere.ap-northeast-3.amazonaws.com
    rolesanywhere ap-south-1 plain rolesanywhere.ap-south-1.amazonaws.com
    rolesanywhere ap-southeast-1 plain rolesanywhere.ap-southeast-1.amazonaws.com
    rolesanywhere ap-southeast-2 plain rolesanywhere.ap-southeast-2.amazonaws.com
    rolesanywhere ca-central-1 plain rolesanywhere.ca-central-1.amazonaws.com
    rolesanywhere eu-central-1 plain rolesanywhere.eu-central-1.amazonaws.com
    rolesanywhere eu-north-1 plain rolesanywhere.eu-north-1.amazonaws.com
    rolesanywhere eu-west-1 plain rolesanywhere.eu-west-1.amazonaws.com
    rolesanywhere eu-west-2 plain rolesanywhere.eu-west-2.amazonaws.com
    rolesanywhere eu-west-3 plain rolesanywhere.eu-west-3.amazonaws.com
    rolesanywhere me-south-1 plain rolesanywhere.me-south-1.amazonaws.com
    rolesanywhere sa-east-1 plain rolesanywhere.sa-east-1.amazonaws.com
    rolesanywhere us-east-1 plain rolesanywhere.us-east-1.amazonaws.com
    rolesanywhere us-east-2 plain rolesanywhere.us-east-2.amazonaws.com
    rolesanywhere us-west-1 plain rolesanywhere.us-west-1.amazonaws.com
    rolesanywhere us-west-2 plain rolesanywhere.us-west-2.amazonaws.com
    rolesanywhere us-east-1 fips+dual rolesanywhere-fips.us-east-1.api.aws
    rolesanywhere us-east-1 fips rolesanywhere-fips.us-east-1.amazonaws.com
    rolesanywhere us-east-1 dual rolesanywhere.us-east-1.api.aws
    rolesanywhere cn-north-1 fips+dual rolesanywhere-fips.cn-north-1.api.amazonwebservices.com.cn
    rolesanywhere cn-north-1 fips rolesanywhere-fips.cn-north-1.amazonaws.com.cn
    rolesanywhere cn-north-1 dual rolesanywhere.cn-north-1.api.amazonwebservices.com.cn
    rolesanywhere cn-north-1 plain rolesanywhere.cn-north-1.amazonaws.com.cn
    rolesanywhere us-gov-east-1 fips+dual rolesanywhere-fips.us-gov-east-1.api.aws
    rolesanywhere us-gov-east-1 fips rolesanywhere-fips.us-gov-east-1.amazonaws.com
    rolesanywhere us-gov-east-1 dual rolesanywhere.us-gov-east-1.api.aws
    rolesanywhere us-gov-east-1 plain rolesanywhere.us-gov-east-1.amazonaws.com
    rolesanywhere us-iso-east-1 fips rolesanywhere-fips.us-iso-east-1.c2s.ic.gov
    rolesanywhere us-iso-east-1 plain rolesanywhere.us-iso-east-1.c2s.ic.gov
    rolesanywhere us-isob-east-1 fips rolesanywhere-fips.us-isob-east-1.sc2s.sgov.gov
    rolesanywhere us-isob-east-1 plain rolesanywhere.us-isob-east-1.sc2s.sgov.gov
    service_quotas eu-central-1 plain servicequotas.eu-central-1.amazonaws.com
    service_quotas eu-central-1 fips servicequotas-fips.eu-central-1.amazonaws.com
    service_quotas eu-central-1 dual servicequotas.eu-central-1.api.aws
    service_quotas eu-central-1 fips+dual servicequotas-fips.eu-central-1.api.aws
    service_quotas us-east-1 plain servicequotas.us-east-1.amazonaws.com
    service_quotas us-east-1 fips servicequotas-fips.us-east-1.amazonaws.com
    service_quotas us-east-1 dual servicequotas.us-east-1.api.aws
    service_quotas us-east-1 fips+dual servicequotas-fips.us-east-1.api.aws
    service_quotas ap-southeast-3 plain servicequotas.ap-southeast-3.amazonaws.com
    service_quotas ap-southeast-3 fips servicequotas-fips.ap-southeast-3.amazonaws.com
    service_quotas ap-southeast-3 dual servicequotas.ap-southeast-3.api.aws
    service_quotas ap-southeast-3 fips+dual servicequotas-fips.ap-southeast-3.api.aws
    service_quotas cn-north-1 plain servicequotas.cn-north-1.amazonaws.com.cn
    service_quotas cn-north-1 fips servicequotas-fips.cn-north-1.amazonaws.com.cn
    service_quotas cn-north-1 dual servicequotas.cn-north-1.api.amazonwebservices.com.cn
    service_quotas cn-north-1 fips+dual servicequotas-fips.cn-north-1.api.amazonwebservices.com.cn
    service_quotas us-gov-west-1 plain servicequotas.us-gov-west-1.amazonaws.com
    service_quotas us-gov-west-1 fips servicequotas.us-gov-west-1.amazonaws.com
    service_quotas us-gov-west-1 dual servicequotas.us-gov-west-1.api.aws
    service_quotas us-gov-west-1 fips+dual servicequotas-fips.us-gov-west-1.api.aws
    service_quotas us-gov-east-1 plain servicequotas.us-gov-east-1.amazonaws.com
    service_quotas us-gov-east-1 fips servicequotas.us-gov-east-1.amazonaws.com
    service_quotas us-gov-east-1 dual servicequotas.us-gov-east-1.api.aws
    service_quotas us-gov-east-1 fips+dual servicequotas-fips.us-gov-east-1.api.aws
    service_quotas us-iso-east-1 plain servicequotas.us-iso-east-1.c2s.ic.gov
    service_quotas us-iso-east-1 fips servicequotas-fips.us-iso-east-1.c2s.ic.gov
    service_quotas us-iso-east-1 dual servicequotas.us-iso-east-1.api.aws.ic.gov
    service_quotas us-iso-east-1 fips+dual servicequotas-fips.us-iso-east-1.api.aws.ic.gov
    service_quotas us-isob-east-1 plain servicequotas.us-isob-east-1.sc2s.sgov.gov
    service_quotas us-isob-east-1 fips servicequotas-fips.us-isob-east-1.sc2s.sgov.gov
    service_quotas us-isob-east-1 dual servicequotas.us-isob-east-1.api.aws.scloud
    service_quotas us-isob-east-1 fips+dual servicequotas-fips.us-isob-east-1.api.aws.scloud
    service_quotas eusc-de-east-1 plain servicequotas.eusc-de-east-1.amazonaws.eu
    service_quotas eusc-de-east-1 fips servicequotas-fips.eusc-de-east-1.amazonaws.eu
    service_quotas eusc-de-east-1 dual servicequotas.eusc-de-east-1.api.amazonwebservices.eu
    service_quotas eusc-de-east-1 fips+dual servicequotas-fips.eusc-de-east-1.api.amazonwebservices.eu
    """

  @Test func `services beside AWS IoT have botocore's endpoint in every region with every flag`() throws {
    let rows = tableRows(Self.cases)
    #expect(rows.count == 115)
    for row in rows {
      let flags = EndpointFlags(fips: row[2].contains("fips"), dualStack: row[2].contains("dual"))
      let url =
        switch row[0] {
        case "sts": try ServiceEndpoint.sts(region: row[1], flags)
        case "rolesanywhere": try ServiceEndpoint.rolesAnywhere(region: row[1], flags)
        default: try ServiceEndpoint.serviceQuotas(region: row[1], flags)
        }
      #expect(url.text() == "https://\(row[3])/", "\(row)")
    }
  }

  @Test func `the Security Token Service for all regions signs for us-east-1`() throws {
    let service = try resolver(TargetConfiguration(credentials: .chain)).sts(region: "aws-global")
    #expect(service.url.host == "sts.amazonaws.com" && service.region == "us-east-1")
  }
}
