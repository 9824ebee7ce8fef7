import CertRegTesting
import Testing

@testable import CertRegCore

/// Requests with a profile for a certificate that is known.
@Suite struct KnownDevicesTests {
  private let key = RegistrationKey(certificateID: CertificateID(words: (1, 2, 3, 4)), target: TargetName("default"))
  private let now = WallTime(secondsSinceEpoch: 1_800_000_000)

  private static func provisioning(_ tag: UInt64 = 7, activatesLast: Bool = false) -> Provisioning {
    Provisioning(
      profile: "p", tag: ProvisioningTag(rawValue: tag),
      work: .parts(DeviceParts(thing: nil, policies: ["p", "q"], activatesLast: activatesLast)))
  }

  private enum Applied {
    case nothing, part, all, other
  }

  private func registration(
    _ applied: Applied, _ status: CertificateStatus? = .active, _ outcome: RegistrationOutcome = .created
  ) -> Registration {
    let resources = DeviceResources(policies: ["p"])
    let provisioned: Provisioned? =
      switch applied {
      case .nothing: nil
      case .part: Provisioned(profile: "p", tag: Self.provisioning().tag, resources: resources, completedSteps: 2)
      case .all: Provisioned(profile: "p", tag: Self.provisioning().tag, resources: resources)
      case .other: Provisioned(profile: "p", tag: Self.provisioning(8).tag, resources: resources)
      }
    return Registration(
      key: key, certificateARN: "arn:aws:iot:r:1:cert/" + key.certificateID.hex, outcome: outcome, status: status,
      requestID: nil, finishedAt: now, basis: .anyTime, provisioned: provisioned)
  }

  /// The decision with the result on disk, and with it in memory.
  private func decide(_ wish: KnownResults.Wish, _ known: Registration) throws -> KnownResults.Decision {
    let store = MemoryStore()
    store.commit([.keep(known, nil)]) { _ in }
    let results = KnownResults(memory: ResultCache(maxEntries: 9), store: store, timeToLive: nil)
    let rules = AnswerRules(
      policyFingerprint: known.basis.policyFingerprint, rejectsNotYetValid: false, rejectsExpired: false)
    let decision = try results.decide(wish, on: key, under: rules, now: now)
    #expect(results.decideAfterVerdict(wish, on: key, basis: known.basis, now: now) == decision)
    return decision
  }

  private func wish(
    _ named: CertificateStatus? = nil, status: CertificateStatus? = nil, _ ifExists: IfExists = .return,
    _ provisioning: Provisioning? = provisioning(), refresh: Bool = false
  ) -> KnownResults.Wish {
    KnownResults.Wish(
      namedStatus: named, status: status, ifExists: ifExists, refresh: refresh, provisioning: provisioning)
  }

  @Test func `a device that is there is answered, and anything less is gone on with`() throws {
    #expect(try decide(wish(), registration(.all)) == .answer(registration(.all)))
    for applied in [Applied.nothing, .part, .other] {
      #expect(try decide(wish(), registration(applied)) == .goOn(registration(applied)))
      #expect(try decide(wish(nil, .return, nil), registration(applied)) == .answer(registration(applied)))
    }
  }

  @Test func `a certificate that exists is refused with ifExists error, unless its device was begun`() throws {
    for applied in [Applied.nothing, .all, .other] {
      let known = registration(applied)
      #expect(try decide(wish(nil, .error), known) == .refuse(.alreadyExists(known)))
    }
    #expect(try decide(wish(nil, .error), registration(.part)) == .goOn(registration(.part)))
    let existing = registration(.part, .active, .existing)
    #expect(try decide(wish(nil, .error), existing) == .refuse(.alreadyExists(existing)))
  }

  @Test func `another status is refused where nothing sets it`() throws {
    for applied in [Applied.nothing, .part, .other, .all] {
      let known = registration(applied, .inactive)
      let differs = ServiceError.statusDiffers(known, known: .inactive, named: .active)
      #expect(try decide(wish(.active), known) == .refuse(differs))
      #expect(try decide(wish(.active, .update), known) == .goOn(known))
    }
  }

