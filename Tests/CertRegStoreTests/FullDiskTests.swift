import CertRegClock
import CertRegCore
import Foundation
import Glibc
import Testing

@testable import CertRegStore

@Suite struct FullDiskTests {
  @Test func `a full database refuses with code full, keeps what it has and goes on when there is room`() async throws {
    let directory = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.enqueue(Sample.pending(1)), .complete(Sample.registration(50))])
    store.setPageLimit(20)
    var refused: [Int] = []
    var kept = [1]
    for number in 2...40 {
      do throws(StoreError) {
        try await store.commit([.enqueue(Sample.pending(number, size: 3000))])
        kept.append(number)
      } catch {
        #expect(error.code == .full)
        refused.append(number)
      }
    }
    #expect(!refused.isEmpty && kept.count > 1)
    #expect(try store.pendingRegistrations().map(\.sequence) == kept.map(Int64.init))
    #expect(try store.record(for: Sample.key(50)) == .registered(Sample.registration(50)))
    let left = try directory.copyAsLeftByKill()
    #expect(try SQLiteRegistrationStore(left).pendingRegistrations().map(\.sequence) == kept.map(Int64.init))
    store.setPageLimit(1_000_000)
    for number in refused { try await store.commit([.enqueue(Sample.pending(number, size: 3000))]) }
    #expect(try store.pendingRegistrations().count == 40)
  }

  @Test(arguments: [EACCES, EPERM, ENOSPC, EIO]) func `a right that is missing is one that another folder has`(
    code: Int32
  ) {
    let error = StoreError(system: "cannot create the state directory /var/lib/certregd", error: code)
    #expect(error.message.contains("--state-dir DIR") == [EACCES, EPERM].contains(code))
  }

  /// Whether this process may mount file systems, which only root can do, and not everywhere.
  private static let canMount: Bool = {
    guard let directory = try? TemporaryDirectory(), mkdir(directory.path, 0o700) == 0,
      mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0
    else { return false }
    return umount2(directory.path, Int32(MNT_DETACH)) == 0
  }()

  @Test(.enabled(if: FullDiskTests.canMount)) func `a full file system costs nothing that was acknowledged`()
    async throws
  {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try #require(mount("tmpfs", directory.path, "tmpfs", 0, "size=2m") == 0)
    defer { umount2(directory.path, Int32(MNT_DETACH)) }
    let state = directory.file("state")
    var store = try SQLiteRegistrationStore(directory: state, clock: .system, onNotice: { _ in })
    var kept: [Int64] = []
    for round in 0..<3 {
      let filler = try fill(directory)
      var refusals = 0
      for number in round * 1000..<round * 1000 + 600 where refusals < 5 {
        do throws(StoreError) {
          try await store.commit([.enqueue(Sample.pending(number))])
          kept.append(Int64(number))
        } catch {
          #expect(error.code == .full)
          refusals += 1
        }
      }
      #expect(refusals == 5)
      if round == 1 {
        // A start on the full disk either works or says what is wrong.
        store.close()
        do throws(StoreError) {
          store = try SQLiteRegistrationStore(directory: state, clock: .system, onNotice: { _ in })
        } catch {
          #expect(error.code == .full)
          try FileManager.default.removeItem(atPath: filler)
          store = try SQLiteRegistrationStore(directory: state, clock: .system, onNotice: { _ in })
        }
      }
      try? FileManager.default.removeItem(atPath: filler)
      try await store.commit([.enqueue(Sample.pending(round * 1000 + 999))])
      kept.append(Int64(round * 1000 + 999))
      #expect(try store.pendingRegistrations().map(\.sequence) == kept)
    }
    store.close()
  }

  /// Takes all room that is left, to the last byte.
  private func fill(_ directory: TemporaryDirectory) throws -> String {
    let path = directory.file("filler")
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    for size in [65_536, 512] {
      let bytes = [UInt8](repeating: 1, count: size)
      while write(descriptor, bytes, size) > 0 {}
    }
    return path
  }
}
