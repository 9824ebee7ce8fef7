import Testing

@testable import CertRegClient

/// How the form of a text is recognised.
@Suite struct InputFormTests {
  @Test(
    arguments: ["", "csv", "tsv", "json", "jsonl", "der", "pem", "txt"],
    [
      "", "MIIB\n-----END CERTIFICATE-----\n", "a,b\nc,\"d\n", "deviceId,certificate\na,b\n", "{\"a\":1}\n", "sep=;\n",
      "-----BEGIN CERTIFICATE-----,a\n",
    ])
  func `no form is surer than PEM of a text that begins with a certificate`(fileExtension: String, rest: String) throws
  {
    let head = head("-----BEGIN CERTIFICATE-----\n" + rest, fileExtension)
    #expect(InputForms.form(of: head, named: nil)?.formats.contains(.pem) == true)
    let others = InputForms.all.filter { !$0.formats.contains(.pem) }
    let pem = try #require(InputForms.all.first { $0.formats.contains(.pem) }).recognises(head)
    #expect(others.allSatisfy { $0.recognises(head) < pem })
  }

  @Test func `a table whose first cell is a certificate is a table`() {
    let cells = (0..<2).map { Sample.certificatePEM($0).split(separator: "\n").joined(separator: #"\n"#) }
    let form = InputForms.form(of: head("\(cells[0]),a\n\(cells[1]),b\n", ""), named: nil)
    #expect(form?.formats == [.csv])
  }

  @Test(arguments: [
    ("x_E0E1.pem", "E0E1"), ("a/b_e0ea_Certs.7z", "E0EA"), ("a/E0E0_E0E1.x.pem/", "E0E1"), ("E0E1/a.pem", nil),
    ("a_E0EG.pem", nil), ("a_E0E\u{301}.pem", nil), ("a_\u{10}0E1.pem", nil), ("a.E0E1", nil), ("._E0E2", "E0E2"),
    ("", nil),
  ])
  func `the set is in the name of the file`(path: String, set: String?) {
    #expect(SupplierSet.name(path) == set)
  }

  private func head(_ text: String, _ fileExtension: String) -> SourceHead {
    let bytes = Array(text.utf8)
    return SourceHead(raw: bytes[...], text: bytes, isComplete: true, fileExtension: fileExtension)
  }
}
