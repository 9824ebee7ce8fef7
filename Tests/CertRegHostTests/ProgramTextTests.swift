import Testing

@testable import CertRegHost

@Suite struct ProgramTextTests {
  @Test(
    arguments: [
      (
        "55fc3cf1e000-55fc3f6ed000 r-xp 00000000 fe:00 5498815     /usr/bin/certregd\n",
        0x55fc_3cf1_e000..<0x55fc_3f6e_d000
      ),
      ("7ffd1000-7ffd3000 r-xp 00000000 00:00 0                  [vdso]\n", nil),
      ("55fc3f809000-55fc41d20000 rw-p 028ea000 fe:00 5498815     /usr/bin/certregd\n", nil),
      ("55fc3f809000-55fc41d20000 rwxp 028ea000 fe:00 5498815     /usr/bin/certregd\n", nil),
      ("7fe4ec000000-7fe4ec0ad000 r-xp 00000000 00:00 0\n", nil),
      ("7fe4f7244000-7fe4f739a000 r-xp 00026000 fe:00 333151     /usr/lib/libc.so.6\n", nil),
      ("nonsense", nil),
    ] as [(String, Range<UInt>?)])
  func `only code that comes from the program's file is given up`(line: String, range: Range<UInt>?) {
    #expect(ProgramText.codeRange(in: line, of: "/usr/bin/certregd") == range)
  }

  @Test func `the process goes on`() {
    ProgramText.releasePages()
    #expect([3, 1, 2].sorted() == [1, 2, 3])
  }
}
