import CertRegCodec

/// What the client needs to know about the daemon before it sends certificates.
package struct DaemonFacts: Hashable, Sendable {
  /// The longest line that the daemon reads, without its LF.
  package var maximumLineBytes: Int
  /// The target of requests that name none; `nil` where the daemon does not tell this user.
  package var defaultTarget: String?
  /// The regions of the targets, by name, as far as the daemon tells them.
  package var regions: [String: String] = [:]
  /// Whether requests may have `deviceId` and `attributes`: `status` tells the limit of a name where the daemon reads
  /// them.
  package var takesDeviceNames = false

  package init(maximumLineBytes: Int = Request.defaultMaximumLineBytes, defaultTarget: String? = nil) {
    self.maximumLineBytes = maximumLineBytes
    self.defaultTarget = defaultTarget
  }

  /// Reads an answer to `status`. A daemon that refuses the operation to this user leaves the other defaults.
  init(status: JSON) {
    self.init()
    if let limit = status["limits"]?["maxLineBytes"]?.integer, limit > 0 { maximumLineBytes = limit }
    // Of a daemon that refuses `status` to this user, the version is not known. Profiles need the names.
    takesDeviceNames =
      status["limits"]?["maxDeviceIdCharacters"]?.integer != nil
      || status["error"]?["reason"]?.string == "peer_not_allowed"
    let targets = status["targets"]?.array ?? []
    let regions = targets.compactMap { target in
      target["name"]?.string.flatMap { name in target["region"]?.string.map { (name, $0) } }
    }
    self.regions = Dictionary(regions, uniquingKeysWith: { first, _ in first })
    defaultTarget = targets.first { $0["default"]?.bool == true }?["name"]?.string
  }

  /// Why `request` cannot be sent; `nil` where the daemon reads a line of its length.
  func refusal(of request: Request) -> InputError? {
    guard request.lineBytes > maximumLineBytes else { return nil }
    return InputError(
      .tooLong,
      "the request has \(request.lineBytes) bytes, and certregd reads at most \(maximumLineBytes) on a line",
      advice:
        "a certificate has at most 65,536 characters; the limit is socket.maxLineBytes of certregd's configuration")
  }
}
