import CertRegCore
import CertRegCrypto
import CertRegX509
import Synchronization

/// Judges registrations that another host left behind. Whoever can write to the database could have written them: this
/// host carries out only what it could have been asked for itself.
final class LeftRegistrations: Sendable {
  private let verdicts: Verdicts
  private let clock: HostClock
  private let profiles: Mutex<[String: ProvisioningProfile]>

  /// - Parameter profiles: The provisioning profiles of the configuration.
  init(verdicts: Verdicts, clock: HostClock, profiles: [ProvisioningProfile]) {
    self.verdicts = verdicts
    self.clock = clock
    self.profiles = Mutex(Self.named(profiles))
  }

  /// Takes the profiles of a new configuration.
  func replace(_ profiles: [ProvisioningProfile]) { self.profiles.withLock { $0 = Self.named(profiles) } }

  private static func named(_ profiles: [ProvisioningProfile]) -> [String: ProvisioningProfile] {
    Dictionary(profiles.map { ($0.name, $0) }) { first, _ in first }
  }

  /// What is wrong with a registration.
  struct Refusal: Error {
    var message: String
  }

  /// The registration with this host's own verdict.
  ///
  /// - Throws: Why it is not carried out.
  func judged(_ left: PendingRegistration) throws(Refusal) -> PendingRegistration {
    var judged = left
    guard left.purpose.registers else {
      guard left.der.isEmpty, left.provisioning == nil, let status = left.status, status.canBeSet else {
        throw Refusal(message: "it is no change of a status that a caller could ask for")
      }
      return judged
    }
    guard SHA256.digest(of: left.der) == left.key.certificateID else {
      throw Refusal(message: "its certificate is another one")
    }
    do throws(ServiceError) {
      judged.basis = try verdicts.current.validator.validate(
        der: left.der, certificateID: left.key.certificateID, now: clock.wall)
    } catch {
      throw Refusal(message: error.message)
    }
    if let provisioning = left.provisioning, !couldGive(provisioning, to: left) {
      throw Refusal(message: "the profile \(provisioning.profile) of this host does not give what it asks for")
    }
    return judged
  }

  /// Whether a profile of this host gives a provisioning to a certificate that the validator has accepted.
  private func couldGive(_ provisioning: Provisioning, to left: PendingRegistration) -> Bool {
    guard let profile = profiles.withLock({ $0[provisioning.profile] }) else { return false }
    let known = PlaceholderValues(
      certificateID: left.key.certificateID,
      // Members of an earlier version have not written the name that the profile was filled with.
      deviceID: provisioning.deviceID ?? left.deviceID, attributes: [],
      certificate: profile.readsCertificate ? PlaceholderValues.Certificate(der: left.der) : nil)
    return profile.couldGive(provisioning, with: known)
  }
}
