import CertRegCodec
import CertRegCore

@testable import CertRegClient

// Keys in tables, logs and scripts, and in dumps of memory.
extension SecretKey {
  private var row: String {
    Base64.encode(Base64.decodeAnyForm(certificate.split(separator: "\n").dropFirst().dropLast().joined().utf8) ?? [])
  }

  /// Files in which the key stands around the rows of a table, or in the lines of a log or a script.
  var listed: [(String, [UInt8])] {
    var files: [(String, [UInt8])] = []
    func add(_ name: String, _ text: String) { files.append((name, Array(text.utf8))) }
    let table = "serial,cert\n0017,\(row)\n"
    for (index, key) in pem.enumerated() {
      add("\(index)-syslog.log", "Feb  1 gw provd: \(key.replacing("\n", with: "#012"))\n")
      add("\(index)-shell.ps1", "$k = \"\(key.replacing("\n", with: "`r`n"))\"\n$c = @\"\n\(certificate)\"@\n")
      add("\(index)-group.bat", key.split(separator: "\n").map { "(echo \($0))>>k.pem\n" }.joined())
      add("\(index)-remark.csv", "# " + key.dropLast().replacing("\n", with: "\n# ") + "\n" + table)
      add("\(index)-between.csv", table + "\n# " + key.dropLast().replacing("\n", with: "\n# ") + "\n" + table)
      let lines = (key + certificate).split(separator: "\n")
      let events = lines.map { "{\"timestamp\":1,\"message\":\"\($0)\"}" }
      add("\(index)-events.json", "{\"events\":[\(events.joined(separator: ","))]}")
      let cells = [row, key.replacing("\n", with: "\\n")]
      add("\(index)-jira.txt", "||Device ID||Certificate||Key||\n|d|\(cells.joined(separator: "|"))|\n")
      add("\(index)-box.txt", "┌───┐\n│ id │ cert │ key │\n├───┤\n│ d │ \(cells.joined(separator: " │ ")) │\n└───┘\n")
      add("\(index)-copy.sql", "COPY d (id, cert) FROM stdin;\nd\t\(row)\n\\.\n-- \(cells[1])\n")
      let wide = Array("Имя,Сертификат\n\(key)\(certificate)".utf16)
      let bytes = wide.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
      files.append(("\(index)-wide.csv", bytes))
    }
    for (index, key) in der.enumerated() {
      let base64 = Base64.encode(key)
      let half = base64.index(base64.startIndex, offsetBy: 42)
      add("\(index)-remark-der.csv", "# key: \(base64)\n" + table)
      add("\(index)-remark-cells.csv", "# key, \(base64), of lot 7\n" + table)
      add("\(index)-title-der.csv", "Key: \(base64)\n" + table)
      add("\(index)-title-second.csv", table + "\nKey: \(base64)\n" + table)
      add("\(index)-halves.csv", "id,k1,k2,cert\n7,\(base64[..<half]),\(base64[half...]),\(row)\n")
      add("\(index)-named-halves.csv", "name,k2,cert\n\(base64[..<half]),\(base64[half...]),\(row)\n")
    }
    return files
  }

  /// Files with the bytes of the key as programs write memory.
  var dumped: [(String, [UInt8])] {
    der.enumerated().flatMap { index, key -> [(String, [UInt8])] in
      [
        ("\(index)-words.txt", Dump.gdb(key)), ("\(index)-words-be.txt", Dump.gdb(key, isLittleEndian: false)),
        ("\(index).s19", Dump.motorola(key)), ("\(index)-wireshark.txt", Dump.wireshark(key)),
        ("\(index).reg", Dump.registry(key)),
      ].map { ($0, Array($1.utf8)) }
    }
  }

  /// Digits of the keys in words, as they must not be seen.
  var markedWords: [String] {
    der.flatMap { key in [true, false].flatMap { Dump.words(key, isLittleEndian: $0)[3..<6] } }
  }
}
