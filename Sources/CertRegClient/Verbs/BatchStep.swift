import CertRegCodec
import CertRegCore

/// What a request of a batch is about.
struct BatchSubject {
  /// Its file, place or name.
  var name: String
  /// The certificate's ID; `nil`: only certregd can tell whether it is one.
  var id: CertificateID?
}

/// What becomes of one entry of the inputs.
enum BatchStep {
  case request(BatchSubject, Request)
  /// The input contains no certificate.
  case failure(name: String, InputError)
  /// The input contains something else than the certificate of a device.
  case passedOver(place: String, OtherContent)

  /// The step for an entry; `request` makes the request for a certificate.
  init(_ entry: InputEntry, request: (InputCertificate) -> Request) {
    switch entry.content {
    case .certificate(let certificate):
      self = .request(BatchSubject(name: entry.name, id: certificate.digest), request(certificate))
    case .failure(let error): self = .failure(name: entry.name, error)
    case .passedOver(let other): self = .passedOver(place: entry.place, other)
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
    refusal ?? AnswerError(type: "ConnectionError", reason: "no_answer", message: message, retryable: canPass)
  }
}

extension AnswerError {
  /// The line that `--json` prints for a failure without an answer of the daemon's.
  ///
  /// - Parameter file: The input that it concerns; `nil`: none.
  func localLine(file: String?) -> JSON {
    .object(
      [
        JSON.Member(
          "error",
          .object([
            JSON.Member("type", .string(type)), JSON.Member("reason", .string(reason)),
            JSON.Member("message", .string(message)), JSON.Member("retryable", .bool(retryable)),
            JSON.Member("origin", .string("client")),
          ]))
      ] + (file.map { [JSON.Member("file", .string($0))] } ?? []))
  }
}
