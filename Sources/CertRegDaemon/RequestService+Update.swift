import CertRegCore
import CertRegProtocol
import CertRegSocket

// The operation `update`.
extension RequestService {
  /// Runs on a worker thread: a look into the store may wait for the disk.
  ///
  /// - Parameter share: The part of the queue that the caller's rule allows; `nil`: all of it.
  func update(_ request: OwnedRequest, from peer: Peer, share: Registrar.QueueShare?, reply: Reply) {
    do throws(ServiceError) {
      let targets = try targets(of: request)
      let id = if let id = request.certificateID { id } else { try readCertificate(request, parts.verdicts.current).id }
      let answers = FanIn(count: targets.count) { [counts = parts.counts] results in
        for result in results { counts.count(result, of: .update) }
        reply.send(Self.answer(request, id, targets, results))
      }
      for (index, target) in targets.enumerated() {
        let key = RegistrationKey(certificateID: id, target: target)
        update(key, request, from: peer, share: share, connection: reply.connectionID) { answers.set(index, $0) }
      }
    } catch {
      auditRefusal(request, error, by: peer)
      fail(request, error, reply)
    }
  }

  /// The device's name on disk. Memory only tells names apart.
  private func storedDevice(of key: RegistrationKey) -> DeviceID? {
    let record = try? parts.known.record(for: key)
    return record?.registration?.deviceID
  }

  private func update(
    _ key: RegistrationKey, _ request: OwnedRequest, from peer: Peer, share: Registrar.QueueShare?,
    connection: UInt64, completion: @escaping @Sendable (TargetAnswer) -> Void
  ) {
    let requester = peer.requester
    var update = Registrar.Request(
      key: key, purpose: .update, der: [], basis: .none, namedStatus: request.status, status: request.status,
      ifExists: .return, requester: requester, connection: connection, expectation: expectation(of: request),
      share: share)
    // The answer names the ARN where it is known, and watches and the log the device. The call is made in any case, also
    // while the store cannot be read.
    if let known = try? parts.known.registration(for: key) {
      update.takeKnown(known, at: self.parts.known.home(of: key.target).jobHome)
      update.deviceID = known.deviceID ?? (known.deviceTag == .none ? nil : storedDevice(of: key))
    }
    parts.engine.update(update) { [deviceID = update.deviceID] answer, provenance in
      self.parts.audit.answered(key, deviceID, answer, provenance, of: .update, to: requester)
      switch answer {
      case .registered(let registration): completion(.registered(registration, cached: false))
      case .updated(let update): completion(.updated(update))
      case .queued: completion(.queued)
      case .failed(let error): completion(.failed(error))
      }
    }
  }
}
