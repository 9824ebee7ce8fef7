import CertRegClock
import CertRegCore
import Dispatch
import Foundation
import Logging
import NIOPosix
import Testing

@testable import CertRegDaemon

/// `certregd.fleet` and `certregd.homes` on a disk that fails.
@Suite final class StateFilesTests {
  private let directory = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// A host that took itself for another one would be kept out of the fleet under its own name.
  @Test func `a fleet file that cannot be read is no reason for another instance`() throws {
    let drawn = try FleetFile.open(in: directory.path) { 7 }
    #expect(try FleetFile.open(in: directory.path) { 8 } == drawn)
    let path = directory.appending(path: "certregd.fleet")
    try FileManager.default.removeItem(at: path)
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
    let error = #expect(throws: DaemonError.self) { try FleetFile.open(in: directory.path) { 9 } }
    #expect(error?.description.contains("certregd.fleet cannot be read") == true)
  }

  /// What is lost with a number that cannot be is told and heard again: see ``FleetFile``. The host stays itself.
  @Test(arguments: ["sent", "newsAt", "untoldAfter", "offset", "positions"], [0, -1, Int64.min, .max])
  func `a number of the fleet file is one that can be, or all are left aside`(_ name: String, _ number: Int64) throws {
    let value = name == "positions" ? #"{"m2":7,"m3":\#(number)}"# : "\(number)"
    var members = ["fleet": #""f""#, "instance": #""i""#, "sent": "5", "newsAt": "6"]
    members[name] = value
    let json = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    try json.write(to: directory.appending(path: "certregd.fleet"), atomically: false, encoding: .utf8)
    let file = try FleetFile.open(in: directory.path) { 7 }
    #expect(file.instance == "i")
    guard number == 0 || name == "offset" && number == -1 else { return #expect(file.progress == FleetProgress()) }
    let read: Int64? =
      switch name {
      case "sent": file.progress.sentNumber
      case "newsAt": file.progress.newsAt
      case "untoldAfter": file.progress.untoldAfter
      case "offset": file.progress.offsetMicroseconds
      default: file.progress.positions["m3"]
      }
    #expect(read == number && file.progress.fleetID == "f")
  }

  @Test(arguments: [#""5""#, "1.5", "true", "null", "99999999999999999999", "1e300"])
  func `what is no whole number in the fleet file is no number`(_ value: String) throws {
    let json = #"{"fleet":"f","instance":"i","untoldAfter":\#(value),"sent":5}"#
    try json.write(to: directory.appending(path: "certregd.fleet"), atomically: false, encoding: .utf8)
    #expect(try FleetFile.open(in: directory.path) { 7 } == FleetFile(instance: "i"))
  }

  /// A queue with one thread, whose pool has to be shut down.
  private func oneWorker() -> (WorkQueue, NIOThreadPool) {
    let threads = NIOThreadPool(numberOfThreads: 1)
    threads.start()
    let workers = WorkQueue(
      pool: threads, threads: 1, givingWay: GivingWay(demand: AnswerDemand(), clock: HostClock.system))
    return (workers, threads)
  }

  @Test func `homes that the disk did not take are written with the next ones`() async throws {
    let (file, _) = try HomesFile.open(in: directory.path, logger: Logger(label: "test"))
    let (workers, threads) = oneWorker()
    /// Hands a note over, and waits for the thread.
    func keep(_ name: String) async {
      file.append(
        [TargetHomes.Note(target: TargetName(name), location: .aws(region: "eu-central-1"), account: nil)], on: workers)
      await withCheckedContinuation { done in workers.submit { done.resume() } }
    }
    let path = directory.appending(path: "certregd.homes")
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: false)
    await keep("t1")
    try FileManager.default.removeItem(at: path)
    await keep("t2")
    let (_, homes) = try HomesFile.open(in: directory.path, logger: Logger(label: "test"))
    #expect(homes.notes.map(\.target.rawValue).sorted() == ["t1", "t2"])
    try await threads.shutdownGracefully()
  }

  @Test func `an upstream that names two accounts in turn does not fill the disk`() async throws {
    let (file, homes) = try HomesFile.open(in: directory.path, logger: Logger(label: "test"))
    let (workers, threads) = oneWorker()
    let target = TargetName("t")
    let location = UpstreamLocation.endpoint("http://localhost", region: "r")
    var learnt = homes
    for number in 0..<1000 {
      let id = String(repeating: "0", count: 64)
      let note = learnt.learn(arn: "arn:aws:iot:r:\(number % 2):cert/\(id)", of: target, at: location)?.note
      file.append([try #require(note)], on: workers)
      await withCheckedContinuation { done in workers.submit { done.resume() } }
    }
    let path = directory.appending(path: "certregd.homes")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count <= 2 * learnt.notes.count + 100)
    var (_, again) = try HomesFile.open(in: directory.path, logger: Logger(label: "test"))
    _ = again.point(target, at: location)
    #expect(again.home(of: target).account?.number == "1")
    try await threads.shutdownGracefully()
  }
}
