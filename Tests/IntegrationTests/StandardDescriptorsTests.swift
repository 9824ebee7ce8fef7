import Foundation
import Testing

/// Programs that are started with closed standard descriptors, as some supervisors do.
@Suite struct StandardDescriptorsTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// What a shell command prints on standard output, run with PROGRAMS and DIR in the environment.
  private func shell(_ command: String) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    process.environment = DaemonProcess.environment([
      "PATH": "/usr/bin:/bin", "PROGRAMS": DaemonProcess.programs.path, "DIR": folder.path,
    ])
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  @Test(arguments: ["--print-config", "--print-iam-policy", "--check-config", "--check-upstream"])
  func `an answer that cannot be written is an error`(question: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let script = #""$PROGRAMS/certregd" --sandbox \#(question) 2>&1 >/dev/full; echo $?"#
    #expect(try shell(script) == "cannot write to standard output: No space left on device\n74\n")
  }

  @Test(arguments: [
    #""$PROGRAMS/certregd" --sandbox --socket "$DIR/s" --state-dir "$DIR/state""#,
    #""$PROGRAMS/certreg-sandbox" --port 0 --state "$DIR/register""#,
    #""$PROGRAMS/certregctl" watch --socket "$DIR/listening""#,
  ])
  func `no file or socket takes the place of a closed descriptor`(program: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    // `certregctl watch` needs something that listens. The programs run until they are killed.
    let script = """
      "$PROGRAMS/certregd" --sandbox --socket "$DIR/listening" --state-dir "$DIR/other" >/dev/null 2>&1 & daemon=$!
      until [ -S "$DIR/listening" ]; do sleep 0.1; done
      \(program) <&- >&- 2>&- & process=$!
      for _ in $(seq 100); do
        if readlink /proc/$process/exe | grep -q certreg && readlink /proc/$process/fd/2; then break; fi
        sleep 0.1
      done >/dev/null
      for number in 0 1 2; do readlink /proc/$process/fd/$number; done
      kill -KILL $process $daemon
      """
    #expect(try shell(script) == "/dev/null\n/dev/null\n/dev/null\n")
  }
}
