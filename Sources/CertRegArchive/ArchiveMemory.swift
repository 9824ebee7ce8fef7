import Glibc
import Synchronization

/// Bounds the memory that libarchive takes.
package enum ArchiveMemory {
  /// How much memory libarchive may take for an archive and all archives in it. A dictionary of 7z or xz has 64 MiB at
  /// the highest usual level.
  package static let additionalBytes = 512 << 20
  /// So much a call of libarchive may take in any case. libarchive ends the process where it gets no memory for some
  /// small things.
  fileprivate static let reserveBytes = 64 << 20

  private static let isLimited = Atomic<Bool>(false)
  /// The limit that is in force; 0 for the one that the process began with.
  private static let limitInForce = Atomic<Int>(0)
  /// RLIMIT_DATA before it was changed (getrlimit(2)).
  private static let original: (soft: rlim_t, hard: rlim_t)? = {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit) == 0 else { return nil }
    return (limit.rlim_cur, limit.rlim_max)
  }()
  private static let statistics = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)

  /// Lets libarchive take at most ``additionalBytes`` from here to the end of the process.
  ///
  /// Archives state how much memory their decompression needs, and a 7z archive of a few kilobytes can state millions
  /// of members, which libarchive allocates at once. With the limit it reports `outOfMemory` instead. Programs call
  /// this once, before they open archives, and read archives on one thread at a time.
  ///
  /// The limit is one of the process (RLIMIT_DATA), since libarchive takes neither an allocator nor a number. Swift's
  /// allocator ends the process where it gets no memory. So the limit is in force only while libarchive runs, and
  /// between calls for an open archive that leaves the process far more memory than it takes.
  package static func limit() {
    guard original != nil, dataBytes() != nil else { return }
    isLimited.store(true, ordering: .relaxed)
  }

  /// The memory that RLIMIT_DATA counts; `nil` where there is no limit to keep. It is the sixth number of
  /// /proc/self/statm, in pages (proc(5)).
  fileprivate static func limitedBytes() -> Int? {
    isLimited.load(ordering: .relaxed) ? dataBytes() : nil
  }

  private static func dataBytes() -> Int? {
    guard statistics >= 0 else { return nil }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let count = pread(statistics, buffer.baseAddress, buffer.count, 0)
      let fields = buffer.prefix(max(0, count)).split(separator: UInt8(ascii: " "))
      guard fields.count > 5, let pages = Int(String(decoding: fields[5], as: UTF8.self)) else { return nil }
      return pages * sysconf(Int32(_SC_PAGESIZE))
    }
  }

  /// Sets the soft limit, which never exceeds the one that the process began with; `nil` stands for that one.
  fileprivate static func setLimit(_ bytes: Int?) {
    guard let original, limitInForce.exchange(bytes ?? 0, ordering: .relaxed) != bytes ?? 0 else { return }
    let soft = bytes.map { min(rlim_t($0), original.soft) } ?? original.soft
    var limit = rlimit(rlim_cur: soft, rlim_max: original.hard)
    setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
  }
}

/// The memory that libarchive holds for an archive and all archives in it.
final class ArchiveAllowance {
  /// Smaller changes are left out: the C library keeps small pieces that are freed, and gives them to Swift.
  private static let smallestChange = 1 << 20
  /// If libarchive holds no more, so much of the limit is left between calls that nothing else reaches it.
  private static let mostHeldBetweenCalls = ArchiveMemory.additionalBytes / 4

  private var heldBytes = 0
  /// The memory of the process when libarchive began to run; `nil` while it does not run, and in calls that are not
  /// measured.
  private var bytesBefore: Int?
  /// The limit while libarchive runs; `nil` where there is none.
  private var limitBytes: Int?

  /// Call it before libarchive runs, and when a callback that can run libarchive returns to it.
  ///
  /// - Parameter measures: Whether the memory is measured, which takes longer than most calls. Otherwise the last limit
  ///   is in force.
  func enter(measures: Bool = true) {
    if !measures, limitBytes != nil { return resume() }
    guard let present = ArchiveMemory.limitedBytes() else { return }
    bytesBefore = present
    let room = max(ArchiveMemory.reserveBytes, ArchiveMemory.additionalBytes - heldBytes)
    limitBytes = present + room
    resume()
  }

  /// Call it when a callback of libarchive takes a moment and no memory to speak of.
  func pause() {
    ArchiveMemory.setLimit(nil)
  }

  /// Call it at the end of such a callback.
  func resume() {
    if let limitBytes { ArchiveMemory.setLimit(limitBytes) }
  }

  /// Call it when libarchive has run, and when it calls back.
  ///
  /// - Parameter keepsLimit: Whether the limit may stay in force until the next call. Setting it twice for each call
  ///   takes longer than most calls. ``pause()`` ends it.
  func leave(keepsLimit: Bool = false) {
    if let before = bytesBefore {
      bytesBefore = nil
      pause()
      if let present = ArchiveMemory.limitedBytes(), abs(present - before) >= ArchiveAllowance.smallestChange {
        heldBytes = max(0, heldBytes + present - before)
      }
    }
    if keepsLimit, heldBytes <= ArchiveAllowance.mostHeldBetweenCalls { resume() } else { pause() }
  }
}
