import CertRegClock
import CertRegCore
import CertRegCrypto
import CertRegX509
import Testing

@testable import CertRegDaemon

/// What another host left behind is carried out only as this host could have been asked for it.
@Suite struct LeftRegistrationsTests {
  private static let target = TargetName("default")

  private let der: [UInt8]

  init() throws {
    // Its common name is `device`.
    der = try CertificatePEM.decode(try ServiceUnderTest.issueCertificate(), policies: ValidationPolicies())
  }

  private func judges(_ thing: String) throws -> LeftRegistrations {
    let profile = ProvisioningProfile(
      name: "p",
      form: .parts(thing: .init(name: try PlaceholderText(thing)), policies: [], activatesLast: false))
    let clock = HostClock.system
    return LeftRegistrations(
      verdicts: Verdicts(policies: ValidationPolicies(), clock: clock), clock: clock, profiles: [profile])
  }

  private func left(thing: String, device: String?, filledWith: String? = nil) -> PendingRegistration {
    PendingRegistration(
      key: RegistrationKey(certificateID: SHA256.digest(of: der), target: Self.target), sequence: 0, der: der,
      status: nil, enqueuedAt: WallTime(secondsSinceEpoch: 0), callStarted: false, attempts: 0, lastError: nil,
      requester: Requester(uid: 1), deviceID: device.flatMap { DeviceID($0) },
      basis: VerdictBasis(
        notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 0), policyFingerprint: 0),
      provisioning: Provisioning(
        profile: "p", tag: ProvisioningTag(rawValue: 1),
        work: .parts(
          DeviceParts(
            thing: .init(name: thing, type: nil, attributes: [], groups: [], isExclusive: false), policies: [],
            activatesLast: false)), deviceID: filledWith.flatMap { DeviceID($0) }))
  }

  @Test func `a device has the names of its certificate`() throws {
    let byName = try judges("{cn}")
    #expect(throws: Never.self) { try byName.judged(left(thing: "device", device: nil)) }
    #expect(throws: LeftRegistrations.Refusal.self) { try byName.judged(left(thing: "other", device: "other")) }
    let serial = try #require(CertificateNames(der: der)).serialNumber
    let bySerial = try judges("s-{serialNumber}")
    #expect(throws: Never.self) { try bySerial.judged(left(thing: "s-" + serial, device: nil)) }
    #expect(throws: LeftRegistrations.Refusal.self) { try bySerial.judged(left(thing: "s-00", device: nil)) }
  }

  @Test func `a device has the name that its request gave`() throws {
    let byDevice = try judges("{deviceId}")
    #expect(throws: Never.self) { try byDevice.judged(left(thing: "d1", device: "d1")) }
    #expect(throws: LeftRegistrations.Refusal.self) { try byDevice.judged(left(thing: "d2", device: "d1")) }
    #expect(throws: LeftRegistrations.Refusal.self) { try byDevice.judged(left(thing: "d2", device: nil)) }
    // Another caller has named the device differently since.
    #expect(throws: Never.self) { try byDevice.judged(left(thing: "d1", device: "d2", filledWith: "d1")) }
  }
}
