import Glibc

/// A file of an import, written by one process alone.
///
/// Only its owner may read it. Symbolic links are never followed, and a file that exists is never written over: new
/// content goes into a new file, which then takes the name.
final class OwnedFile {
  let path: String
  let identity: FileIdentity
  /// The user whose file it is.
  private let owner: UInt32
  /// Whether its owner alone may read and write it.
  let isPrivate: Bool
  private let descriptor: Int32
  private var isSynced = true
  /// Set once something could not be written.
  private(set) var failure: InputError?

  /// Creates the file.
  ///
  /// - Throws: `InputError` `notWritable`, also where something exists at `path`.
  static func create(_ path: String) throws(InputError) -> OwnedFile {
    let file = try OwnedFile(path, flags: O_CREAT | O_EXCL)
    try syncFolder(of: path)
    return file
  }

  /// Creates a file that will replace another one. What an import that was killed left at `path` gives way.
  ///
  /// - Throws: `InputError` `notWritable`, also where a file at `path` is not of this form or not this user's.
  static func createReplacement(_ path: String, _ form: ReportForm, user: UInt32) throws(InputError) -> OwnedFile {
    if let leftover = try open(path, user: user) {
      guard try form.recognizes(leftover.stream()) else { throw isForeign(path) }
      leftover.remove()
    }
    return try create(path)
  }

  /// Opens a regular file to read it and to keep other imports out; `nil` where there is none.
  ///
  /// - Parameter user: The user whose file it has to be. Another user could have made up what it says.
  /// - Throws: `InputError` `notWritable` for symbolic links, other kinds of files, files of other users, and files of
  ///   a running import.
  static func open(_ path: String, user: UInt32) throws(InputError) -> OwnedFile? {
    var status = stat()
    guard lstat(path, &status) == 0 || errno != ENOENT else { return nil }
    // Without O_NONBLOCK, opening a named pipe would wait for its other end.
    let file = try OwnedFile(path, flags: O_NONBLOCK)
    guard file.owner == user else { throw belongsToAnother(path, file.owner) }
    return file
  }

  private init(_ path: String, flags: Int32) throws(InputError) {
    self.path = path
    descriptor = Glibc.open(path, flags | O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      switch errno {
      case EEXIST: throw OwnedFile.exists(path)
      case ELOOP: throw InputError(.notWritable, "\(path) is a symbolic link, which a report is never written through")
      default: throw OwnedFile.notWritable(path, errno)
      }
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      identity = FileIdentity(status)
      owner = status.st_uid
      isPrivate = false
      throw InputError(.notWritable, "\(path) is not a file")
    }
    identity = FileIdentity(status)
    owner = status.st_uid
    isPrivate = status.st_mode & 0o077 == 0
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw InputError(.notWritable, "another import is writing \(path)")
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // A program that is just being started has a copy of the descriptor, and the lock with it.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// The content from its beginning.
  func stream() throws(InputError) -> ByteStream {
    try ByteStream(reading: descriptor)
  }

  /// The bytes from `offset` on; fewer where they cannot be read.
  func bytes(at offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      length = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
  }

  /// Appends `content`. The first failure stays in `failure`, and nothing is written after it.
  func write(_ content: [UInt8]) {
    guard failure == nil, !content.isEmpty else { return }
    isSynced = false
    if !writeAll(content, to: descriptor) { fail(OwnedFile.notWritable(path, errno)) }
  }

  /// Notes a failure, unless there was one before.
  func fail(_ error: InputError) {
    failure = failure ?? error
  }

  /// Waits until the content is on disk.
  func sync() {
    guard !isSynced else { return }
    isSynced = true
    if fdatasync(descriptor) != 0 { fail(OwnedFile.notWritable(path, errno)) }
  }

  /// Gives the file another name. A file of that name gives way if it is the one that was looked at before.
  ///
  /// - Parameter replaced: The file that may have the name; `nil`: none may.
  /// - Throws: `InputError` `notWritable`.
  func move(to other: String, replacing replaced: FileIdentity?) throws(InputError) {
    if let present = FileIdentity(path: other, followsLinks: false), present != replaced {
      throw OwnedFile.isForeign(other)
    }
    guard rename(path, other) == 0 else { throw OwnedFile.notWritable(other, errno) }
    try OwnedFile.syncFolder(of: other)
  }

  /// Removes the file, unless another one has its name by now.
  func remove() {
    if FileIdentity(path: path, followsLinks: false) == identity { unlink(path) }
  }

  /// Makes the names in the folder durable.
  private static func syncFolder(of path: String) throws(InputError) {
    let end = path.lastIndex(of: "/")
    let folder = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // In a folder that may be written but not read, names become durable when the system gets to it.
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL { throw notWritable(path, errno) }
  }

  static func exists(_ path: String) -> InputError {
    InputError(
      .notWritable, "the report \(path) already exists",
      advice: "continue it with --resume, or name another one with --report")
  }

  static func isForeign(_ path: String) -> InputError {
    InputError(
      .notWritable, "\(path) exists and was not written by certregctl import; it stays as it is",
      advice: "name another report with --report")
  }

  private static func belongsToAnother(_ path: String, _ owner: UInt32) -> InputError {
    let name = getpwuid(owner).map { String(cString: $0.pointee.pw_name) } ?? "user \(owner)"
    return InputError(
      .notWritable, "\(path) belongs to \(name), and only a report of one's own is continued; it stays as it is",
      advice: "continue it as \(name), or name another report with --report")
  }

  private static func notWritable(_ path: String, _ code: Int32) -> InputError {
    let advice: String? =
      switch code {
      case EACCES, EPERM, EROFS, ENOENT, ENOTDIR:
        "name a report in a folder that you may write to: --report PATH, or --report - for standard output"
      case ENOSPC, EDQUOT: "make room there, or name a report on another disk with --report PATH"
      default: nil
      }
    return InputError(.notWritable, "\(path) cannot be written: \(systemMessage(code))", advice: advice)
  }
}
