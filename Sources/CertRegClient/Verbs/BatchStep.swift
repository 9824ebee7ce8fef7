import CertRegCodec
import CertRegCore

/// What one input of a batch becomes.
enum BatchStep {
  case request(name: String, Request)
  /// The input contains no certificate.
  case failure(name: String, InputError)
  /// A remark about the input that is not a failure.
  case note(name: String, String)

  /// The step for an element of the inputs; `request` makes the request for a certificate.
  init(_ element: CertificateInputs.Element, request: (_ pem: String) -> Request) {
    switch element {
    case .certificate(let name, let pem): self = .request(name: name, request(pem))
    case .failure(let name, let error): self = .failure(name: name, error)
    case .note(let name, let text): self = .note(name: name, text)
    }
  }
}

extension InputError {
  /// The error in the form of the daemon's, so that local failures look the same in `--json` and on the screen.
  var answerError: AnswerError {
    AnswerError(type: "InputError", reason: reason, message: message)
  }
}

extension ClientError {
  /// The error in the form of the daemon's: its own where it refused a line.
  var answerError: AnswerError {
    refusal ?? AnswerError(type: "ConnectionError", reason: "no_answer", message: message, retryable: true)
  }
}

extension AnswerError {
  /// The line that `--json` prints for a failure without an answer of the daemon's.
  func localLine(file: String) -> JSON {
    .object([
      JSON.Member(
        "error",
        .object([
          JSON.Member("type", .string(type)), JSON.Member("reason", .string(reason)),
          JSON.Member("message", .string(message)), JSON.Member("retryable", .bool(retryable)),
          JSON.Member("origin", .string("client")),
        ])),
      JSON.Member("file", .string(file)),
    ])
  }
}
