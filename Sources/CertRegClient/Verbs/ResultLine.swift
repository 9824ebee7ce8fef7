import CertRegCodec
import CertRegCore

/// One line of `register` and similar commands: the result for one certificate.
package struct ResultLine: Hashable, Sendable {
  /// `created`, `existing`, `cached`, `queued`, `failed` or another word of the daemon; `-` where it has none.
  package var outcome: String
  /// 64 hexadecimal digits, as the daemon sent them. Untrusted.
  package var certificateID: String?
  /// As the daemon sent it. Untrusted.
  package var certificateARN: String?
  /// The file or place of the certificate.
  package var name: String
  /// The target that the daemon named.
  package var target: String?
  /// The thing that the daemon made for the device. Untrusted.
  package var thingName: String?
  /// Why it failed.
  package var error: AnswerError?
  /// A remark.
  package var remark: String?

  package init(outcome: String, name: String, error: AnswerError? = nil) {
    self.outcome = outcome
    self.name = name
    self.error = error
  }

  /// Reads the result of one certificate and target.
  init(result: JSON, of subject: BatchSubject) {
    self.init(result: result, name: subject.name)
    certificateID = certificateID ?? subject.id?.hex
  }

  /// Reads the result of one certificate and target.
  package init(result: JSON, name: String) {
    self.name = name
    target = result["target"]?.string
    error = result["error"].flatMap(AnswerError.init(json:))
    thingName = result["provisioning"]?["thingName"]?.string
    remark = result["lastError"].flatMap(AnswerError.init(json:)).map(ResultLine.text)
    certificateID = result["certificateId"]?.string ?? error?.certificateID ?? error?.resourceID
    certificateARN = result["certificateArn"]?.string ?? error?.certificateARN ?? error?.resourceARN
    if error != nil {
      outcome = "failed"
    } else if result["cached"]?.bool == true {
      outcome = "cached"
    } else {
      outcome = result["outcome"]?.string ?? result["state"]?.string ?? "-"
    }
  }

  /// The lines of an answer: one, or one for each target where several were asked for.
  package static func lines(of answer: Answer, name: String) -> [ResultLine] {
    guard let results = answer.json["results"]?.array, !results.isEmpty else {
      return [ResultLine(result: answer.json, name: name)]
    }
    return results.map { result in
      var line = ResultLine(result: result, name: name)
      line.certificateID = line.certificateID ?? answer.json["certificateId"]?.string
      return line
    }
  }

  /// The error, the remark and the thing, for people.
  package var detail: String? {
    let parts = [explanation, thingName.map { "thing \($0)" }].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  /// The error and the remark.
  var explanation: String? {
    let parts = [error.map(ResultLine.text), remark].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  /// Reason, message, and the upstream's error name and request ID.
  private static func text(_ error: AnswerError) -> String {
    let upstream = [error.upstreamType, error.requestID.map { "request \($0)" }].compactMap(\.self)
    let suffix = upstream.isEmpty ? "" : " (\(upstream.joined(separator: ", ")))"
    let text = (error.reason.isEmpty ? error.type : error.reason) + ": " + error.message + suffix
    guard let step = error.step else { return text }
    return "registered, but \(step) failed: \(text)" + (error.isResumable ? "; asking again goes on from there" : "")
  }

  private var style: TerminalText.Style {
    switch outcome {
    case "failed", "differs": .red
    case "created", "registered", "updated", "valid": .green
    case "queued", "unknown": .yellow
    default: .cyan
    }
  }

  /// The lines to print: on a terminal columns that fit its width, or the ID on a line of its own; otherwise one line
  /// with tabs between outcome, ID, ARN, name, target and detail, and `-` for missing values.
  ///
  /// - Parameters:
  ///   - stream: Where the lines go.
  ///   - showsTarget: Whether people need the target, as when there are several.
  package func rendered(for stream: Console.Stream, showsTarget: Bool = false) -> [TerminalText] {
    guard stream.isTerminal else {
      let fields = [outcome, certificateID, certificateARN, name, target, detail]
      return [fields.map { TerminalText($0 ?? "-") }.joinedByTabs()]
    }
    let head = TerminalText(outcome, style).padded(to: ResultLine.headColumns)
    let known = thingName.map { "\(name) (thing \($0))" } ?? name
    let place = target.flatMap { showsTarget ? "\(known) → \($0)" : nil } ?? known
    let room = max(20, stream.columns - ResultLine.headColumns)
    let margin = String(repeating: " ", count: ResultLine.headColumns)
    let details = (explanation ?? "").printable.wrapped(to: room).map { TerminalText("\(margin)\($0)") }
    let isWide = ResultLine.fitsIDs(stream)
    if error == nil, isWide { return [head + columns(place: place.printable, room: room)] + details }
    let first = head + TerminalText(place.printable.suffix(columns: room))
    guard error == nil, let certificateID else { return [first] + details }
    // A terminal that is narrower still breaks the line by itself, and copies it as one.
    return [first, TerminalText((room >= certificateID.count ? margin : "") + certificateID)] + details
  }

  /// Whether a whole ID has room beside the outcome and the name.
  static func fitsIDs(_ stream: Console.Stream) -> Bool {
    stream.columns - headColumns - nameColumns >= idColumns + 2
  }

  /// Whether an ARN, or the beginning of one, has room, too.
  static func fitsARNs(_ stream: Console.Stream) -> Bool {
    stream.columns - headColumns - nameColumns >= arnRoom
  }

  /// The ARN without the ID at its end; `nil` if it does not end with it, or there is none.
  var arnBeginning: String? {
    guard let id = certificateID, id.count > 16, let arn = certificateARN, arn.hasSuffix(id) else { return nil }
    return String(arn.dropLast(id.count))
  }

  /// Columns for the outcome and the space after it.
  private static let headColumns = 11
  /// Columns that the name has at least.
  private static let nameColumns = 20
  private static let idColumns = 64
  /// Columns for an ID and the beginning of an ARN.
  private static let arnRoom = 116

  /// ID, ARN and name in `room` columns. What is left out depends on the room alone, so that the lines of a batch are
  /// aligned: first the ID at the end of the ARN, which repeats the ID, then the ARN. The ID is always whole, so that
  /// it can be copied.
  private func columns(place: String, room: Int) -> TerminalText {
    let id = certificateID ?? "-"
    let arn = certificateARN ?? "-"
    let shortARN = arnBeginning.map { $0 + "…" } ?? arn
    var cells = [TerminalText(id).padded(to: ResultLine.idColumns)]
    switch room - ResultLine.nameColumns {
    case 180...: cells.append(TerminalText(arn, .dim))
    case ResultLine.arnRoom...: cells.append(TerminalText(shortARN, .dim))
    default: break
    }
    let taken = cells.reduce(0) { $0 + $1.width + 2 }
    cells.append(TerminalText(place.suffix(columns: max(10, room - taken))))
    return cells.dropFirst().reduce(cells[0]) { $0 + "  " + $1 }
  }
}

extension Sequence<TerminalText> {
  /// The texts with tabs between them.
  func joinedByTabs() -> TerminalText {
    var line = TerminalText()
    for (index, text) in enumerated() {
      if index > 0 { line += TerminalText.tab }
      line += text
    }
    return line
  }
}
