import Foundation
import Glibc
import Testing

/// The limit on memory, which keeps archives from taking it all, is not for the programs of `certregctl doctor`.
@Suite struct DoctorLimitTests {
  @Test func `programs that the doctor starts have the limits of its caller`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // The doctor asks systemctl(1) and takes it from PATH where only this user can change it.
    try #require(chmod(folder.path, 0o700) == 0)
    let program = folder.appending(path: "systemctl").path
    let seen = folder.appending(path: "limit").path
    try "#!/bin/sh\nulimit -S -d >'\(seen)'\necho active\n".write(toFile: program, atomically: true, encoding: .utf8)
    try #require(chmod(program, 0o700) == 0)

    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", #"ulimit -S -d; exec "$PROGRAMS/certregctl" doctor --socket "$DIR/none" >/dev/null 2>&1"#,
    ]
    process.environment = DaemonProcess.environment([
      "PATH": "\(folder.path):/usr/bin:/bin", "PROGRAMS": DaemonProcess.programs.path, "DIR": folder.path,
    ])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let before = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(try String(contentsOfFile: seen, encoding: .utf8) == before)
  }
}
