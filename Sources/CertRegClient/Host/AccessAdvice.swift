/// What lets a user in whom the rights of a socket, or of the folder around it, keep out.
enum AccessAdvice {
  /// - Parameters:
  ///   - socket: The rights of the socket.
  ///   - user: The user's name.
  static func forSocket(_ socket: HostProbe.FileFacts, user: String) -> String {
    membership(in: socket, granting: 0o060, user)
      ?? "let a group of \(user) in: socket.group and socket.mode 0660 of certregd's configuration (SocketGroup and "
      + "SocketMode where systemd opens the socket), then restart certregd; or ask as \(socket.owner): \(asOwner(socket))"
  }

  /// - Parameters:
  ///   - path: The folder's path.
  ///   - folder: The rights of the folder.
  ///   - user: The user's name.
  static func forFolder(_ path: String, _ folder: HostProbe.FileFacts, user: String) -> String {
    let opening = "sudo chmod o+x \(path.quotedForShell)"
    return membership(in: folder, granting: 0o010, user).map { "\($0); or: \(opening)" }
      ?? "\(opening); or ask as \(folder.owner): \(asOwner(folder))"
  }

  /// The command that makes the user a member of the file's group; `nil` where that does not help, or gives far more.
  private static func membership(in file: HostProbe.FileFacts, granting bits: UInt16, _ user: String) -> String? {
    guard file.mode & bits == bits, file.group != "root" else { return nil }
    return "sudo usermod -aG \(file.group) \(user), then log in again"
  }

  private static func asOwner(_ file: HostProbe.FileFacts) -> String {
    file.owner == "root" ? "sudo certregctl" : "sudo -u \(file.owner) certregctl"
  }
}
