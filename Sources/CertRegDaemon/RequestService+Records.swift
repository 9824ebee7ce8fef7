import CertRegCore
import CertRegProtocol
import CertRegSocket

// Requests about the records of one registration.
extension RequestService {
  func lookup(_ request: OwnedRequest, reply: Reply) {
    do throws(ServiceError) {
      let key = try key(of: request)
      // First the queue, then the store: a registration leaves the queue once its result is in the store. The other way
      // round, a registration that ends meanwhile would be in neither.
      engine.pending(key) { pending in
        self.onWorker { self.lookup(request, key, pending: pending, reply: reply) }
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func lookup(_ request: OwnedRequest, _ key: RegistrationKey, pending: PendingJob?, reply: Reply) {
    do throws(StoreError) {
      let record = try known.record(for: key)
      guard pending == nil, record == nil, engine.hasFleet else {
        return reply.send(lookupAnswer(request.id, key, pending: pending, record: record))
      }
      engine.find(key) { registration, holder in
        if let registration {
          self.counts.count(.lookup, "ok")
          return reply.send(AnswerEncoder.lookup(id: request.id, .registered(registration)))
        }
        if let holder {
          self.counts.count(.lookup, "ok")
          return reply.send(AnswerEncoder.lookup(id: request.id, .elsewhere(key, member: holder)))
        }
        reply.send(self.lookupAnswer(request.id, key, pending: nil, record: nil))
      }
    } catch {
      storeFailed(request, error, reply)
    }
  }

  private func lookupAnswer(
    _ id: [UInt8]?, _ key: RegistrationKey, pending: PendingJob?, record: StoredRecord?
  ) -> [UInt8] {
    if pending == nil, record == nil {
      counts.count(.lookup, .notFound)
      return AnswerEncoder.error(id: id, .notFound)
    }
    counts.count(.lookup, "ok")
    if case .registered(let registration)? = record, pending?.view.registration.changesCertificate != true {
      return AnswerEncoder.lookup(id: id, .registered(registration))
    }
    if let pending {
      let nextTry = pending.view.nextAttemptAfter.map { clock.wall + $0 }
      return AnswerEncoder.lookup(id: id, .queued(pending.view.registration, nextTry: nextTry, pending.standing))
    }
    if case .failed(let failure)? = record { return AnswerEncoder.lookup(id: id, .failed(failure)) }
    return AnswerEncoder.error(id: id, .notFound)
  }

  func forget(_ request: OwnedRequest, reply: Reply) {
    do throws(ServiceError) {
      let key = try key(of: request)
      let isKnown: Bool
      do throws(StoreError) { isKnown = try known.record(for: key) != nil } catch {
        return storeFailed(request, error, reply)
      }
      if isKnown { return forget(key, request, reply) }
      guard engine.hasFleet else { throw .notFound }
      engine.find(key) { registration, _ in
        guard registration != nil else { return self.fail(request, .notFound, reply) }
        self.forget(key, request, reply)
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func forget(_ key: RegistrationKey, _ request: OwnedRequest, _ reply: Reply) {
    engine.forget(key) { error in
      if let error { return self.storeFailed(request, error, reply) }
      self.counts.count(.forget, "ok")
      reply.send(AnswerEncoder.forgotten(id: request.id, key))
    }
  }

  private func storeFailed(_ request: OwnedRequest, _ error: StoreError, _ reply: Reply) {
    audit.storeFailed(request.operation, ServiceError(error))
    fail(request, ServiceError(error), reply)
  }

  /// Takes a member of the fleet for gone, so that the others carry out what it left behind.
  func removeMember(_ request: OwnedRequest, reply: Reply) {
    guard let member = request.member else { return fail(request, .noSuchMember(""), reply) }
    guard engine.hasFleet else { return fail(request, .noFleet, reply) }
    engine.removeMember(member) { answer in
      switch answer {
      case .removed:
        self.counts.count(.removeMember, "ok")
        reply.send(AnswerEncoder.removed(id: request.id, member: member))
      case .alone: self.fail(request, .fleetUnreachable, reply)
      default: self.fail(request, .noSuchMember(member), reply)
      }
    }
  }
}
