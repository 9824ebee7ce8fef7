import CertRegCodec
import CertRegCore
import CertRegProtocol

/// A target's own profile, with what a loop needs to find the tag of a request. Nothing is allocated for a request.
struct DefaultProfile: Sendable {
  /// Bytes of the longest `attributes` that a loop reads; longer ones would hold up the other connections.
  static let longestAttributes = 16 * 1024

  /// Whether a complete device may be an answer only while its certificate is ACTIVE.
  let mayActivate: Bool
  private let fingerprint: UInt64
  private let usesDeviceID: Bool
  private let takesAllAttributes: Bool
  /// Names of the attributes that the profile uses, as UTF-8.
  private let attributeNames: [[UInt8]]

  init(_ profile: ProvisioningProfile) {
    mayActivate =
      switch profile.form {
      case .parts(_, _, let activatesLast): activatesLast
      case .template(let template): template.status != .kept
      }
    fingerprint = profile.fingerprint
    usesDeviceID = profile.usesDeviceID
    takesAllAttributes = profile.takesAllAttributes
    attributeNames = profile.attributeNames.map { Array($0.utf8) }
  }

  /// The tag of the profile with the values of a request: what `ProvisioningProfile.tag(of:)` gives for them.
  ///
  /// - Returns: `nil` where a worker has to decide: a value is missing or has escapes, or an attribute may be one that
  ///   the profile refuses.
  func tag(of request: RequestLine, in line: UnsafeRawBufferPointer) -> ProvisioningTag? {
    var builder = ProvisioningTag.Builder(fingerprint: fingerprint)
    if usesDeviceID {
      guard let name = request.deviceID, !name.hasEscapes else { return nil }
      builder.addDevice(UnsafeRawBufferPointer(rebasing: line[name.range]))
    }
    var missing = attributeNames.count
    if let attributes = request.attributes {
      guard attributes.range.count <= Self.longestAttributes else { return nil }
      for (name, value) in attributes.pairs(in: line) {
        // Characters outside ASCII have several spellings, which are one name to a worker.
        guard !name.hasEscapes, name.isASCII else { return nil }
        let nameBytes = UnsafeRawBufferPointer(rebasing: line[name.range])
        if takesAllAttributes || uses(nameBytes) {
          guard !value.hasEscapes else { return nil }
          builder.addAttribute(nameBytes, UnsafeRawBufferPointer(rebasing: line[value.range]))
          missing -= 1
        } else if Self.isBuiltin(nameBytes) {
          return nil
        }
      }
    }
    return takesAllAttributes || missing == 0 ? builder.tag : nil
  }

  private func uses(_ name: UnsafeRawBufferPointer) -> Bool {
    for index in attributeNames.indices where attributeNames[index].count == name.count {
      if attributeNames[index].elementsEqual(name) { return true }
    }
    return false
  }

  private static let builtins = ProvisioningProfile.Builtin.allCases.map { Array($0.rawValue.utf8) }

  private static func isBuiltin(_ name: UnsafeRawBufferPointer) -> Bool {
    for builtin in builtins where builtin.elementsEqual(name) { return true }
    return false
  }
}
