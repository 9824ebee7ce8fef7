import Glibc

/// The group of a socket, looked up.
struct ResolvedGroup {
  /// `nil`: leave the group as it is.
  let id: gid_t?
  let name: String
  /// Whether the socket may do without it.
  let isOptional: Bool
  /// Why an optional group is not used.
  let remark: String?

  /// - Throws: `unknownGroup` where a required one does not exist.
  init(_ group: ListeningSocket.Options.Group) throws(HostError) {
    switch group {
    case .unchanged: self.init(id: nil, name: "", isOptional: true, remark: nil)
    case .required(let name):
      guard let id = Self.lookUp(name) else {
        throw HostError(.unknownGroup, message: "socket.group: there is no group '\(LogText.escaped(name))'")
      }
      self.init(id: id, name: name, isOptional: false, remark: nil)
    case .ifPossible(let name):
      let id = Self.lookUp(name)
      let remark = id == nil ? "there is no group '\(LogText.escaped(name))': the socket keeps the process's own" : nil
      self.init(id: id, name: name, isOptional: true, remark: remark)
    }
  }

  private init(id: gid_t?, name: String, isOptional: Bool, remark: String?) {
    self.id = id
    self.name = name
    self.isOptional = isOptional
    self.remark = remark
  }

  /// A group by its name, else by its number.
  private static func lookUp(_ name: String) -> gid_t? {
    var size = 1024
    while size <= 1 << 20 {
      var entry = group()
      var found: UnsafeMutablePointer<group>?
      var buffer = [CChar](repeating: 0, count: size)
      let result = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
      if result == 0 { return found == nil ? number(name) : entry.gr_gid }
      guard result == ERANGE else { return number(name) }
      // A group with many members needs more room.
      size *= 4
    }
    return nil
  }

  /// The group with this number. chown(2) takes the largest number to mean that the group stays.
  private static func number(_ text: String) -> gid_t? {
    gid_t(text).flatMap { $0 == .max ? nil : $0 }
  }
}
