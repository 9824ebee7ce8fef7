import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

@testable import CertRegSocket

/// The tag that a loop finds for a request, beside the one of a worker.
@Suite struct DefaultProfileTests {
  private static func profiles() throws -> [ProvisioningProfile] {
    func thing(_ name: String, _ site: String) throws -> ProvisioningProfile.Form {
      .parts(
        thing: ProvisioningProfile.Thing(
          name: try PlaceholderText(name),
          attributes: [ProvisioningProfile.Attribute(name: "site", value: try PlaceholderText(site))]),
        policies: [], activatesLast: false)
    }
    var template = ProvisioningProfile.Template(file: "/t.json")
    template.body = "{}"
    return [
      ProvisioningProfile(name: "device", form: try thing("{deviceId}", "7")),
      ProvisioningProfile(name: "attributes", form: try thing("{a}-{b}", "{é}")),
      ProvisioningProfile(name: "one", form: try thing("{certificateId}", "{a}")),
      ProvisioningProfile(name: "none", form: try thing("{certificateId}", "{serialNumber}")),
      ProvisioningProfile(name: "template", form: .template(template)),
    ]
  }

  /// A `register` request with some of a few attributes, some of them in escapes.
  private static func line(_ generator: inout SplitMix64) -> String {
    let names = ["a", "b", "c", "é", #"\u0061"#, #"\u00e9"#, "cn", "deviceId", "CertificateId"]
    let values = ["", "1", "2", "ü", #"\u0031"#, #"\n"#]
    let attributes = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
      "\"\(generator.pick(names))\":\"\(generator.pick(values))\""
    }
    let device = generator.pick(["", #","deviceId":"d""#, #","deviceId":"é""#, #","deviceId":"\u0064""#])
    let object = generator.once(in: 6) ? "" : ",\"attributes\":{\(attributes.joined(separator: ", "))}"
    return "{\"certificatePem\":\"x\"\(device)\(object)}"
  }

  @Test func `is the tag of a worker, wherever the loop decides`() throws {
    var generator = SplitMix64.announced("requests with attributes")
    let profiles = try Self.profiles()
    var decided = 0
    for _ in 0..<3000 {
      let text = Self.line(&generator)
      Array(text.utf8).withUnsafeBytes { line in
        guard let request = try? LineParser.parse(line) else { return }
        let owned = OwnedRequest(request, line: line)
        let values = PlaceholderValues(
          certificateID: CertificateID(), deviceID: owned.deviceID, attributes: owned.attributes,
          certificate: PlaceholderValues.Certificate(commonName: "c", serialNumber: "1"))
        for profile in profiles {
          guard let tag = DefaultProfile(profile).tag(of: request, in: line) else { continue }
          decided += 1
          #expect(tag == profile.tag(of: values), "\(profile.name): \(text)")
          if profile.name == "none" || profile.name == "template" {
            // No value of the request can be wrong for these, so that a worker accepts it.
            #expect((try? profile.filled(with: values))?.tag == tag, "\(profile.name): \(text)")
          }
        }
      }
    }
    #expect(decided > 1000)
  }

  @Test func `a request whose attributes are long is left to a worker`() throws {
    let profile = try #require(try Self.profiles().first { $0.name == "none" })
    func isDecided(_ count: Int) throws -> Bool {
      let text =
        #"{"certificatePem":"x","attributes":{"a":""# + String(repeating: "x", count: 4000) + "\""
        + String(repeating: " ", count: count - 4008) + "}}"
      return try Array(text.utf8).withUnsafeBytes { line in
        DefaultProfile(profile).tag(of: try LineParser.parse(line), in: line) != nil
      }
    }
    #expect(try isDecided(DefaultProfile.longestAttributes))
    #expect(try !isDecided(DefaultProfile.longestAttributes + 1))
  }
}
