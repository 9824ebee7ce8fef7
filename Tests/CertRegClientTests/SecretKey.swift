import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

/// A key, and every form in which openssl writes it.
struct SecretKey {
  let certificate: String
  let pem: [String]
  let der: [[UInt8]]
  let container: [UInt8]

  init(_ folder: TemporaryFolder) throws {
    let key = folder.path("k.pem")
    func openssl(_ arguments: [String]) throws -> [UInt8] {
      let out = folder.path("out")
      let result = Program.run(
        ["openssl"] + arguments + ["-out", out], environment: ProcessInfo.processInfo.environment,
        timeout: .seconds(60))
      try #require(result?.status == 0, "openssl is needed for this test")
      defer { try? FileManager.default.removeItem(atPath: out) }
      return Array(try Data(contentsOf: URL(fileURLWithPath: out)))
    }
    func text(_ arguments: [String]) throws -> String { String(decoding: try openssl(arguments), as: UTF8.self) }
    certificate = try text([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=d",
      "-addext", "basicConstraints=CA:FALSE", "-keyout", key,
    ])
    pem = try [
      text(["pkey", "-in", key]), text(["ec", "-in", key]),
      text(["pkcs8", "-topk8", "-in", key, "-passout", "pass:x"]),
      text(["genpkey", "-algorithm", "ed25519"]), text(["genrsa", "-traditional"]),
    ]
    der = try [
      openssl(["pkey", "-in", key, "-outform", "DER"]), openssl(["ec", "-in", key, "-outform", "DER"]),
      openssl(["pkcs8", "-topk8", "-in", key, "-outform", "DER", "-passout", "pass:x"]),
      openssl(["pkcs8", "-topk8", "-in", key, "-outform", "DER", "-nocrypt"]),
    ]
    let file = try folder.write("c.pem", certificate)
    container = try openssl(["pkcs12", "-export", "-inkey", key, "-in", file, "-passout", "pass:x"])
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.removeItem(atPath: key)
  }

