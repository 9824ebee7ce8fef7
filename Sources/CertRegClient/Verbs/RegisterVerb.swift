import CertRegCodec
package import CertRegCore

/// `certregctl register`: registers the certificates of files, folders and standard input.
package struct RegisterVerb {
  /// Files, folders, or `-` for standard input.
  package var paths: [String]
  /// The status to register with; `nil`: the daemon's default.
  package var status: CertificateStatus?
  /// Whether a certificate that the upstream already has is an error; `nil`: the daemon's default.
  package var ifExists: IfExists?
  /// The name of the device, where there is one certificate; `nil`: the inputs name devices.
  package var deviceID: String?
  /// The profile to apply; `nil`: the one that a kept request asks for, else the target's own.
  package var provision: ProfileChoice?
  /// Asks the upstream again, whatever the daemon knows.
  package var refresh = false
  /// Waits for the upstream; otherwise only until the request is safe on the daemon's disk.
  package var wait = true
  /// How to read the files.
  package var input = InputOptions()

  package init(paths: [String]) {
    self.paths = paths
  }

  /// How much longer than the daemon's own limit this side waits.
  private static let grace = Duration.seconds(10)

  /// Runs the command. Prints a line for each certificate and target, and a summary where there is more than one.
  package func run(_ session: Session) -> CommandStatus {
    var inputs: InputSource
    var named: ArraySlice<InputEntry>?
    do throws(InputError) {
      inputs = try InputSource(paths, options: input)
      named = try deviceID.map { name throws(InputError) in try entries(of: &inputs, named: name)[...] }
    } catch {
      return session.report(error)
    }
    var subjects = Subjects(session)
    var seen = SeenCertificates()
    var names = NameNotes(session)
    let batch = CertificateBatch(
      session, participle: "answered", timeout: session.timeout.map { $0 + RegisterVerb.grace }, status: status)
    defer { names.conclude() }
    return batch.run(
      next: { facts in
        (named == nil ? inputs.next() : named?.popFirst()).map { entry in
          if case .certificate(let certificate) = entry.content {
            switch seen.take(certificate, of: entry) {
            case .new: names.take(certificate, of: entry)
            case .duplicate: break
            case .conflict(let error): return .failure(name: entry.name, error)
            }
          }
          return BatchStep(entry) { certificate in
            subjects.remember(certificate.pem, entry.name)
            return request(
              pem: certificate.pem, DeviceDetails(entry, provision: provision, facts), targets: session.targets,
              timeout: session.timeout)
          }
        }
      },
      lines: { asked, answer in
        let lines = ResultLine.lines(of: answer, name: asked.name)
        let subject = subjects.take(asked.name, isNeeded: !session.json && lines.contains { $0.error != nil })
        return lines.map { line in
          var line = line
          line.certificateID = line.certificateID ?? asked.id?.hex
          if line.error != nil, line.remark == nil { line.remark = subject.map { "subject \($0)" } }
          return (line, line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))
        }
      })
  }

  /// All entries, read before the first one is sent.
  ///
  /// - Throws: If there are several certificates for the one name.
  private func entries(of inputs: inout InputSource, named name: String) throws(InputError) -> [InputEntry] {
    var entries: [InputEntry] = []
    var id: CertificateID?
    while var entry = inputs.next() {
      if case .certificate(let certificate) = entry.content {
        guard id == nil || id == certificate.id else {
          throw InputError(
            .deviceName, "--device-id names one device, and there are several certificates",
            advice: "name them in a table: see --name-column")
        }
        id = certificate.id
        entry.deviceID = name
      }
      entries.append(entry)
    }
    return entries
  }

  /// The request for one certificate and these targets; none stand for the daemon's default target.
  func request(pem: String, _ device: DeviceDetails, targets: [String], timeout: Duration?) -> Request {
    Request(
      "register",
      [
        ("certificatePem", .string(pem)), ("deviceId", device.id.map(JSON.string)),
        ("provision", device.provision?.member), ("attributes", device.attributeObject),
        ("status", status.map { .string($0.rawValue) }),
        ("target", Session.target(targets)),
        ("ifExists", ifExists.map { .string($0.rawValue) }), ("refresh", refresh ? .bool(true) : nil),
        ("wait", wait ? nil : .bool(false)), ("timeoutMs", timeout.map { .integer($0.milliseconds) }),
      ])
  }
}

/// Finds the subjects of certificates that could not be registered. A file's name alone may say little.
private struct Subjects {
  private let session: Session
  /// The certificates without an answer.
  private var texts: [String: String] = [:]
  private var connection: Connection?

  init(_ session: Session) {
    self.session = session
  }

  mutating func remember(_ pem: String, _ name: String) {
    texts[name] = pem
  }

  /// Forgets a certificate, and asks the daemon for its subject if it is needed; `nil` where the daemon does not tell.
  mutating func take(_ name: String, isNeeded: Bool) -> String? {
    guard let pem = texts.removeValue(forKey: name), isNeeded else { return nil }
    do throws(ClientError) {
      let connection = if let connection { connection } else { try session.connect() }
      self.connection = connection
      let request = Request("validate", [("certificatePem", .string(pem))])
      let answer = try connection.ask(request, timeout: Session.defaultTimeout)
      return answer.json["certificate"]?["subject"].map(MemberList.text)
    } catch {
      return nil
    }
  }
}
