import CertRegCore
import Glibc

/// The directory with all files of the store, and their names.
struct StateDirectory: Sendable {
  let path: String

  /// The database.
  var database: String { path + "/certregd.db" }
  /// SQLite's write-ahead log.
  var log: String { path + "/certregd.db-wal" }
  /// SQLite's, while a database that is new or rebuilt is switched to the write-ahead log.
  var journal: String { path + "/certregd.db-journal" }
  /// SQLite's index of the log, in memory that its connections share.
  var sharedMemory: String { path + "/certregd.db-shm" }
  /// The number of committed changes, kept apart from the database: see `HighWaterMark`.
  var highWater: String { path + "/certregd.high-water" }
  /// Locked by the process that uses the directory.
  var lock: String { path + "/certregd.lock" }
  /// A copy of a damaged log, until what can be read of it is in the database: that overwrites the log.
  var damagedLog: String { path + "/certregd.damaged-log" }
  /// The same while it is being written. Worthless if the process ends.
  var unfinishedCopy: String { path + "/certregd.copying" }
  /// Rows whose checksum did not hold, one a line, for a person to look at.
  var damagedRows: String { path + "/certregd.damaged-rows" }
  /// A new database that is being filled from a damaged one. A start that finds it goes on with it.
  var unfinished: String { path + "/certregd.rebuilding" }
  /// The log of `unfinished`.
  var unfinishedLog: String { path + "/certregd.rebuilding-wal" }
  /// The new database when it is complete: it takes the damaged one's place, now or at the next start.
  var rebuilt: String { path + "/certregd.rebuilt" }
  /// How many starts in a row ended early: see `StartCount`.
  var starts: String { path + "/certregd.starts" }

  /// Makes the directory, for the daemon's user alone, unless it exists. Its name is made durable, too: without it
  /// everything in it would be gone after a loss of power.
  ///
  /// - Throws: `failed` or `full` with the system's words.
  func create() throws(StoreError) {
    guard mkdir(path, 0o700) != 0 else { return try StateDirectory.synchronize(path + "/..") }
    guard errno == EEXIST else { throw StoreError(system: "cannot create the state directory \(path)") }
    var information = stat()
    guard stat(path, &information) == 0 else { throw StoreError(system: "cannot use the state directory \(path)") }
    guard information.st_mode & S_IFMT == S_IFDIR else {
      throw StoreError(system: "cannot use the state directory \(path)", error: ENOTDIR)
    }
    // The start that made the directory may have ended before its name was durable. The directory above it may be
    // closed to us.
    if !StateDirectory.exists(database) { try? StateDirectory.synchronize(path + "/..") }
  }

  /// Opens a file for reading and writing. A new one is made with mode 0600. A symbolic link is refused.
  static func openFile(_ path: String) throws(StoreError) -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw StoreError(system: "cannot open \(path)") }
    return descriptor
  }

  /// Makes an empty file where there is none. SQLite gives the log and the shared memory the database's mode.
  static func createFile(_ path: String) throws(StoreError) {
    Glibc.close(try openFile(path))
  }

  /// The size in bytes; `nil` where there is no such file.
  static func size(_ path: String) -> Int64? {
    var information = stat()
    return stat(path, &information) == 0 ? Int64(information.st_size) : nil
  }

  /// Whether there is a file of that name.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Removes what a rebuild has left that is not needed, or not to be gone on with.
  func removeUnfinished() throws(StoreError) {
    for file in [unfinishedLog, unfinished] { try StateDirectory.remove(file) }
  }

  /// Makes new and renamed entries of the directory durable.
  func synchronize() throws(StoreError) { try StateDirectory.synchronize(path) }

  /// Makes a file's, or a directory's, content durable.
  static func synchronize(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError(system: "cannot open \(path)") }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreError(system: "cannot synchronise \(path)") }
  }

  /// Makes a directory for damaged files, named after the time.
  func createDamagedDirectory(at time: WallTime) throws(StoreError) -> String {
    let name = "\(path)/damaged-\(time.amzDate)"
    // There may be several in one second. The bound ends the search where no directory can be made.
    for suffix in [""] + (2..<100).map({ "-\($0)" }) {
      if mkdir(name + suffix, 0o700) == 0 { return name + suffix }
      guard errno == EEXIST else { break }
    }
    throw StoreError(system: "cannot create \(name)")
  }

  /// Moves a file, where there is one.
  static func move(_ source: String, to target: String) throws(StoreError) {
    guard rename(source, target) == 0 || errno == ENOENT else {
      throw StoreError(system: "cannot move \(source) to \(target)")
    }
  }

  /// Removes a file, where there is one.
  static func remove(_ path: String) throws(StoreError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw StoreError(system: "cannot remove \(path)") }
  }

  /// Copies a file and makes the copy durable.
  static func copy(_ source: String, to target: String) throws(StoreError) {
    guard let file = try RawFile(path: source) else { return }
    let descriptor = try openFile(target)
    defer { Glibc.close(descriptor) }
    var offset = 0
    while offset < file.sizeBytes {
      let count = min(1 << 16, file.sizeBytes - offset)
      guard let bytes = file.bytes(at: offset, count: count) else {
        throw StoreError(system: "cannot read \(source)")
      }
      guard write(descriptor, bytes, count) == count else { throw StoreError(system: "cannot write \(target)") }
      offset += count
    }
    guard fsync(descriptor) == 0 else { throw StoreError(system: "cannot synchronise \(target)") }
  }

  /// Whether the disk has less than 256 MiB free: the log then gives back room that it does not need at once.
  var isShortOfSpace: Bool {
    var figures = statvfs()
    guard statvfs(path, &figures) == 0 else { return false }
    // File systems that know no limit report one that is not a number of bytes.
    let (bytes, overflows) = UInt64(figures.f_bavail).multipliedReportingOverflow(by: UInt64(figures.f_frsize))
    return !overflows && bytes < 256 << 20
  }
}

extension StoreError {
  /// The error of a system call, from `errno`.
  init(system what: String, error: Int32 = errno) {
    let isFull = error == ENOSPC || error == EDQUOT
    let isDenied = error == EACCES || error == EPERM
    let advice = isDenied ? "; name a folder that this user may write to: --state-dir DIR" : ""
    self.init(isFull ? .full : .failed, message: "\(what): \(String(cString: strerror(error)))\(advice)")
  }
}
