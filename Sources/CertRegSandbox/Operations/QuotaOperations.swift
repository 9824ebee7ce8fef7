import CertRegCodec

/// A quota of AWS IoT Core that limits how often an operation may be called (AWS General Reference, "AWS IoT Core
/// endpoints and quotas").
struct ServiceQuota: Sendable {
  /// `ServiceCode`.
  static let serviceCode = "iotcore"
  /// The beginning of `X-Amz-Target`.
  static let targetPrefix = "ServiceQuotasV20190624"

  /// `QuotaCode`.
  let code: String
  let operation: SandboxOperation.Name
  /// Calls a second by default.
  let perSecond: Double

  init(_ code: String, _ operation: SandboxOperation.Name, _ perSecond: Double) {
    self.code = code
    self.operation = operation
    self.perSecond = perSecond
  }

  /// The quotas that the sandbox knows, by code.
  static let all = Dictionary(
    uniqueKeysWithValues: [
      ServiceQuota("L-4671C7C8", .registerCertificateWithoutCA, 10),
      ServiceQuota("L-FC864907", .describeCertificate, 10), ServiceQuota("L-97DA2C60", .listCertificates, 10),
      ServiceQuota("L-77B523DC", .updateCertificate, 10), ServiceQuota("L-EEB8F0B1", .deleteCertificate, 10),
      ServiceQuota("L-64CBACAC", .createThing, 100), ServiceQuota("L-0EF0F5EE", .describeThing, 350),
      ServiceQuota("L-211F680E", .updateThing, 100), ServiceQuota("L-889800F7", .deleteThing, 100),
      ServiceQuota("L-57AAC135", .listThings, 10), ServiceQuota("L-8650816F", .createThingType, 15),
      ServiceQuota("L-DDCF8E97", .describeThingType, 100), ServiceQuota("L-F9EBF527", .listThingTypes, 10),
      ServiceQuota("L-7F1DBFAE", .deprecateThingType, 15), ServiceQuota("L-CFBDB489", .deleteThingType, 15),
      ServiceQuota("L-512F449C", .createThingGroup, 25), ServiceQuota("L-52E1E197", .describeThingGroup, 100),
      ServiceQuota("L-1E5260D6", .listThingGroups, 10), ServiceQuota("L-FCAB1AF4", .deleteThingGroup, 15),
      ServiceQuota("L-2904683A", .addThingToThingGroup, 100),
      ServiceQuota("L-2A81A394", .removeThingFromThingGroup, 100),
      ServiceQuota("L-D33FD5F9", .listThingsInThingGroup, 25),
      ServiceQuota("L-75F129AD", .listThingGroupsForThing, 100), ServiceQuota("L-1B2EEF52", .createPolicy, 10),
      ServiceQuota("L-5CE9072D", .getPolicy, 10), ServiceQuota("L-2B86A5A0", .listPolicies, 10),
      ServiceQuota("L-58129C66", .deletePolicy, 10), ServiceQuota("L-CA7D4E3E", .attachPolicy, 15),
      ServiceQuota("L-EC88D510", .detachPolicy, 15), ServiceQuota("L-B2DA2A45", .listAttachedPolicies, 15),
      ServiceQuota("L-D7C50543", .listTargetsForPolicy, 10),
      ServiceQuota("L-F64D1AA6", .attachThingPrincipal, 100),
      ServiceQuota("L-B5EE4A16", .detachThingPrincipal, 100), ServiceQuota("L-FC3EF4D9", .listThingPrincipals, 10),
      ServiceQuota("L-C481616A", .listPrincipalThings, 10), ServiceQuota("L-ED45A70B", .listPrincipalThingsV2, 10),
      ServiceQuota("L-C0B2EF8B", .registerThing, 10),
    ].map { ($0.code, $0) })
}

extension SandboxOperation {
  /// Service Quotas, by `X-Amz-Target`.
  static let quotaOperations: [SandboxOperation] = [
    SandboxOperation(.getServiceQuota, "POST", "/", service: .serviceQuotas) {
      input, scope throws(SandboxError) in
      let (serviceCode, quotaCode) = try codes(input)
      guard serviceCode == ServiceQuota.serviceCode, let quota = ServiceQuota.all[quotaCode] else {
        throw SandboxError(
          .noSuchResource, "The sandbox has no quota \(quotaCode) of the service \(serviceCode)")
      }
      // The account's quota is the rate that the sandbox enforces, if there is one.
      let value = scope.faults.plan(for: quota.operation).throttle?.perSecond ?? quota.perSecond
      return .object(of: ["Quota": .quota(quota, value: value, in: scope.account)])
    }
  ]

  /// `ServiceCode` and `QuotaCode`.
  private static func codes(_ input: OperationInput) throws(SandboxError) -> (service: String, quota: String) {
    do throws(SandboxError) {
      let body = try input.body()
      return (try body.required("ServiceCode", .serviceCode), try body.required("QuotaCode", .quotaCode))
    } catch {
      throw SandboxError(error.kind == .invalidRequest ? .illegalArgument : error.kind, error.message)
    }
  }
}

extension JSONValue {
  /// `ServiceQuota`.
  fileprivate static func quota(_ quota: ServiceQuota, value: Double, in account: SandboxAccount) -> JSONValue {
    .object(of: [
      "ServiceCode": .string(ServiceQuota.serviceCode), "ServiceName": .string("AWS IoT Core"),
      "QuotaArn": .string(account.arn("\(ServiceQuota.serviceCode)/\(quota.code)", service: "servicequotas")),
      "QuotaCode": .string(quota.code), "QuotaName": .string("\(quota.operation.rawValue) API TPS"),
      "Value": .number("\(value)"), "Unit": .string("None"), "Adjustable": .bool(true), "GlobalQuota": .bool(false),
      "QuotaAppliedAtLevel": .string("ACCOUNT"),
      "Period": .object(of: ["PeriodValue": .integer(1), "PeriodUnit": .string("SECOND")]),
    ])
  }
}
