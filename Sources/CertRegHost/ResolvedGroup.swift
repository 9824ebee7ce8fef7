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

  /// - Throws: For a required group: `unknownGroup` if it does not exist, `failed` if that cannot be found out now.
  init(_ group: ListeningSocket.Options.Group, accounts: AccountDatabase = .system) throws(HostError) {
    switch group {
    case .unchanged: self.init(id: nil, name: "", isOptional: true, remark: nil)
    case .required(let name):
      do throws(HostError) {
        self.init(id: try Self.lookUp(name, accounts), name: name, isOptional: false, remark: nil)
      } catch {
        throw HostError(error.code, message: "socket.group: \(error.message)")
      }
    case .ifPossible(let name):
      do throws(HostError) {
        self.init(id: try Self.lookUp(name, accounts), name: name, isOptional: true, remark: nil)
      } catch {
        self.init(
          id: nil, name: name, isOptional: true, remark: "\(error.message): the socket keeps the process's own")
      }
    }
  }

  private init(id: gid_t?, name: String, isOptional: Bool, remark: String?) {
    self.id = id
    self.name = name
    self.isOptional = isOptional
    self.remark = remark
  }

  /// A group by its name, else by its number.
  private static func lookUp(_ name: String, _ accounts: AccountDatabase) throws(HostError) -> gid_t {
    let answer = accounts.lookUp(AccountDatabase.Name(.group, name))
    if case .number(let id) = answer { return id }
    if let id = number(name) { return id }
    if case .failed(let code) = answer {
      throw HostError(
        .failed, message: "the group '\(LogText.escaped(name))' cannot be looked up: \(systemMessage(code))")
    }
    throw HostError(.unknownGroup, message: "there is no group '\(LogText.escaped(name))'")
  }

  /// The group with this number. chown(2) takes the largest number to mean that the group stays.
  private static func number(_ text: String) -> gid_t? {
    gid_t(text).flatMap { $0 == .max ? nil : $0 }
  }
}
