import CertRegCodec
import CertRegCore

extension Doctor {
  /// The status that requests get which name none.
  enum DefaultStatus: Hashable, Sendable {
    /// AWS IoT registers without a status as INACTIVE.
    case none
    case named(String)
    /// The configuration could not be read.
    case unknown
  }

  /// `defaultStatus` of the effective configuration.
  func defaultStatus(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> DefaultStatus {
    let printed = try? program.get().ask("--print-config")
    guard let printed, printed.status == 0 else { return .unknown }
    guard let word = PrintedConfiguration(printed.output).value("defaultStatus") else { return .unknown }
    return ["null", "none"].contains(word) ? .none : .named(word)
  }

  /// The finding about a target, with a remark where no device can connect with what is registered there.
  func connectability(of target: JSON, _ defaultStatus: DefaultStatus, _ finding: Finding) -> Finding {
    // A daemon of an earlier version, which has no `calls`, knows no profiles.
    guard target["calls"] != nil, target["profile"]?.string == nil else { return finding }
    let condition: String
    switch defaultStatus {
    case .named: return finding
    case .none: condition = ""
    case .unknown: condition = ", unless defaultStatus is set"
    }
    var finding = finding
    finding.seen +=
      "; it has no profile, and registers requests without a status as INACTIVE\(condition): no device can connect "
      + "with these certificates"
    finding.cure =
      finding.cure ?? "if devices are to connect: name a profile as targets.NAME.provision, or send ACTIVE as status"
    return finding
  }

  /// The actions that only profiles need.
  private static let actionsOfProfiles: Set<String> = [
    "iot:CreateThing", "iot:AddThingToThingGroup", "iot:AttachPolicy", "iot:AttachThingPrincipal", "iot:RegisterThing",
  ]
  /// So many actions are named. A template needs all those that RegisterThing may need.
  private static let maximumNamed = 8

  /// The rights that profiles need; `nil` where there are no profiles, or the configuration does not tell.
  ///
  /// None is tried out: `--check-upstream` makes only the call to register, without a certificate. CreateThing cannot
  /// be tried without making a thing, and a call for a name that does not exist tells nothing about a policy that
  /// allows the names of the profile alone.
  func provisioningRights(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> Finding? {
    guard let certregd = try? program.get(), let printed = certregd.ask("--print-iam-policy"), printed.status == 0,
      let policy = try? JSON(parsing: printed.output)
    else { return nil }
    let actions = (policy["Statement"]?.array ?? []).flatMap { statement in
      (statement["Action"]?.array ?? [statement["Action"] ?? .null]).compactMap(\.string)
    }
    guard actions.contains(where: Doctor.actionsOfProfiles.contains) else { return nil }
    let unchecked = Set(actions).subtracting(["iot:RegisterCertificateWithoutCA"]).sorted {
      let isOfProfile = (Doctor.actionsOfProfiles.contains($0), Doctor.actionsOfProfiles.contains($1))
      return isOfProfile.0 == isOfProfile.1 ? $0 < $1 : isOfProfile.0
    }
    let rest = unchecked.count - Doctor.maximumNamed
    let names = unchecked.prefix(Doctor.maximumNamed).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    return Finding(
      .skipped, "permission", "not checked: \(names)",
      cure: "compare the policies of the identity with what this prints: \(certregd.commandLine("--print-iam-policy"))")
  }
}
