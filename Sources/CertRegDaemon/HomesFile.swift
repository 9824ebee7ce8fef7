import CertRegCodec
import CertRegCore
import CertRegHost
import Logging
import Synchronization

/// `certregd.homes` in the state directory: what was learnt of where results belong, a JSON object on each line.
///
/// Notes are written one after the other on a worker thread. A crash may lose the last one. The next process learns it
/// from the next ARN. A file with far more lines than it needs is written anew: an upstream can name one account after
/// the other.
final class HomesFile: Sendable {
  private struct State {
    var waiting: [TargetHomes.Note] = []
    var isWriting = false
    /// What the lines of the file make.
    var homes: TargetHomes
    /// So many lines are written behind the others. Then the file is written anew.
    var room: Int
  }

  private let file: StateFile
  private let logger: Logger
  /// Protects the notes that wait to be written.
  private let state: Mutex<State>

  private init(_ file: StateFile, _ homes: TargetHomes, room: Int, logger: Logger) {
    self.file = file
    self.logger = logger
    state = Mutex(State(homes: homes, room: room))
  }

  /// The lines that a file may have before it is written anew.
  ///
  /// - Parameter needed: The lines that it needs.
  private static func mostLines(needed: Int) -> Int { 2 * needed + 100 }

  /// Reads what earlier processes wrote.
  ///
  /// - Throws: The file's fault.
  static func open(
    in directory: String, logger: Logger
  ) throws(DaemonError) -> (file: HomesFile, homes: TargetHomes) {
    let file = StateFile(path: directory + "/certregd.homes")
    let lines = try file.read()?.split(separator: UInt8(ascii: "\n")) ?? []
    let notes = lines.compactMap { TargetHomes.Note(json: Array($0)) }
    if notes.count < lines.count {
      logger.warning("\(file.path): \(lines.count - notes.count) damaged line(s) were passed over")
    }
    let homes = TargetHomes(notes)
    let needed = homes.notes
    var room = mostLines(needed: needed.count) - lines.count
    if room < 0 {
      try file.replace(with: needed.flatMap(\.line))
      room = mostLines(needed: needed.count) - needed.count
    }
    return (HomesFile(file, homes, room: room, logger: logger), homes)
  }

  /// Keeps notes for later processes, on a worker thread.
  func append(_ notes: [TargetHomes.Note], on workers: WorkQueue) {
    let begins = state.withLock { state in
      state.waiting += notes
      defer { state.isWriting = true }
      return !state.isWriting
    }
    if begins { workers.submit { self.writeWaiting() } }
  }

  /// Writes the notes that wait. It waits for the disk.
  func writeWaiting() {
    while true {
      let notes = state.withLock { state in
        defer { state.waiting = [] }
        state.isWriting = !state.waiting.isEmpty
        return state.waiting
      }
      if notes.isEmpty { return }
      do throws(DaemonError) { try write(notes) } catch {
        logger.warning("\(error.description)")
        // They go with the next note. A line that was written twice says nothing else.
        return state.withLock { state in
          state.waiting = notes + state.waiting
          state.isWriting = false
        }
      }
    }
  }

  /// Only one thread at a time comes here.
  private func write(_ notes: [TargetHomes.Note]) throws(DaemonError) {
    let needed: [TargetHomes.Note]? = state.withLock { state in
      for note in notes { state.homes.add(note) }
      return notes.count > state.room ? state.homes.notes : nil
    }
    if let needed {
      try file.replace(with: needed.flatMap(\.line))
      state.withLock { $0.room = Self.mostLines(needed: needed.count) - needed.count }
    } else {
      try file.append(notes.flatMap(\.line))
      state.withLock { $0.room -= notes.count }
    }
  }
}

extension TargetHomes.Note {
  /// Reads a line of the file; `nil`: it is damaged.
  fileprivate init?(json: [UInt8]) {
    guard let value = try? JSONValue(parsing: json), let target = value["target"]?.string,
      let location = value["location"]?.string
    else { return nil }
    self.init(
      target: TargetName(target), location: UpstreamLocation(description: location),
      account: value["account"]?.string.flatMap { AccountPrefix(rawValue: $0) }, signer: value["signer"]?.string)
  }

  /// The line with its LF. It begins with an LF, so that a line that a crash cut short damages no other.
  fileprivate var line: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("target", target.rawValue)
    writer.member("location", location.description)
    writer.member("account", ifPresent: account?.rawValue)
    writer.member("signer", ifPresent: signer)
    writer.endObject()
    return [UInt8(ascii: "\n")] + writer.line()
  }
}
