/// The certificates of files, folders and standard input, one after the other.
///
/// Files are opened only when their turn comes, so that a folder of any size takes little memory.
package struct CertificateInputs {
  /// What came next.
  package enum Element: Hashable, Sendable {
    /// A certificate to send.
    case certificate(name: String, pem: String)
    /// A file or folder that brought none.
    case failure(name: String, InputError)
    /// Something worth telling that is no failure: `name` and what was left out or passed over.
    case note(name: String, String)
  }

  private struct Source {
    var path: FilePath
    /// Whether the file was found in a folder, where other things may lie about, and was not named.
    var found: Bool
  }

  /// Extensions by which a file in a folder says that it is a certificate.
  private static let certificateExtensions: Set<String> = ["pem", "crt", "cer", "cert", "der", "p7b", "p7c"]

  private var arguments: [FilePath]
  private var files: [Source] = []
  private var ready: [Element] = []
  /// Files found so far in the argument whose turn it is.
  private var found = 0

  /// - Parameter arguments: files and folders; `-` is standard input.
  package init(_ arguments: [String]) {
    self.arguments = arguments.reversed().map(FilePath.init)
  }

  /// How many of the files of the argument whose turn it is have been read, from 0 to 1.
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
      // A key beside its certificate in a folder is no fault: it only must not be sent.
      let harmless = source.found && error.code == .otherContent
      ready = harmless ? [.note(name: name, "passed over: \(error.message)")] : [.failure(name: name, error)]
    }
  }

  /// Whether a file found in a folder is meant as a certificate: by its name, or because there is one in it.
  static func claims(_ path: FilePath, _ content: [UInt8]) -> Bool {
    if certificateExtensions.contains(path.fileExtension) { return true }
    return PEMText(content).blocks.contains { $0.label == "CERTIFICATE" || $0.holdsPKCS7 }
  }
}