  @Test func `a profile that activates last goes on with an inactive certificate, and not with a device`() throws {
    let last = Self.provisioning(activatesLast: true)
    for applied in [Applied.nothing, .part, .other] {
      let known = registration(applied, .inactive)
      #expect(try decide(wish(.active, .return, last), known) == .goOn(known))
    }
    let device = registration(.all, .inactive)
    let differs = ServiceError.statusDiffers(device, known: .inactive, named: .active)
    #expect(try decide(wish(.active, .return, last), device) == .refuse(differs))
    #expect(try decide(wish(nil, status: .active, .return, last), device) == .refuse(differs))
    #expect(try decide(wish(nil, status: .active, .update, last), device) == .goOn(device))
    // It sets no other status than ACTIVE.
    let active = registration(.nothing)
    let other = ServiceError.statusDiffers(active, known: .active, named: .inactive)
    #expect(try decide(wish(.inactive, .return, last), active) == .refuse(other))
    #expect(!wish(.inactive, .return, last).setsStatus && wish(.active, .return, last).setsStatus)
    #expect(!wish(.active).setsStatus && wish(.active).changesCertificate)
  }

  @Test func `a refresh asks the upstream and does all steps again`() throws {
    let (all, part) = (registration(.all), registration(.part))
    let earlier = EarlierResult(outcome: .created, status: .active, provisioned: all.provisioned)
    #expect(try decide(wish(refresh: true), all) == .ask(earlier: earlier))
    let last = Self.provisioning(activatesLast: true)
    let doubtful = EarlierResult(outcome: .created, status: nil, provisioned: part.provisioned)
    #expect(try decide(wish(.active, .return, last, refresh: true), part) == .ask(earlier: doubtful))
  }

  @Test func `a certificate that was revoked, or deactivated after its device was made, is not activated again`() throws
  {
    let last = Self.provisioning(activatesLast: true)
    for applied in [Applied.nothing, .part, .other] {
      let revoked = registration(applied, .revoked)
      let differs = ServiceError.statusDiffers(revoked, known: .revoked, named: .active)
      for named in [nil, .active] as [CertificateStatus?] {
        #expect(try decide(wish(named, status: .active, .return, last), revoked) == .refuse(differs))
      }
      #expect(try decide(wish(.active, .update, last), revoked) == .goOn(revoked))
    }
    for applied in [Applied.part, .other] {
      var deactivated = registration(applied, .inactive)
      deactivated.provisioned?.isActivated = true
      let differs = ServiceError.statusDiffers(deactivated, known: .inactive, named: .active)
      #expect(try decide(wish(nil, status: .active, .return, last), deactivated) == .refuse(differs))
      #expect(try decide(wish(nil, status: .active, .update, last), deactivated) == .goOn(deactivated))
      // A profile that leaves the status alone is applied.
      #expect(try decide(wish(nil, .return, Self.provisioning(9)), deactivated) == .goOn(deactivated))
    }
  }

  private static func template(_ effect: FilledTemplate.StatusEffect) -> Provisioning {
    Provisioning(
      profile: "p", tag: ProvisioningTag(rawValue: 7),
      work: .template(FilledTemplate(body: "{}", parameters: [], status: effect)))
  }

  @Test(arguments: [provisioning(activatesLast: true), template(.set(.active))])
  func `a request does not name another status than its profile gives`(profile: Provisioning) throws {
    let store = MemoryStore()
    let results = KnownResults(memory: ResultCache(maxEntries: 9), store: store, timeToLive: nil)
    let rules = AnswerRules(
      policyFingerprint: VerdictBasis.anyTime.policyFingerprint, rejectsNotYetValid: false, rejectsExpired: false)
    func reason(_ wish: KnownResults.Wish) throws -> Reason? {
      if case .refuse(let error) = try results.decide(wish, on: key, under: rules, now: now) {
        error.reason
      } else {
        nil
      }
    }
    for named in [.inactive, .revoked] as [CertificateStatus] {
      #expect(try reason(wish(named, .return, profile)) == .invalidProvisioning)
      #expect(try reason(wish(named, .error, profile)) == .invalidProvisioning)
      // It is set after the profile's.
      #expect(try reason(wish(named, .update, profile)) == nil)
    }
    #expect(try reason(wish(.active, .return, profile)) == nil && reason(wish(nil, .return, profile)) == nil)
    // What is known is told first.
    let active = registration(.all)
    let differs = ServiceError.statusDiffers(active, known: .active, named: .inactive)
    let repeated = wish(.inactive, status: .inactive, .return, profile)
    #expect(try decide(repeated, active) == .refuse(differs))
  }