  /// Files with the key in one form each, many of them beside the certificate.
  var files: [(name: String, content: [UInt8])] {
    var files: [(String, [UInt8])] = []
    func add(_ name: String, _ text: String) { files.append((name, Array(text.utf8))) }
    let escapedCertificate = certificate.replacing("\n", with: "\\n")
    for (index, key) in pem.enumerated() {
      let escaped = key.replacing("\n", with: "\\n")
      let indented = "    " + key.replacing("\n", with: "\n    ")
      add("\(index).pem", key)
      add("\(index)-both.pem", certificate + key)
      add("\(index)-first.pem", key + certificate)
      add("\(index)-line.pem", key.replacing("\n", with: " ") + certificate.replacing("\n", with: " "))
      add("\(index)-joined.pem", key.dropLast() + certificate)
      add(
        "\(index)-indented.yaml", "key: |\n\(indented)\ncert: |\n    \(certificate.replacing("\n", with: "\n    "))")
      add("\(index).c", "char k[] = \"\(key.replacing("\n", with: "\\n\"\n  \""))\";\n" + certificate)
      add("\(index)-cell.csv", "id,cert,key\nd,\"\(certificate)\",\"\(key)\"\n")
      add("\(index)-escaped.csv", "id,cert,key\nd,\"\(escapedCertificate)\",\"\(escaped)\"\n")
      add("\(index)-wrong-column.csv", "id,cert\nd,\"\(key)\"\n")
      add("\(index)-name.csv", "cert,name\n\"\(certificate)\",\"\(key)\"\n")
      add("\(index)-headless.csv", "\"\(key)\",\"\(certificate)\"\n")
      add(
        "\(index).json", "{\"keyPair\":{\"PrivateKey\":\"\(escaped)\"},\"certificatePem\":\"\(escapedCertificate)\"}")
      add("\(index).jsonl", "{\"certificate\":\"\(escaped)\"}\n{\"cert\":\"\(escapedCertificate)\"}\n")
      add("\(index)-both.json", "[{\"certificatePem\":\"\(escapedCertificate)\(escaped)\"}]")
      add("\(index)-damaged.pem", key.replacing("-----BEGIN", with: "----BEGIN") + certificate)
      add(
        "\(index)-claims.pem", key.replacing(/(BEGIN|END) [A-Z ]*KEY/) { "\($0.output.1) CERTIFICATE" } + certificate)
      add(
        "\(index)-base64.txt", Base64.encode(Array(key.utf8)) + "\n" + Base64.encode(Array(certificate.utf8)) + "\n")
      add("\(index)-crlf.pem", key.replacing("\n", with: "\r\n"))
      let units = "\u{FEFF}\(key)\(certificate)".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
      files.append(("\(index)-utf16.pem", units))
    }
    for (index, key) in der.enumerated() {
      files.append(("\(index).der", key))
      add("\(index).b64", Base64.encode(key))
      add("\(index)-cell-der.csv", "id,cert,key\nd,\"\(certificate)\",\(Base64.encode(key))\n")
      add("\(index)-der.json", "{\"key\":\"\(Base64.encode(key))\",\"cert\":\"\(escapedCertificate)\"}")
      add("\(index)-hex.txt", key.map { hexadecimal(UInt32($0), digits: 2) }.joined())
    }
    files += joined + hidden + listed + dumped
    files.append(("k.p12", container))
    add("p12.b64", Base64.encode(container))
    add("jwk.json", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"\(Base64.encode(Array(der[1].prefix(32))))\"}")
    return files
  }

  /// Files in which a key follows the certificate within one encoding or one block.
  private var joined: [(String, [UInt8])] {
    var files: [(String, [UInt8])] = []
    let body = certificate.split(separator: "\n").dropFirst().dropLast()
    let encoding = Base64.decodeAnyForm(body.joined().utf8) ?? []
    let (begin, end) = ("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n")
    let lines = body.joined(separator: "\n")
    for (index, key) in der.enumerated() {
      func add(_ name: String, _ text: String) { files.append(("\(index)-\(name)", Array(text.utf8))) }
      for between in [[], [0x0A], [0x0D, 0x0A], Array("and its key:\n".utf8)] as [[UInt8]] {
        let joined = encoding + between + key
        files.append(("\(index)-joined-\(between.count).der", joined))
        add("joined-\(between.count).csv", "id,cert\nd,\(Base64.encode(joined))\n")
        add("joined-\(between.count).json", "{\"cert\":\"\(Base64.encode(joined))\"}")
        add("joined-\(between.count).pem", begin + Sample.wrapped(joined) + end)
        add("joined-\(between.count).b64", Sample.wrapped(joined))
        // A character too many, so that nothing can be decoded.
        add("joined-\(between.count)-damaged.pem", begin + "!" + Sample.wrapped(joined) + end)
      }
      for heading in ["Private Key:\n", "", "\n", "key = ", "private_key =\n"] {
        add("open-\(heading.count).pem", begin + lines + "\n" + heading + Sample.wrapped(key))
        add("closed-\(heading.count).pem", begin + lines + "\n" + heading + Sample.wrapped(key) + end)
        add("damaged-\(heading.count).pem", begin + "!" + lines + "\n" + heading + Sample.wrapped(key) + end)
      }
      let digits = key.map { hexadecimal(UInt32($0), digits: 2) }.joined()
      for (number, form) in [Sample.wrapped(key), digits + "\n"].enumerated() {
        let inside = body.prefix(3).joined(separator: "\n") + "\n" + form + body.dropFirst(3).joined(separator: "\n")
        add("within-\(number).pem", begin + inside + "\n" + end)
        // What cannot be decoded is no value.
        guard Base64.decodeAnyForm(inside.utf8) != nil else { continue }
        add("within-\(number).csv", "id,cert\nd,\"\(inside)\"\n")
        add("within-\(number).b64", inside + "\n")
      }
      files.append(("\(index)-within.der", encoding.prefix(90) + key + encoding.dropFirst(90)))
      add("digits.pem", begin + lines + "\n" + digits + "\n" + end)
    }
    return files
  }

  /// Files in which a block of a certificate holds a key in another form than base64 of its DER.
  private var hidden: [(String, [UInt8])] {
    var files: [(String, [UInt8])] = []
    func add(_ name: String, _ text: String) { files.append((name, Array(text.utf8))) }
    let (begin, end) = ("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n")
    let open = certificate.replacing(end, with: "")
    for (index, key) in pem.enumerated() {
      let twice = Sample.wrapped(Array(Base64.encode(Array(key.utf8)).utf8))
      add("\(index)-text.pem", begin + Sample.wrapped(Array(key.utf8)) + end)
      add("\(index)-twice.pem", begin + twice + end)
      add("\(index)-named.txt", open + "tls.key: " + Base64.encode(Array(key.utf8)) + "\n")
      let wide = key.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
      add("\(index)-wide.yaml", "data:\n  tls.key: \(Base64.encode([0xFF, 0xFE] + wide))\n")
      let table = Sample.wrapped(Array("id,cert,key\nd,\"\(certificate)\",\"\(key)\"\n".utf8))
      add("\(index)-table.b64", table)
      let header = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\n"
      add("\(index)-table.eml", header + table + "--x--\n")
      add("\(index)-key.eml", header + Sample.wrapped(Array(key.utf8)) + "--x--\n")
      add("\(index)-echo.bat", key.split(separator: "\n").map { "echo \($0)>>k.pem\n" }.joined())
    }
    for (index, key) in der.enumerated() {
      func numbers(_ separator: String, _ form: (UInt8) -> String) -> String {
        key.map(form).joined(separator: separator) + "\n"
      }
      let forms = [
        numbers(", ") { "0x" + hexadecimal(UInt32($0), digits: 2) }, numbers(",") { "0x\(String($0, radix: 16))" },
        numbers(":") { hexadecimal(UInt32($0), digits: 2) }, numbers(" ") { hexadecimal(UInt32($0), digits: 2) },
        numbers("") { "\\x" + hexadecimal(UInt32($0), digits: 2) }, numbers(", ") { "\($0)" },
        Sample.wrapped(key, width: 16),
      ]
      let printed = "0" + key.dropFirst().map { "\\x" + hexadecimal(UInt32($0), digits: 2) }.joined()
      add("\(index)-bytes.py", certificate + "k = b'\(printed)'\n")
      add("\(index)-lines.txt", certificate + key.map { "\($0)\n" }.joined())
      for (number, form) in forms.enumerated() {
        add("\(index)-open-form-\(number).pem", open + form)
        add("\(index)-closed-form-\(number).pem", open + form + end)
      }
      for characters in [4, 8, 12] {
        let shifted = String(Base64.encode(key).dropFirst(characters))
        add("\(index)-shifted-\(characters).pem", begin + shifted + "\n" + end)
      }
    }
    let openssh = Array("openssh-key-v1\0".utf8) + [0, 0, 0, 4] + Array("none".utf8) + der[1]
    add("openssh.pem", begin + Sample.wrapped(openssh) + end)
    return files
  }

  /// Parts of the keys that must not be seen, in the alphabets in which they could be.
  var marks: [String] {
    let lines = pem.flatMap { $0.split(separator: "\n").filter { $0.count == 64 }.map(String.init) }
    // The base64 of bytes depends on how many stand before them.
    let aligned = (der + pem.map { Array($0.utf8.dropFirst(40)) }).flatMap { key in
      (0..<3).map { String(Base64.encode([UInt8](repeating: 0, count: $0) + key).prefix(64).suffix(24)) }
    }
    let digits = der.flatMap { key in
      [", ", " ", ":", ""].map { separator in
        key.dropFirst(8).prefix(12).map { hexadecimal(UInt32($0), digits: 2) }.joined(separator: separator)
      } + [key.dropFirst(8).prefix(12).map { "0x" + hexadecimal(UInt32($0), digits: 2) }.joined(separator: ", ")]
    }
    return lines + digits + aligned + markedWords + [String(Base64.encode(container).suffix(40))]
  }
}
