import CertRegClient
import Glibc

/// Files that people hand to certregctl. The first byte chooses the options, the rest is the file.
enum InputTarget {
  /// A file in memory, which the reader opens by its name.
  private static let file = "/dev/shm/certregd-fuzz-\(getpid())"

  static func run(_ input: UnsafeRawBufferPointer) -> Int32 {
    guard let choice = input.first else { return 0 }
    write(UnsafeRawBufferPointer(rebasing: input[1...]))
    defer { unlink(file) }
    var options = InputOptions()
    options.includesAuthorities = choice & 1 != 0
    options.checksCommonName = choice & 2 != 0
    if choice & 4 != 0 { options.column = "cert" }
    if choice & 8 != 0 { options.format = InputFormat.allCases[Int(choice >> 4) % InputFormat.allCases.count] }
    do throws(InputError) {
      read(try InputSource(paths: [file], options: options))
    } catch {
      requirePrintable("\(error)")
    }
    return 0
  }

  private static func read(_ source: InputSource) {
    var source = source
    var entries = 0
    while let entry = source.next() {
      entries += 1
      // A file of 70,000 bytes has no more lines, members and cells than bytes; each is one entry.
      require(entries <= 200_000, "no end")
      guard case .certificate(let certificate) = entry.content else { continue }
      require(!certificate.pem.contains("PRIVATE KEY"), "a private key would be sent")
      // A block that cannot be decoded is sent as well: the daemon says what is wrong with it.
      require(certificate.pem.hasPrefix("-----BEGIN "), "a text without a block would be sent")
    }
    require(entries > 0, "a file without an entry")
    require(source.account.total == entries, "\(source.account.total) of \(entries) entries are accounted for")
  }

  private static func write(_ bytes: UnsafeRawBufferPointer) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    require(descriptor >= 0, "the file cannot be made")
    defer { close(descriptor) }
    require(Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count, "the file cannot be written")
  }
}
