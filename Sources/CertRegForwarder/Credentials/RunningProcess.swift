import CSpawn
import FoundationEssentials
import Glibc

/// A child of this process, from its start until it was waited for. Its number cannot pass to another process before
/// that.
final class RunningProcess {
  /// The most descendants that are killed one by one.
  private static let mostDescendants = 1024
  /// How long a killed process may take to end. One that the kernel cannot interrupt takes longer and is not waited
  /// for.
  private static let patienceMilliseconds: Int32 = 1000

  /// A descriptor that `poll(2)` reports as readable when the process has ended.
  let descriptor: Int32
  private let number: pid_t

  /// - Throws: `notStarted` if the host has no descriptor left. The process has been killed then.
  init(_ number: pid_t) throws(ChildProcessError) {
    self.number = number
    descriptor = pidfd_open(number, 0)
    guard descriptor < 0 else { return }
    let code = errno
    Glibc.kill(-number, SIGKILL)
    _ = wait()
    throw .notStarted(errno: code)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Waits for the end of the process.
  ///
  /// - Returns: How it ended, as `waitpid(2)` gives it.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(number, &status, 0) < 0, errno == EINTR {}
    return status
  }

  /// Kills the process, its process group and its descendants. The process must not have been waited for.
  ///
  /// Descendants are looked for by their parents, since each may have a session and a group of its own. A descendant
  /// whose parent has ended cannot be found: making the daemon adopt such processes (PR_SET_CHILD_SUBREAPER) would
  /// concern all of it, and its service manager ends them with the service.
  func kill() {
    let descendants = RunningProcess.descendants(of: number)
    Glibc.kill(-number, SIGKILL)
    // The process may have joined another group.
    Glibc.kill(number, SIGKILL)
    for descendant in descendants {
      _ = pidfd_send_signal(descendant, SIGKILL, nil, 0)
      close(descendant)
    }
    var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    if poll(&polled, 1, RunningProcess.patienceMilliseconds) == 1 { _ = wait() }
  }

  /// Descriptors of the descendants, in which each parent comes before its children. The caller closes them.
  static func descendants(of process: pid_t, atMost limit: Int = mostDescendants) -> [Int32] {
    var descriptors: [Int32] = []
    var parents = [process]
    while let parent = parents.popLast() {
      for child in children(of: parent) {
        guard descriptors.count < limit else { return descriptors }
        let descriptor = pidfd_open(child, 0)
        guard descriptor >= 0 else { continue }
        // The child may have ended before its descriptor was opened and its number have passed to a stranger.
        guard self.parent(of: child) == parent else {
          close(descriptor)
          continue
        }
        descriptors.append(descriptor)
        parents.append(child)
      }
    }
    return descriptors
  }

  /// Children of all threads of a process (`proc(5)`, `/proc/PID/task/TID/children`).
  private static func children(of process: pid_t) -> [pid_t] {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return threads.flatMap { thread in
      ((try? HostFiles.system.text("/proc/\(process)/task/\(thread)/children")) ?? "")
        .split(separator: " ").compactMap { pid_t($0) }
    }
  }

  /// The fourth field of `/proc/PID/stat`; the second is the name in parentheses, which may hold any character.
  private static func parent(of process: pid_t) -> pid_t? {
    guard let bytes = try? HostFiles.system.read("/proc/\(process)/stat"),
      let name = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = bytes[name...].dropFirst().split(separator: UInt8(ascii: " "))
    return fields.count > 1 ? pid_t(String(decoding: fields[1], as: UTF8.self)) : nil
  }
}
