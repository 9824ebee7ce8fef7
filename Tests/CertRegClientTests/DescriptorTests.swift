import CSpawn
import CertRegClock
import CertRegCore
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CertRegClient

/// Pipes and terminals that other programs have changed or closed.
@Suite struct DescriptorTests {
  private func pipeEnds() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    let result = pipe2(&ends, O_CLOEXEC)
    try #require(result == 0)
    return (ends[0], ends[1])
  }

  private func key(_ descriptor: Int32, wait: Duration = .seconds(60)) -> Screen.Key {
    Screen.key(from: descriptor, until: HostClock.system.monotonic + wait, .system)
  }

  @Test func `writes everything to a pipe that does not block`() throws {
    let (reader, writer) = try pipeEnds()
    try #require(fcntl(writer, F_SETFL, O_NONBLOCK) == 0)
    let bytes = [UInt8](repeating: 0x61, count: 1 << 20)
    let isWritten = Mutex(false)
    Thread.detachNewThread {
      let isWhole = writeAll(bytes, to: writer)
      isWritten.withLock { $0 = isWhole }
      close(writer)
    }
    var count = 0
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let read = Glibc.read(reader, &buffer, buffer.count)
      guard read > 0 else { break }
      count += read
    }
    close(reader)
    #expect(count == bytes.count)
    #expect(isWritten.withLock { $0 })
  }

  @Test func `a screen ends with its terminal`() throws {
    var (terminal, other): (Int32, Int32) = (-1, -1)
    let result = openpty(&other, &terminal, nil, nil, nil)
    try #require(result == 0)
    for descriptor in [other, terminal] { try #require(fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) }
    defer { close(terminal) }
    #expect(key(terminal, wait: .zero) == .nothing)
    #expect(write(other, "x\n", 2) == 2)
    #expect(key(terminal) == .pressed(UInt8(ascii: "x")))
    close(other)
    #expect(key(terminal) == .gone)
  }

  @Test func `a screen ends with its pipe, and where there is nothing to read any more`() throws {
    let (reader, writer) = try pipeEnds()
    defer { close(reader) }
    try #require(fcntl(reader, F_SETFL, O_NONBLOCK) == 0)
    #expect(write(writer, "q", 1) == 1)
    #expect(key(reader) == .pressed(UInt8(ascii: "q")))
    #expect(key(reader, wait: .zero) == .nothing)
    close(writer)
    #expect(key(reader) == .gone)
    let empty = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(empty) }
    #expect(key(empty) == .gone)
    // No process has so many descriptors.
    #expect(key(Int32.max) == .gone)
  }
}
