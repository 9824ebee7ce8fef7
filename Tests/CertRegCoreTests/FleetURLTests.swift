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
  ])
  func `a host that is not this machine is verified`(text: String, database: String, verifies: Bool) throws {
    let url = try FleetURL(text)
    #expect(url.database == database && url.verifiesFully == verifies)
  }

  @Test(arguments: [
    "postgresql://u:PASSWORD@db/fleet", "postgresql://u@db/fleet?password=PASSWORD",
    "postgresql://u@db/fleet?sslmode=disable&pass%77ord=PASSWORD", "postgresql://u@db/fleet?sslpassword=PASSWORD",
    "postgresql://u:SECRET/PASSWORD@db/fleet", "postgresql://db:PASSWORD/fleet",
    "mysql://u:PASSWORD@db/fleet", "postgresql://u@db/fleet?PASSWORD", "postgresql://u@db/fl eet?a=PASSWORD",
  ])
  func `a URL with a secret, or of another form, is refused without being shown`(text: String) {
    let fault = #expect(throws: FleetURL.Fault.self) { try FleetURL(text) }
    #expect(fault?.message.contains("PASSWORD") == false)
  }
}
