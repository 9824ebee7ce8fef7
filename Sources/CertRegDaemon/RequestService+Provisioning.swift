import CertRegCore
import CertRegProtocol
import CertRegSocket

// The profile of a request to register.
extension RequestService {
  /// Fills profiles with the values of one request. A profile that several targets have is filled once.
  struct Filling {
    private let request: OwnedRequest
    private let peer: Peer
    private let granted: Set<String>?
    private let configuration: Configuration
    private let certificateID: CertificateID
    private let der: [UInt8]
    private var filled: [String: Result<Provisioning, ServiceError>] = [:]
    private var names: PlaceholderValues.Certificate?

    /// - Parameter granted: The profiles that the peer may ask for; `nil`: all.
    init(
      _ request: OwnedRequest, of peer: Peer, granted: Set<String>?, _ configuration: Configuration,
      _ certificateID: CertificateID, der: [UInt8]
    ) {
      self.request = request
      self.peer = peer
      self.granted = granted
      self.configuration = configuration
      self.certificateID = certificateID
      self.der = der
    }

    /// What makes a device of the certificate in a target; `nil`: it is only registered there.
    ///
    /// - Throws: `peer_not_allowed`, `unknown_profile` or `invalid_provisioning`.
    mutating func provisioning(in target: TargetName) throws(ServiceError) -> Provisioning? {
      guard let profile = try profile(in: target) else { return nil }
      if let earlier = filled[profile.name] { return try earlier.get() }
      let result: Result<Provisioning, ServiceError>
      do throws(ServiceError) { result = .success(try profile.filled(with: values(for: profile))) } catch {
        result = .failure(error)
      }
      filled[profile.name] = result
      return try result.get()
    }

    /// The profile that the request asks for in a target; `nil`: none.
    private func profile(in target: TargetName) throws(ServiceError) -> ProvisioningProfile? {
      let name: String?
      switch request.profile {
      case .none: name = nil
      case .named(let named): name = named
      case .default: name = configuration.targetProfiles[target]
      }
      guard let name else { return nil }
      if let granted, !granted.contains(name) {
        throw .peerNotAllowed("the provisioning profile \(name.quoted) to user \(peer.uid)")
      }
      guard let profile = configuration.profiles[name] else {
        throw .unknownProfile(name, known: Array(configuration.profiles.keys))
      }
      return profile
    }

    private mutating func values(for profile: ProvisioningProfile) -> PlaceholderValues {
      if names == nil, profile.readsCertificate { names = PlaceholderValues.Certificate(der: der) }
      return PlaceholderValues(
        certificateID: certificateID, deviceID: request.deviceID, attributes: request.attributes, certificate: names)
    }
  }
}