  @Test func `a template that says nothing certain of the status takes every request`() throws {
    for effect in [.kept, .unknown] as [FilledTemplate.StatusEffect] {
      let known = registration(.nothing, .inactive)
      #expect(try decide(wish(.inactive, .return, Self.template(effect)), known) == .goOn(known))
    }
  }

  @Test func `a profile decides about the status that the configuration leaves open`() {
    let last = Self.provisioning(activatesLast: true)
    typealias Wish = KnownResults.Wish
    #expect(Wish.status(named: nil, default: .inactive, .return, last) == .active)
    #expect(Wish.status(named: .inactive, default: .active, .update, last) == .inactive)
    #expect(Wish.status(named: nil, default: .inactive, .return, Self.provisioning()) == .inactive)
    // A template gives the status itself; only what is set after it has to be named.
    #expect(Wish.status(named: nil, default: .inactive, .return, Self.template(.set(.active))) == .inactive)
    #expect(Wish.status(named: nil, default: .inactive, .update, Self.template(.set(.active))) == .active)
  }

  @Test func `a template's device that was deactivated is not told as one that can connect`() throws {
    var device = registration(.all, .inactive)
    device.provisioned?.isActivated = true
    let differs = ServiceError.statusDiffers(device, known: .inactive, named: .active)
    #expect(try decide(wish(nil, .return, Self.template(.set(.active))), device) == .refuse(differs))
    #expect(try decide(wish(nil, .return, Self.template(.kept)), device) == .answer(device))
  }

  @Test(arguments: [true, false])
  func `what describe finds missing is made again, and a deactivated device stays protected`(lacksThing: Bool) throws {
    let resources = DeviceResources(thingName: "d", thingARN: "a", policies: ["p", "q"], groups: ["g"])
    var device = registration(.all, .inactive)
    device.provisioned?.resources = resources
    device.provisioned?.isActivated = true
    let certificate = UpstreamCertificate(
      certificateARN: "arn", status: .inactive, things: lacksThing ? [] : ["d"],
      policies: lacksThing ? ["p", "q"] : ["q"])
    let corrected = try #require(device.corrected(by: certificate, now: now))
    #expect(corrected.provisioned?.isComplete == false && corrected.provisioned?.completedSteps == 1)
    #expect(
      corrected.provisioned?.resources
        == (lacksThing
          ? DeviceResources(policies: ["p", "q"])
          : DeviceResources(thingName: "d", thingARN: "a", policies: ["q"], groups: ["g"])))
    let last = Self.provisioning(activatesLast: true)
    let differs = ServiceError.statusDiffers(corrected, known: .inactive, named: .active)
    #expect(try decide(wish(nil, status: .active, .return, last), corrected) == .refuse(differs))
    #expect(corrected.corrected(by: certificate, now: now) == nil)
    var whole = certificate
    (whole.things, whole.policies) = (nil, nil)
    #expect(device.corrected(by: whole, now: now) == nil)
  }

  @Test func `a device's new name is kept with the device`() throws {
    var wish = wish()
    wish.deviceID = DeviceID("d1")
    let device = try #require(wish.deviceID)
    #expect(try decide(wish, registration(.all)) == .answerAfterNaming(registration(.all), device))
    #expect(try decide(wish, registration(.part)) == .goOn(registration(.part)))
  }
}
