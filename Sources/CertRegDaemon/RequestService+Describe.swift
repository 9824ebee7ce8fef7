import CertRegCore
import CertRegProtocol
import CertRegSocket

// The operation `describe`.
extension RequestService {
  /// Asks the upstream about a certificate. Runs on a worker thread.
  func describe(_ request: OwnedRequest, reply: Reply) {
    do throws(ServiceError) {
      let key = try key(of: request)
      // Before the upstream is asked: what changes from here on is news to its answer.
      let epoch = known.memory.epochs.current(key.certificateID)
      descriptions.ask(key, until: deadline(of: request)) { result, location in
        self.onWorker {
          self.correct(key, epoch, by: result, from: location) {
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
      counts.count(.describe, "ok")
      reply.send(AnswerEncoder.described(id: request.id, key, certificate))
    case .failure(let error): fail(request, error, reply)
    }
  }

  /// Corrects what is known where the upstream says otherwise, and then calls `completion`. On a worker thread.
  private func correct(
    _ key: RegistrationKey, _ epoch: UInt32, by result: Result<UpstreamCertificate, ServiceError>,
    from location: UpstreamLocation?, completion: @escaping @Sendable () -> Void
  ) {
    do throws(StoreError) {
      guard let location, let correction = try correction(key, epoch, by: result, from: location) else {
        return completion()
      }
      engine.correct(correction) { error in
        // The caller gets the upstream's answer in any case.
        if let error { self.audit.storeFailed(.describe, ServiceError(error)) }
        completion()
      }
    } catch {
      audit.storeFailed(.describe, ServiceError(error))
      completion()
    }
  }

  /// - Returns: `nil` if nothing is known that the upstream contradicts.
  private func correction(
    _ key: RegistrationKey, _ epoch: UInt32, by result: Result<UpstreamCertificate, ServiceError>,
    from location: UpstreamLocation
  ) throws(StoreError) -> EngineLoop.Correction? {
    let place =
      if case .success(let certificate) = result {
        known.learn(arn: certificate.certificateARN, of: key.target, at: location)
      } else {
        known.place(of: key.target, at: location)
      }
    // A reload that moved the target meanwhile has other results in its place.
    guard known.isPresent(place, of: key.target), case .registered(var registration)? = try known.record(for: key)
    else { return nil }
    let home = known.home(of: key.target)
    switch result {
    case .success(let certificate):
      guard registration.status != certificate.status else { return nil }
      registration.status = certificate.status
      registration.finishedAt = clock.wall
      return EngineLoop.Correction(key: key, registration: registration, home: home, epoch: epoch)
    case .failure(let error):
      guard error.kind == .resourceNotFound, error.origin == .upstream else { return nil }
      return EngineLoop.Correction(key: key, registration: nil, home: home, epoch: epoch)
    }
  }
}
