import CertRegCodec
import Glibc

/// What a request asked for whose entry is in a file of failed entries: its profile and its attributes.
struct KeptRequest {
  /// The names of the members, as in requests.
  static let profileMember = "provision"
  static let attributesMember = "attributes"
  /// The device's name, as the import took it.
  static let nameMember = "deviceId"
  /// What was wrong, which may quote a line of PEM.
  static let messageMember = "message"

  /// Whose word a source is.
  enum Origin: Hashable, Sendable {
    /// It is no file of failed entries.
    case none
    /// An import of this user wrote it.
    case own
    /// Somebody else could have written it. A profile gives a device its rights.
    case foreign
  }

  /// The profile; `nil`: the request named none.
  var provision: ProfileChoice?
  /// The attributes, in the request's order.
  var attributes: [DeviceAttribute] = []

  /// Reads the members of a line; `nil` where it has none of them.
  init?(_ line: JSON) {
    provision = line[KeptRequest.profileMember].flatMap(ProfileChoice.init(member:))
    attributes = (line[KeptRequest.attributesMember]?.members ?? []).compactMap { member in
      member.value.string.map { DeviceAttribute(name: member.name, value: $0) }
    }
    if provision == nil, attributes.isEmpty { return nil }
  }

  /// The members of a line.
  static func members(_ device: DeviceDetails) -> [JSON.Member] {
    [(profileMember, device.provision?.member), (attributesMember, device.attributeObject)].compactMap { name, value in
      value.map { JSON.Member(name, $0) }
    }
  }

  /// Whether a member of a line has the form that an import writes.
  static func isMember(_ member: JSON.Member) -> Bool {
    switch member.name {
    case profileMember: ProfileChoice(member: member.value) != nil
    case attributesMember: member.value.members?.allSatisfy { $0.value.string != nil } == true
    default: false
    }
  }

  /// Whether a stream from which nothing was taken is that of a file of failed entries, and whose.
  ///
  /// Imports write such files for their user alone, with mode 0600. Files that came from elsewhere seldom have it. The
  /// owner and the mode are those of the file that is read, whatever has its name by now. With an access list the bits of
  /// the group are the most that it grants to anybody (acl(5)).
  static func origin(of stream: ByteStream) -> Origin {
    guard let status = stream.fileStatus, let file = stream.rewound() else { return .none }
    defer { _ = stream.rewound() }
    guard (try? ReportForm.failedEntries.recognizes(file)) == true else { return .none }
    return status.st_uid == geteuid() && status.st_mode & 0o077 == 0 ? .own : .foreign
  }

  /// The error of an entry whose request is not repeated because of its origin.
  static let isForeign = InputError(
    .foreignRequest, "this line asks for a profile or attributes, and others than you could have written the file",
    advice: "check what its lines ask for, then: chmod 600 FILE")

  /// Lets an entry ask for the same. Attributes of the command line go before those that were kept.
  func apply(to entry: inout InputEntry) {
    entry.provision = provision
    let own = Set(entry.attributes.map(\.name))
    entry.attributes += attributes.filter { !own.contains($0.name) }
  }
}
