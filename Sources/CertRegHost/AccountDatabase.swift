import Glibc

/// Users and groups by name (getpwnam_r(3), getgrnam_r(3)).
package enum AccountDatabase {
  /// Number of the user; `nil` if there is none of that name.
  package static func user(named name: String) -> UInt32? {
    var entry = passwd()
    return lookUp { room, size in
      var found: UnsafeMutablePointer<passwd>?
      let status = getpwnam_r(name, &entry, room, size, &found)
      return (status, found.map { $0.pointee.pw_uid })
    }
  }

  /// Number of the group; `nil` if there is none of that name.
  package static func group(named name: String) -> UInt32? {
    var entry = Glibc.group()
    return lookUp { room, size in
      var found: UnsafeMutablePointer<Glibc.group>?
      let status = getgrnam_r(name, &entry, room, size, &found)
      return (status, found.map { $0.pointee.gr_gid })
    }
  }

  /// Asks with more and more room until the entry fits.
  private static func lookUp(_ ask: (_ room: UnsafeMutablePointer<CChar>, _ size: Int) -> (status: Int32, id: UInt32?))
    -> UInt32?
  {
    var size = 1024
    while size <= 1 << 20 {
      let room = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { room.deallocate() }
      let answer = ask(room, size)
      guard answer.status == ERANGE else { return answer.status == 0 ? answer.id : nil }
      size *= 4
    }
    return nil
  }
}
