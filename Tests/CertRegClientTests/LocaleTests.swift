import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// What people see in a locale without UTF-8.
@Suite struct LocaleTests {
  @Test(arguments: [
    ([:], false), (["LANG": "C"], false), (["LANG": "C.UTF-8"], true), (["LANG": "de_DE.utf8"], true),
    (["LANG": "de_DE.ISO-8859-1"], false), (["LC_ALL": "C", "LANG": "C.UTF-8"], false),
    (["LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"], true), (["LC_ALL": "POSIX"], false),
  ])
  func `the first variable that is set names the locale`(environment: [String: String], isUTF8: Bool) {
    #expect(Console.isUTF8(environment) == isUTF8)
  }

  @Test(arguments: [20, 80, 240]) func `nothing but ASCII reaches the terminal`(columns: Int) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("prüfstück→…a-rather-long-name-that-is-cut-somewhere.pem", Sample.certificatePEM())
    let other = try folder.write("key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    let daemon = try FakeDaemon(answering: { request in
      request["op"]?.string == "lookup"
        ? JSON.answer(to: request, [("state", .string("registered")), ("deviceId", .string("gerät"))])
        : JSON.created(request, cached: true)
    })
    for json in [false, true] {
      let capture = Capture()
      let console = capture.console(columns: columns, isUTF8: false)
      let session = Session(socketPath: daemon.path, console: console, json: json, targets: ["default", "b"])
      _ = RegisterVerb(paths: [file, other]).run(session)
      _ = LookupVerb(subjects: [file]).run(session)
      _ = StatusVerb().run(Session(socketPath: daemon.path, console: console, json: json))
      console.showTransient("… über")
      console.report(ClientError(.noDaemon, "no daemon", advice: "start it"))
      let shown = capture.output + capture.errors
      #expect(shown.utf8.allSatisfy { $0 < 0x80 }, "\(shown)")
      #expect(shown.contains("  > start it"))
      if json { #expect(shown.contains(#"ger\u00e4t"#)) }
    }
  }

  @Test func `a program gets names as they are`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("prüfstück.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    let capture = Capture()
    _ = RegisterVerb(paths: [file]).run(Session(socketPath: daemon.path, console: capture.console(isUTF8: false)))
    #expect(capture.output.contains("prüfstück.pem"))
  }
}
