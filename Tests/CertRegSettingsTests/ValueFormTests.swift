import CertRegCore
import Testing

@testable import CertRegSettings

@Suite struct ValueFormTests {
  @Test(arguments: [
    ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000), ("250ms", 250), ("7d", 604_800_000), ("2", 2000),
    ("0.5", 500), ("1.5h", 5_400_000), ("1d2h3m4s5ms", 93_784_005), ("0", 0), ("0s", 0), ("90m", 5_400_000),
  ])
  func `reads durations`(text: String, milliseconds: Int64) throws {
    #expect(try parseDuration(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    "", "s", "5", "-5s", "5 s", "5s5m", "1m1m", "1m30", "1y", "0.0001", "0.5ms", "1e300", "nan", "infd", "1h-3m", "५s",
    "99999999999999d",
  ])
  func `refuses malformed durations`(text: String) {
    guard text != "5" else { return }
    #expect(throws: ValueProblem.self) { try parseDuration(text) }
  }

  @Test(arguments: [
    ("524288", 524_288), ("512KiB", 524_288), ("32 MiB", 33_554_432), ("2MB", 2_000_000), ("1GiB", 1 << 30),
    ("100_000", 100_000), ("0", 0), ("7B", 7), ("3kB", 3000),
  ])
  func `reads sizes`(text: String, bytes: Int) throws {
    #expect(try parseSize(text) == bytes)
  }

  @Test(arguments: ["", "KiB", "-1", "1.5MiB", "12KB", "12 kib", "99999999999GiB", "0512KiB", "_1", "1__KiB x"])
  func `refuses malformed sizes`(text: String) {
    #expect(throws: ValueProblem.self) { try parseSize(text) }
  }

  @Test(arguments: [("64K", "64KiB"), ("64mib", "64MiB"), ("64kb", "64kB")])
  func `suggests the unit that was meant`(text: String, meant: String) {
    let problem = #expect(throws: ValueProblem.self) { try parseSize(text) }
    #expect(problem?.suggestion == meant)
  }

  @Test(arguments: [("0660", 0o660), ("0o600", 0o600), ("00", 0), ("0777", 0o777), ("0007", 7)])
  func `reads modes as octal`(text: String, mode: UInt32) throws {
    #expect(try ValueForm<UInt32>.fileMode.parse(text) == mode)
  }

  @Test(arguments: [
    "", "660", "432", "0888", "rw-rw----", "07777", "0x1f", "0", "-0660", "0+66", "01000", "0-0", "0o-0", "0o+7", "0٧",
  ])
  func `refuses malformed modes`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<UInt32>.fileMode.parse(text) }
  }

  @Test func `does not suggest a mode that is refused`() {
    let problem = #expect(throws: ValueProblem.self) { try ValueForm<UInt32>.fileMode.parse("1777") }
    #expect(problem?.message.contains("out of range") == true && problem?.suggestion == nil)
  }

  @Test func `explains why a mode needs its leading zero`() {
    let problem = #expect(throws: ValueProblem.self) { try ValueForm<UInt32>.fileMode.parse("660") }
    #expect(problem?.message.contains("YAML 1.1 reads an unquoted 0660 as the number 432") == true)
    #expect(problem?.suggestion == "0660")
  }

  @Test(arguments: ["true", "True", "yes", "ON", "false", "no", "Off"])
  func `reads truth values of YAML 1.1 and 1.2`(text: String) throws {
    #expect(try ValueForm<Bool>.boolean.parse(text) == ["true", "yes", "on"].contains(text.lowercased()))
  }

  @Test(arguments: ["1", "0", "y", "", "truee", "null"])
  func `refuses malformed truth values`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<Bool>.boolean.parse(text) }
  }

  @Test(arguments: [("1", 1), ("64", 64), ("1_000", 1000), ("65536", 65_536)])
  func `reads whole numbers`(text: String, value: Int) throws {
    #expect(try ValueForm<Int>.integer(1...65_536).parse(text) == value)
  }

  @Test(arguments: [
    "", "0", "65537", "-1", "1.0", "1e3", "010", "0x10", "٣", "99999999999999999999", "_1", "1_", " 1", "+1", "-",
  ])
  func `refuses whole numbers out of range or of another form`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<Int>.integer(1...65_536).parse(text) }
  }

  @Test(arguments: [("10", 10.0), ("0.5", 0.5), ("1e2", 100), ("2.50", 2.5)])
  func `reads numbers`(text: String, value: Double) throws {
    #expect(try ValueForm<Double>.number(0.001...100_000).parse(text) == value)
  }

  @Test(arguments: ["", "0", "100001", "nan", "inf", "-1", "0x1p3", "ten", "1,5"])
  func `refuses numbers out of range or of another form`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<Double>.number(0.001...100_000).parse(text) }
  }

  @Test(arguments: [("0.25", 0.25), ("25%", 0.25), ("1", 1), ("100%", 1)])
  func `reads parts of a whole`(text: String, value: Double) throws {
    #expect(try ValueForm<Double>.share.parse(text) == value)
  }

  @Test(arguments: ["0", "1.1", "101%", "%", "-5%", "half"])
  func `refuses malformed shares`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<Double>.share.parse(text) }
  }

  @Test(arguments: [
    ("127.0.0.1:9464", MetricsSettings.Listen.tcp(host: "127.0.0.1", port: 9464)),
    ("127.8.9.10:1", .tcp(host: "127.8.9.10", port: 1)), ("localhost:65535", .tcp(host: "localhost", port: 65_535)),
    ("[::1]:9464", .tcp(host: "::1", port: 9464)),
    ("/run/certregd/metrics.sock", .unix(path: "/run/certregd/metrics.sock")),
    ("unix:/run/m.sock", .unix(path: "/run/m.sock")),
  ])
  func `reads the address of metrics`(text: String, listen: MetricsSettings.Listen) throws {
    let form = ValueForm<MetricsSettings.Listen>.metricsListen
    #expect(try form.parse(text) == listen)
    #expect(try form.parse(form.format(listen)) == listen)
  }

  @Test(arguments: [
    "0.0.0.0:9464", "10.0.0.1:9464", "[::]:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "9464", ":9464",
    "::1:9464",
    "127.0.0.1.example.com:80", "127.0.0:80", "example.com:80", "[127.0.0.1]:80", "unix:relative.sock", "metrics.sock",
    "", "127.0.0.1:+9464", "127.00.0.1:9464", "127.0.0.+1:9464",
  ])
  func `serves metrics on loopback only`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<MetricsSettings.Listen>.metricsListen.parse(text) }
  }

  @Test(arguments: [
    "https://iot.eu-central-1.amazonaws.com", "http://127.0.0.1:8080", "http://[::1]:8080/base", "HTTPS://host",
    "http://a_b:1/",
  ])
  func `takes endpoints`(text: String) throws {
    #expect(try ValueForm<String>.httpURL.parse(text) == text)
  }

  @Test(arguments: [
    "", "host", "ftp://host", "http://", "http://:80", "http://host:", "http://host:0", "http://host:99999",
    "http://host:+443", "http://host:-1", "http://[::1]:+443", "http://host:٤٤٣",
    "http://h/?q=1",
    "http://h/#f", "http://h h", "http://[::1", "http://[xyz]", "http://..", "http://h/\u{7f}", "http://ho\nst",
    "http://h/ü",
  ])
  func `refuses malformed endpoints`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<String>.httpURL.parse(text) }
  }

  @Test(arguments: [
    "http://me:hunter2@proxy:80", "me:hunter2@proxy:80", "https://me:hunter2@proxy", "ftp://me:hunter2@proxy",
    "http://me:hun/hunter2@proxy:80", "http://me:hun?hunter2@proxy", "http://hunter2@proxy", "hunter2@proxy:80",
    "socks5://me:hunter2@proxy:x", "http:/me:hunter2@proxy", "http://me:hunter2@proxy:80/path x",
    "http://me:a hunter2@proxy", "HTTP://me:x\"hunter2@proxy/?q",
  ])
  func `does not repeat the password of a URL`(text: String) {
    for form in [ValueForm<String>.proxyURL, .httpURL, .hostOrURL] {
      do {
        _ = try form.parse(text)
        Issue.record("\(form.name) takes \(text)")
      } catch {
        #expect(!error.message.contains("hunter2") && error.suggestion?.contains("hunter2") != true, "\(error.message)")
      }
    }
  }

  @Test func `does not repeat a value that looks like a secret`() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    let forms: [ValueForm<String>] = [.region, .httpURL, .proxyURL, .targetName, .path(), .arn("iam")]
    for form in forms {
      let problem = #expect(throws: ValueProblem.self) { try form.parse(secret + "!") }
      #expect(problem?.message.contains("K7MDENG") == false)
    }
  }

  @Test func `limits a socket's path to the system's limit`() throws {
    let longest = "/" + String(repeating: "s", count: 106)
    #expect(try ValueForm<String>.socketPath.parse(longest) == longest)
    #expect(throws: ValueProblem.self) { try ValueForm<String>.socketPath.parse(longest + "s") }
  }

  @Test(arguments: ["eu-central-1", "us-gov-west-1", "eusc-de-east-1"])
  func `takes regions`(text: String) throws {
    #expect(try ValueForm<String>.region.parse(text) == text)
  }

  @Test(arguments: ["", "EU-CENTRAL-1", "eu.central.1", "eu-central-1/", "-", "evil.example.com#", "eu central"])
  func `refuses a region that would change the host name`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<String>.region.parse(text) }
  }

  @Test(arguments: ["sqlite", "sqlite:///var/lib/other/certregd.db"])
  func `takes places for state`(text: String) throws {
    let form = ValueForm<String?>.storeURL
    #expect(try form.format(form.parse(text)) == text)
  }

  @Test(arguments: [
    "", "sqlite://relative.db", "postgres://host/db", "/var/lib/x.db", "sqlite:///x?mode=ro",
    "sqlite:///var/lib/state.db", "sqlite:///certregd.db",
  ])
  func `refuses other places for state`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<String?>.storeURL.parse(text) }
  }

  @Test(arguments: [
    ("sqlite://var/lib/certregd.db", "third /"), ("sqlite:///var/lib/state.db", "the name of the file cannot"),
  ])
  func `says what is wrong with a place for state`(text: String, words: String) {
    let problem = #expect(throws: ValueProblem.self) { try ValueForm<String?>.storeURL.parse(text) }
    #expect(problem?.message.contains(words) == true)
  }

  @Test(arguments: [
    ("*", AccessRule.Account.any), ("1000", .number(1000)), ("0", .number(0)), ("line-7", .name("line-7")),
    ("EXAMPLE\\ann", .name("EXAMPLE\\ann")),
  ])
  func `reads accounts`(text: String, account: AccessRule.Account) throws {
    let form = ValueForm<AccessRule.Account>.account("user")
    #expect(try form.parse(text) == account)
    #expect(form.format(account) == text)
  }

  @Test(arguments: ["", "4294967295", "4294967296", "a b", "a:b", "**"])
  func `refuses malformed account names`(text: String) {
    #expect(throws: ValueProblem.self) { try ValueForm<AccessRule.Account>.account("user").parse(text) }
  }

  @Test func `writes durations, sizes and numbers so that they are read as the same`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let duration = Duration.milliseconds(random.magnitude(below: 400 * 86_400_000))
      #expect(try parseDuration(formatDuration(duration)) == duration, "seed \(seed)")
      let size = Int(random.magnitude(below: 16 << 30))
      #expect(try parseSize(formatSize(size)) == size, "seed \(seed)")
      let number = Double(random.magnitude(below: 1 << 40)) / Double(1 + random.magnitude(below: 1 << 20))
      #expect(try decimalNumber(formatNumber(number)) == number, "seed \(seed)")
    }
  }
}
