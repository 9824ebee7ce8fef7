import CertRegCore
import CertRegProtocol
import CertRegSocket

// The operation `describe`.
extension RequestService {
  /// Asks the upstream about a certificate. Runs on a worker thread.
  func describe(_ request: OwnedRequest, from peer: Peer, reply: Reply) {
    do throws(ServiceError) {
      let key = try key(of: request)
      // Before the upstream is asked: what changes from here on may be newer than its answer.
      let before = Before(
        epoch: parts.known.memory.epochs.current(key.certificateID), record: try? parts.known.record(for: key))
      parts.descriptions.ask(key, until: deadline(of: request)) { result, location in
        self.onWorker {
          self.correct(key, before, by: result, from: location, for: peer) {
            self.answer(request, key, result, reply)
          }
        }
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func answer(
    _ request: OwnedRequest, _ key: RegistrationKey, _ result: Result<UpstreamCertificate, ServiceError>, _ reply: Reply
  ) {
    switch result {
    case .success(let certificate):
      parts.counts.count(.describe, "ok")
      reply.send(AnswerEncoder.described(id: request.id, key, certificate))
    case .failure(let error): fail(request, error, reply)
    }
  }

  /// What was known before the upstream was asked.
  private struct Before: Sendable {
    /// The certificate's epoch.
    var epoch: UInt32
    var record: StoredRecord?
  }

  /// Corrects what is known where the upstream says otherwise, and then calls `completion`. On a worker thread.
  private func correct(
    _ key: RegistrationKey, _ before: Before, by result: Result<UpstreamCertificate, ServiceError>,
    from location: UpstreamLocation?, for peer: Peer, completion: @escaping @Sendable () -> Void
  ) {
    do throws(StoreError) {
      guard let location, let correction = try correction(key, before, by: result, from: location) else {
        return completion()
      }
      parts.engine.correct(correction) { result in
        // The caller gets the upstream's answer in any case.
        switch result {
        case .failure(let error): self.parts.audit.storeFailed(.describe, ServiceError(error))
        case .success(false): break
        case .success(true):
          if let known = before.record?.registration {
            self.parts.audit.corrected(known, to: correction.registration, by: peer.requester)
          }
        }
        completion()
      }
    } catch {
      parts.audit.storeFailed(.describe, ServiceError(error))
      completion()
    }
  }

  /// - Returns: `nil` if nothing is known that the upstream contradicts.
  private func correction(
    _ key: RegistrationKey, _ before: Before, by result: Result<UpstreamCertificate, ServiceError>,
    from location: UpstreamLocation
  ) throws(StoreError) -> EngineLoop.Correction? {
    let place =
      if case .success(let certificate) = result {
        parts.known.learn(
          arn: certificate.certificateARN, of: key.target, at: location, signedBy: certificate.signer)
      } else {
        JobHome?(parts.known.jobHome(of: key.target, at: location))
      }
    // A reload that moved the target meanwhile has other results in its place. The result has to be in memory, since
    // only a change of what is there changes the epoch.
    guard let place, parts.known.isPresent(place, of: key.target), try parts.known.registration(for: key) != nil,
      let record = try parts.known.record(for: key), record == before.record, let registration = record.registration
    else { return nil }
    let home = parts.known.home(of: key.target)
    switch result {
    case .success(let certificate):
      guard var corrected = registration.corrected(by: certificate, now: parts.clock.wall) else { return nil }
      if case .failed(let failure) = record { corrected.failure = failure }
      return EngineLoop.Correction(key: key, registration: corrected, home: home, epoch: before.epoch)
    case .failure(let error):
      guard error.saysCertificateIsGone else { return nil }
      return EngineLoop.Correction(key: key, registration: nil, home: home, epoch: before.epoch)
    }
  }
}
