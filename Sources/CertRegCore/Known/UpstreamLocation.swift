/// Where an upstream is. The results of one location say nothing about another.
package struct UpstreamLocation: Hashable, Sendable, CustomStringConvertible {
  private static let beginningOfAWS = "AWS "

  /// The location in one line, as it is written to disk.
  package let description: String

  /// The location that an earlier process wrote down.
  package init(description: String) {
    self.description = description
  }

  /// A region of AWS, whichever of its endpoints is used.
  package static func aws(region: String) -> UpstreamLocation {
    UpstreamLocation(description: beginningOfAWS + region)
  }

  /// An endpoint that is not one of AWS.
  ///
  /// - Parameters:
  ///   - endpoint: The endpoint's URL, without secrets.
  ///   - region: The region that requests are signed for.
  package static func endpoint(_ endpoint: String, region: String) -> UpstreamLocation {
    UpstreamLocation(description: "\(endpoint) \(region)")
  }

  /// The sandbox inside this process.
  package static func embedded(region: String) -> UpstreamLocation {
    UpstreamLocation(description: "sandbox \(region)")
  }

  /// The region of AWS; `nil`: the upstream is not AWS.
  var regionOfAWS: Substring? {
    description.hasPrefix(Self.beginningOfAWS) ? description.dropFirst(Self.beginningOfAWS.count) : nil
  }
}
