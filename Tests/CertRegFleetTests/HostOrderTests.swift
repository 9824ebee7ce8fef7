import Testing

@testable import CertRegFleet

@Suite struct HostOrderTests {
  private static func values(_ order: HostOrder) -> [String] {
    order.parameters.map { "\($0.name)=\($0.value)" }.sorted()
  }

  @Test func `the attempt after a failure begins with the next host`() throws {
    var order = try HostOrder("postgresql://a@h1:1,h2,[::1]:3/fleet?target_session_attrs=read-write")
    #expect(Self.values(order) == ["host=h1,h2,::1", "port=1,,3"])
    order.rotate()
    #expect(Self.values(order) == ["host=h2,::1,h1", "port=,3,1"])
    order.rotate()
    order.rotate()
    #expect(Self.values(order) == ["host=h1,h2,::1", "port=1,,3"])
  }

  @Test(arguments: [
    "postgresql://h1:5/fleet", "postgresql:///fleet?host=/run/postgresql", "postgresql://", "nonsense\u{7}=",
  ])
  func `one host stays as it is written`(url: String) throws {
    var order = try HostOrder(url)
    order.rotate()
    #expect(order.parameters.isEmpty)
  }

  @Test func `addresses change places with the names of their hosts`() throws {
    var order = try HostOrder("postgresql:///fleet?host=a,b&hostaddr=127.0.0.1,127.0.0.2&port=7")
    order.rotate()
    #expect(Self.values(order) == ["host=b,a", "hostaddr=127.0.0.2,127.0.0.1"])
  }
}
