import Testing

@testable import CertRegHost

@Suite struct ProgramTextTests {
  @Test(
    arguments: [
      (
        "55fc3cf1e000-55fc3f6ed000 r-xp 00000000 fe:00 5498815     /usr/bin/certregd\n",
        .init(file: "/usr/bin/certregd", addresses: 0x55fc_3cf1_e000..<0x55fc_3f6e_d000)
      ),
      (
        "7fe4f7244000-7fe4f739a000 r-xp 00026000 fe:00 333151     /usr/lib/a name.so (deleted)\n",
        .init(file: "/usr/lib/a name.so (deleted)", addresses: 0x7fe4_f724_4000..<0x7fe4_f739_a000)
      ),
      ("7ffd1000-7ffd3000 r-xp 00000000 00:00 0                  [vdso]\n", nil),
      ("55fc3f809000-55fc41d20000 rw-p 028ea000 fe:00 5498815     /usr/bin/certregd\n", nil),
      ("55fc3f809000-55fc41d20000 r--p 028ea000 fe:00 5498815     /usr/bin/certregd\n", nil),
      ("55fc3f809000-55fc41d20000 rwxp 028ea000 fe:00 5498815     /usr/bin/certregd\n", nil),
      ("7fe4ec000000-7fe4ec0ad000 r-xp 00000000 00:00 0\n", nil),
      ("7fe4ec000000-7fe4ec0ad000 r-xp 00000000 00:00 0           /cut off", nil),
      ("nonsense", nil),
    ] as [(String, ProgramText.Mapping?)])
  func `only code that comes from a file is given up`(line: String, mapping: ProgramText.Mapping?) {
    #expect(ProgramText.Mapping(line: line) == mapping)
  }

  @Test func `the process continues`() {
    ProgramText.releasePages()
    #expect([3, 1, 2].sorted() == [1, 2, 3])
  }
}
