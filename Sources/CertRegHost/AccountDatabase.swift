import Glibc

/// Looks up users and groups by name. A look-up may wait for a directory service on the network: never on an event
/// loop.
package struct AccountDatabase: Sendable {
  /// The name of a user or of a group.
  package struct Name: Hashable, Sendable {
    /// Which of the two databases has the name.
    package enum Kind: Hashable, Sendable {
      case user
      case group
    }

    /// Whether it names a user or a group.
    package var kind: Kind
    /// The name.
    package var text: String

    package init(_ kind: Kind, _ text: String) {
      self.kind = kind
      self.text = text
    }
  }

  /// What the database says of a name.
  package enum Answer: Hashable, Sendable {
    case number(UInt32)
    /// No account has the name.
    case none
    /// The database could not be asked, for the error `errno`. It says nothing about the name.
    case failed(errno: Int32)
  }

  private let answer: @Sendable (Name) -> Answer

  /// - Parameter answer: Looks up a name; may wait.
  package init(_ answer: @escaping @Sendable (Name) -> Answer) {
    self.answer = answer
  }

  /// Asks the database.
  package func lookUp(_ name: Name) -> Answer { answer(name) }

  /// The system's accounts (getpwnam_r(3), getgrnam_r(3)), as nsswitch.conf(5) says.
  package static let system = AccountDatabase { name in
    switch name.kind {
    case .user:
      var entry = passwd()
      return ask { room, size in
        var found: UnsafeMutablePointer<passwd>?
        let status = getpwnam_r(name.text, &entry, room, size, &found)
        return (status, found.map { $0.pointee.pw_uid })
      }
    case .group:
      var entry = group()
      return ask { room, size in
        var found: UnsafeMutablePointer<group>?
        let status = getgrnam_r(name.text, &entry, room, size, &found)
        return (status, found.map { $0.pointee.gr_gid })
      }
    }
  }

  /// Calls `call` with more and more room until the entry fits. glibc reports an unknown name with the status 0 and no
  /// entry; any other status is an error of a source of accounts.
  private static func ask(
    _ call: (_ room: UnsafeMutablePointer<CChar>, _ size: Int) -> (status: Int32, id: UInt32?)
  ) -> Answer {
    var size = 1024
    while size <= 1 << 20 {
      let room = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { room.deallocate() }
      let (status, id) = call(room, size)
      if status == 0 { return id.map { .number($0) } ?? .none }
      guard status == ERANGE else { return .failed(errno: status) }
      size *= 4
    }
    return .failed(errno: ERANGE)
  }
}
