/// Reads the certificates of files, folders and standard input, one after the other.
///
/// Each file is opened when it is needed, so that a folder of any size takes little memory.
package struct CertificateInputs {
  /// One result of reading.
  package enum Element: Hashable, Sendable {
    /// A certificate to send.
    case certificate(name: String, pem: String)
    /// A file or folder without a certificate.
    case failure(name: String, InputError)
    /// A remark that is not a failure: what was left out or passed over.
    case note(name: String, String)
  }

  private struct Source {
    var path: FilePath
    /// Whether the file was found in a folder, which may contain other files, and was not named.
    var found: Bool
  }

  /// Extensions of files that must be certificates.
  private static let certificateExtensions: Set<String> = ["pem", "crt", "cer", "cert", "der", "p7b", "p7c"]

  private var arguments: [FilePath]
  private var files: [Source] = []
  private var ready: [Element] = []
  /// Files found in the current argument.
  private var found = 0

  /// - Parameter arguments: files and folders; `-` is standard input.
  package init(_ arguments: [String]) {
    self.arguments = arguments.reversed().map(FilePath.init)
  }

  /// The share of the current argument's files that has been read, from 0 to 1.
  var fraction: Double? {
    found == 0 ? nil : 1 - Double(files.count) / Double(found)
  }

  /// The next certificate, failure or note; `nil` at the end.
  package mutating func next() -> Element? {
    while ready.isEmpty {
      if let file = files.popLast() {
        read(file)
      } else if let argument = arguments.popLast() {
        expand(argument)
      } else {
        return nil
      }
    }
    return ready.removeLast()
  }

  private mutating func expand(_ argument: FilePath) {
    guard !argument.isStandardInput else {
      files = [Source(path: argument, found: false)]
      return
    }
    do throws(InputError) {
      guard try Folder.kind(of: argument) == .folder else {
        files = [Source(path: argument, found: false)]
        return
      }
      var unreadable: [Element] = []
      files = try Folder.files(below: argument) { path, error in
        unreadable.append(.failure(name: path.description, error))
      }.reversed().map { Source(path: $0, found: true) }
      ready = unreadable.reversed()
      found = files.count
      if files.isEmpty, ready.isEmpty {
        ready = [.failure(name: argument.description, InputError(.noCertificate, "the folder holds no file"))]
      }
    } catch {
      ready = [.failure(name: argument.description, error)]
    }
  }

  private mutating func read(_ source: Source) {
    let name = source.path.isStandardInput ? "standard input" : source.path.description
    do throws(InputError) {
      let content = try FileReader.contents(of: source.path)
      if source.found, !CertificateInputs.claims(source.path, content) {
        ready = [.note(name: name, "passed over: no certificate in it")]
        return
      }
      let file = try CertificateFile(content: content)
      ready = file.entries.reversed().map { entry in
        .certificate(name: entry.number.map { "\(name)#\($0)" } ?? name, pem: entry.pem)
      }
      if !file.leftOut.isEmpty {
        ready.append(.note(name: name, "not sent: \(file.leftOut.joined(separator: ", "))"))
      }
    } catch {
      // A key next to its certificate in a folder is not a failure. It must not be sent.
      let harmless = source.found && error.code == .otherContent
      ready = harmless ? [.note(name: name, "passed over: \(error.message)")] : [.failure(name: name, error)]
    }
  }

  /// Whether a file in a folder is meant as a certificate, by its name or its content.
  static func claims(_ path: FilePath, _ content: [UInt8]) -> Bool {
    if certificateExtensions.contains(path.fileExtension) { return true }
    return PEMText(content).blocks.contains { $0.label == "CERTIFICATE" || $0.holdsPKCS7 }
  }
}
