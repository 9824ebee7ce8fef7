import CertRegCore
import Glibc

extension HostProbe {
  /// The machine that this runs on.
  package static func live(socketPath: String, environment: [String: String], timeout: Duration) -> HostProbe {
    HostProbe(
      environment: environment, user: userName(getuid()), groups: groupNames(), wallTime: Clock.wall,
      file: fileFacts, freeBytes: freeBytes,
      status: {
        do throws(ClientError) {
          return .success(try Connection(path: socketPath).ask(Request("status"), timeout: timeout))
        } catch {
          return .failure(error)
        }
      },
      run: { Program.run($0, environment: environment, timeout: .seconds(15)) },
      reach: { reach(host: $0, port: $1, timeout: .seconds(5)) })
  }

  private static func userName(_ id: uid_t) -> String {
    getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? String(id)
  }

  private static func groupName(_ id: gid_t) -> String {
    getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? String(id)
  }

  private static func groupNames() -> [String] {
    var ids = [gid_t](repeating: 0, count: 256)
    let count = getgroups(Int32(ids.count), &ids)
    return Set(ids.prefix(Int(max(0, count))) + [getegid()]).sorted().map(groupName)
  }

  private static func fileFacts(_ path: String) -> FileFacts? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let kind: FileFacts.Kind =
      switch status.st_mode & S_IFMT {
      case S_IFSOCK: .socket
      case S_IFDIR: .folder
      case S_IFREG: .file
      default: .other
      }
    return FileFacts(
      kind: kind, mode: UInt16(status.st_mode & 0o7777), owner: userName(status.st_uid),
      group: groupName(status.st_gid), isReadable: access(path, R_OK) == 0, isWritable: access(path, W_OK) == 0)
  }

  private static func freeBytes(_ path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }

  private static func reach(host: String, port: UInt16, timeout: Duration) -> Reach {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    guard code == 0 else { return .notResolved(String(cString: gai_strerror(code))) }
    defer { freeaddrinfo(list) }
    var failure = "no address"
    var entry = list
    while let current = entry {
      let descriptor = socket(current.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      entry = current.pointee.ai_next
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      var limit = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      if connect(descriptor, current.pointee.ai_addr, current.pointee.ai_addrlen) == 0 {
        return .reached(address: numericAddress(current.pointee))
      }
      failure = errno == EINPROGRESS ? "no answer within \(timeout.components.seconds) s" : systemMessage(errno)
    }
    return .notConnected(failure)
  }

  private static func numericAddress(_ info: addrinfo) -> String {
    var text = [CChar](repeating: 0, count: 64)
    getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
