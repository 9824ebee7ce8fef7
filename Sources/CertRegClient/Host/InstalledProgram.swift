import Glibc

/// A program that this user may run without running somebody else's code.
package struct InstalledProgram: Hashable, Sendable {
  /// An absolute path.
  package var path: String
  /// The executable file, to tell whether a process runs this program.
  package var identity: FileIdentity

  package init(path: String, identity: FileIdentity) {
    self.path = path
    self.identity = identity
  }
}

/// Finds installed programs by name: next to certregctl, in the folders of `PATH`, and in those for administrators.
///
/// A program counts only if nobody but root and the user who searches can have put it there. Names that lead elsewhere,
/// such as a symbolic link in a folder that everybody may write to, find nothing.
struct ProgramSearch {
  private let ownPath: String?
  private let pathFolders: [String]
  private let owners: Set<uid_t>

  /// - Parameters:
  ///   - ownPath: The path of the running certregctl, without symbolic links.
  ///   - path: The value of `PATH`.
  ///   - user: The user for whom programs are searched.
  init(ownPath: String?, path: String, user: uid_t) {
    self.ownPath = ownPath
    owners = [user]
    // An empty or relative folder would depend on where certregctl is started.
    pathFolders = (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).filter { $0.hasPrefix("/") }
  }

  /// A search for the user and the `PATH` of this process.
  static func current(environment: [String: String]) -> ProgramSearch {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    return ProgramSearch(
      ownPath: own.map { String(cString: $0) }, path: environment["PATH"] ?? "", user: geteuid())
  }

  /// Folders of `PATH` that only trusted users can change, without symbolic links: the `PATH` of programs that are run.
  var folders: [String] {
    pathFolders.compactMap { ProtectedPath.resolve($0, owners: owners) }
  }

  /// The program with this name; `nil` where there is none that may be run.
  func program(_ name: String) -> InstalledProgram? {
    sibling(name) ?? folders.lazy.compactMap { inFolder($0, name) }.first
  }

  /// The program next to certregctl. Whoever installed certregctl is trusted already, but in a folder such as `/tmp`
  /// other users can put files and links beside it.
  private func sibling(_ name: String) -> InstalledProgram? {
    var own = stat()
    guard let ownPath, let slash = ownPath.lastIndex(of: "/"), stat(ownPath, &own) == 0 else { return nil }
    let path = String(ownPath[...slash]) + name
    var status = stat()
    guard lstat(path, &status) == 0, isPlainProgram(status, path),
      ProtectedPath.isProtected(path, status, owners: owners.union([own.st_uid]))
    else { return nil }
    return InstalledProgram(path: path, identity: FileIdentity(status))
  }

  private func inFolder(_ folder: String, _ name: String) -> InstalledProgram? {
    var status = stat()
    guard let path = ProtectedPath.resolve("\(folder)/\(name)", owners: owners), stat(path, &status) == 0,
      isPlainProgram(status, path)
    else { return nil }
    return InstalledProgram(path: path, identity: FileIdentity(status))
  }

  /// Whether this is an executable file that runs with no more rights than its caller's.
  private func isPlainProgram(_ status: stat, _ path: String) -> Bool {
    status.st_mode & S_IFMT == S_IFREG && status.st_mode & (S_ISUID | S_ISGID) == 0 && access(path, X_OK) == 0
  }
}
