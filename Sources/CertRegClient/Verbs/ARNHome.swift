import CertRegCodec
import CertRegCore

/// Compares an ARN with a certificate's ID, and the account and the region in it with those of a target. The same
/// certificate can be registered in several.
struct ARNHome {
  private let session: Session
  private let facts: DaemonFacts
  /// Whether the upstream is asked about a certificate that the daemon does not know.
  private let asksUpstream: Bool

  /// - Parameters:
  ///   - facts: What the daemon says about itself.
  ///   - asksUpstream: Whether the upstream is asked about a certificate that the daemon does not know.
  init(_ session: Session, _ facts: DaemonFacts, asksUpstream: Bool = false) {
    self.session = session
    self.facts = facts
    self.asksUpstream = asksUpstream
  }

  /// Why the certificate of an ARN is not the one that a target has; `nil` where nothing speaks against it.
  ///
  /// - Parameters:
  ///   - arn: The ARN of a certificate.
  ///   - id: The certificate's ID.
  ///   - target: The name of the target; `nil`: the default one.
  func fault(_ arn: String, _ id: CertificateID, target: String?) -> InputError? {
    // A row of a report can name two certificates.
    if let named = (try? CertificateReference.id(arn)) ?? nil, named != id {
      return InputError(
        .otherHome, "its ARN is that of another certificate, \(named.hex)",
        advice: "correct the report: certificateId and certificateArn of a row have to be of one certificate")
    }
    let home = ARNHome.home(arn)
    let name = target ?? facts.defaultTarget
    let shown = name.map { "the target \($0)" } ?? "the default target"
    if let region = name.flatMap({ facts.regions[$0] }), home.count > 1 {
      if home[1] != region {
        return ARNHome.error("its ARN is of the region \(home[1]), and \(shown) is in \(region)")
      }
      let partition = AWSPartition.containing(region).name
      if home[0] != partition {
        return ARNHome.error("its ARN is of the partition \(home[0]), and \(shown) is in \(partition)")
      }
    }
    // Only an ARN tells the account.
    let known =
      self.arn(of: id, target, from: "lookup") ?? (asksUpstream ? self.arn(of: id, target, from: "describe") : nil)
    guard let known, ARNHome.home(known) != home else { return nil }
    return ARNHome.error("its ARN is of another account or region than \(shown), where it is \(known)")
  }

  private func arn(of id: CertificateID, _ target: String?, from operation: String) -> String? {
    let request = Request(operation, [("certificateId", .string(id.hex)), ("target", target.map(JSON.string))])
    return (try? session.ask(request))?.json["certificateArn"]?.string
  }

  /// The partition, the region and the account.
  private static func home(_ arn: String) -> [Substring] {
    let fields = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard fields.count == 6 else { return [] }
    return [fields[1], fields[3], fields[4]]
  }

  private static func error(_ message: String) -> InputError {
    InputError(.otherHome, message, advice: "name the target of the ARN's account and region with --target")
  }
}
