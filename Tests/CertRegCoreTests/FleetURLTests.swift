import Testing

@testable import CertRegCore

@Suite struct FleetURLTests {
  @Test(arguments: [
    ("postgresql://u@db.example.com/fleet", "db.example.com/fleet", true),
    ("postgresql://u@db1:5432,db2/fleet?target_session_attrs=read-write", "db1:5432,db2/fleet", true),
    ("postgresql://u@db/fleet?sslmode=disable", "db/fleet", false),
    ("postgresql://u@127.0.0.1:5433/fleet", "127.0.0.1:5433/fleet", false),
    ("postgresql://u@[::1]:5433/fleet", "[::1]:5433/fleet", false),
    ("postgresql://u@localhost,db/fleet", "localhost,db/fleet", true),
    ("postgresql://u@/fleet?host=/run/postgresql", "/run/postgresql/fleet", false),
    ("postgresql://u@%2Frun%2Fpostgresql/fleet", "%2Frun%2Fpostgresql/fleet", false),
    ("postgres:///fleet", "local socket/fleet", false),
    ("postgresql://u@localhost/fleet?hostaddr=10.0.0.5", "10.0.0.5/fleet", true),
    ("postgresql://u@/fleet?host=localhost&hostaddr=127.0.0.1", "localhost/fleet", false),
    ("postgresql://u@127.db.example.com/fleet", "127.db.example.com/fleet", true),
    ("postgresql:///fleet?service=factory", "local socket/fleet", true),
    ("postgresql://:5433/fleet", ":5433/fleet", false), ("postgresql://db,:/fleet", "db,:/fleet", true),
    ("postgresql:///fleet?hostaddr=2001:db8::1", "2001:db8::1/fleet", true),
    ("postgresql:///fleet?hostaddr=::ffff:10.0.0.5", "::ffff:10.0.0.5/fleet", true),
  ])
  func `a host that is not this machine is verified`(text: String, database: String, verifies: Bool) throws {
    let url = try FleetURL(text)
    #expect(url.database == database && url.verifiesFully({ _ in nil }) == verifies)
  }

  @Test(arguments: [
    ("postgresql:///fleet", ["PGHOST": "10.0.0.5"], true),
    ("postgresql:///fleet", ["PGHOST": "/run/postgresql,10.0.0.5"], true),
    ("postgresql:///fleet", ["PGHOST": "/run/postgresql", "PGHOSTADDR": ""], false),
    ("postgresql:///fleet", ["PGSERVICE": "factory"], true),
    ("postgresql://localhost/fleet", ["PGHOST": "10.0.0.5"], false),
    ("postgresql://localhost/fleet", ["PGHOSTADDR": "10.0.0.5"], true),
    ("postgresql://localhost/fleet", ["PGHOSTADDR": "127.0.0.1"], false),
    ("postgresql://localhost/fleet?hostaddr=127.0.0.1", ["PGHOSTADDR": "10.0.0.5"], false),
    ("postgresql:///fleet?sslmode=disable", ["PGHOST": "10.0.0.5"], false),
  ])
  func `a host that the environment names is verified`(
    text: String, environment: [String: String], verifies: Bool
  ) throws {
    #expect(try FleetURL(text).verifiesFully { environment[$0] } == verifies)
  }

  /// No host traps the process: a reload reads the URL, too.
  @Test func `every short host is read or refused`() {
    let characters = Array(":[]@/,%.1a")
    var hosts = [""]
    var read = 0
    for _ in 0..<4 {
      hosts = hosts.flatMap { host in characters.map { host + String($0) } }
      for host in hosts {
        for text in [
          "postgresql://\(host)/fleet", "postgresql:///fleet?host=\(host)", "postgresql:///f?hostaddr=\(host)",
        ]
        where (try? FleetURL(text)) != nil { read += 1 }
      }
    }
    #expect(read > 10_000)
  }

  @Test func `a parameter that libpq takes for no verification is refused`() {
    let fault = #expect(throws: FleetURL.Fault.self) { try FleetURL("postgresql://u@db/fleet?ssl=true") }
    #expect(fault?.message.contains("sslmode") == true)
  }

  @Test func `a mode that libpq does not know is refused with those that it does`() throws {
    let fault = #expect(throws: FleetURL.Fault.self) { try FleetURL("postgresql://u@db/fleet?sslmode=verify") }
    #expect(fault?.message.contains("verify-ca, verify-full") == true)
    #expect(try !FleetURL("postgresql://u@db/fleet?sslmode=verify%2dca").verifiesFully { _ in nil })
  }

  @Test(arguments: [
    "postgresql://u:PASSWORD@db/fleet", "postgresql://u@db/fleet?oauth_client_secret=PASSWORD",
    "postgresql://u@db/fleet?password=PASSWORD", "postgresql://u@db/fleet?scram_client_key=PASSWORD",
    "postgresql://u@db/fleet?sslmode=disable&pass%77ord=PASSWORD", "postgresql://u@db/fleet?sslpassword=PASSWORD",
    "postgresql://u:SECRET/PASSWORD@db/fleet", "postgresql://db:PASSWORD/fleet",
    "postgresql://u:PASSWORD?a=b@db/fleet", "postgresql://u:123?a=PASSWORD@db/fleet",
    "postgresql://u:123?PASSWORD@db/fleet?sslmode=require", "postgresql://u:?PASSWORD@db/fleet?x=y",
    "mysql://u:PASSWORD@db/fleet", "postgresql://u@db/fleet?PASSWORD", "postgresql://u@db/fl eet?a=PASSWORD",
  ])
  func `a URL with a secret, or of another form, is refused without being shown`(text: String) {
    let fault = #expect(throws: FleetURL.Fault.self) { try FleetURL(text) }
    #expect(fault?.message.contains("PASSWORD") == false)
  }
}
