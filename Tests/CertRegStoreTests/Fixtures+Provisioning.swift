import CertRegCore

extension Sample {
  /// A tag that uses all 64 bits, and more of them than a `Double` has.
  private static func tag(_ number: Int) -> ProvisioningTag { ProvisioningTag(rawValue: .max - UInt64(number)) }

  private static func names(_ count: Int, _ kind: String) -> [String] {
    (0..<count).map { kind + "-\($0)-" + String(repeating: "x", count: 100) }
  }

  /// A profile as it was applied: every fourth one in full, every thirtieth so large that its row goes on in other
  /// pages.
  static func provisioned(_ number: Int) -> Provisioned {
    let count = number.isMultiple(of: 30) ? 10 : number % 3
    let thing = number.isMultiple(of: 5) ? nil : "thing-\(number)"
    return Provisioned(
      profile: "pumps", tag: tag(number),
      resources: DeviceResources(
        thingName: thing, thingARN: thing.map { "arn:aws:iot:eu-central-1:123456789012:thing/" + $0 },
        policies: names(count, "policy"), groups: names(count, "group")),
      completedSteps: number.isMultiple(of: 4) ? nil : number % 4 - 1, isActivated: number.isMultiple(of: 3))
  }

  /// What makes a device: in turn a thing, policies alone, and a template of 10 kB.
  static func provisioning(_ number: Int) -> Provisioning {
    let work: Provisioning.Work =
      switch number % 3 {
      case 0:
        .parts(
          DeviceParts(
            thing: .init(
              name: "thing-\(number)", type: number.isMultiple(of: 2) ? "pump" : nil,
              attributes: [NamedText("model", "X/1"), NamedText("site", "")], groups: ["all", "site-\(number)"],
              isExclusive: number.isMultiple(of: 2)), policies: ["policy"], activatesLast: true))
      case 1:
        .parts(DeviceParts(thing: nil, policies: number.isMultiple(of: 2) ? [] : ["a", "b"], activatesLast: false))
      default:
        .template(
          FilledTemplate(
            body: "{\"Resources\":{\"\u{0}\\äöü\"" + String(repeating: "\n ", count: 5000) + "}}",
            parameters: [NamedText("CertificateId", "00"), NamedText("Ort \"ü\"\u{0}", "Köln\t")],
            status: [.kept, .set(.inactive), .unknown][number / 3 % 3]))
      }
    return Provisioning(
      profile: "pumps", tag: tag(number), work: work, deviceID: number % 6 == 0 ? DeviceID("pump \(number)") : nil)
  }

  /// A result with a profile.
  static func device(_ number: Int) -> Registration {
    var registration = registration(number)
    registration.provisioned = provisioned(number)
    return registration
  }

  /// A queued registration with a profile.
  static func pendingDevice(_ number: Int) -> PendingRegistration {
    var entry = pending(number)
    entry.provisioning = provisioning(number)
    entry.namedStatus = number.isMultiple(of: 2) ? .revoked : nil
    entry.overridesStatus = number.isMultiple(of: 5)
    return entry
  }
}
