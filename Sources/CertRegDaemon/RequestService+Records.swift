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
      parts.engine.pending(key) { pending in
        self.onWorker { self.lookup(request, key, pending: pending, reply: reply) }
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func lookup(_ request: OwnedRequest, _ key: RegistrationKey, pending: PendingJob?, reply: Reply) {
    do throws(StoreError) {
      let record = try parts.known.record(for: key)
      // Another host may have registered what failed here.
      let failure: FailedRegistration? = if case .failed(let failure)? = record { failure } else { nil }
      guard pending == nil, record == nil || failure != nil, parts.engine.hasFleet else {
        return reply.send(lookupAnswer(request.id, key, pending: pending, record: record))
      }
      parts.engine.find(key) { registration, holder in
        if let registration, failure.map({ $0.finishedAt < registration.finishedAt }) ?? true {
          self.parts.counts.count(.lookup, "ok")
          return reply.send(AnswerEncoder.lookup(id: request.id, .registered(registration)))
        }
        if let holder, failure == nil {
          self.parts.counts.count(.lookup, "ok")
          return reply.send(AnswerEncoder.lookup(id: request.id, .elsewhere(key, member: holder)))
        }
        reply.send(self.lookupAnswer(request.id, key, pending: nil, record: record))
      }
    } catch {
      storeFailed(request, ServiceError(error, accepts: false), reply)
    }
  }

  private func lookupAnswer(
    _ id: [UInt8]?, _ key: RegistrationKey, pending: PendingJob?, record: StoredRecord?
  ) -> [UInt8] {
    if pending == nil, record == nil {
      parts.counts.count(.lookup, .notFound)
      return AnswerEncoder.error(id: id, .notFound)
    }
    parts.counts.count(.lookup, "ok")
    if case .registered(let registration)? = record, pending?.view.registration.changesCertificate != true {
      return AnswerEncoder.lookup(id: id, .registered(registration))
    }
    if let pending {
      let nextTry = pending.view.nextAttemptAfter.map { parts.clock.wall + $0 }
      return AnswerEncoder.lookup(id: id, .queued(pending.view.registration, nextTry: nextTry, pending.standing))
    }
    if case .failed(let failure)? = record { return AnswerEncoder.lookup(id: id, .failed(failure)) }
    return AnswerEncoder.error(id: id, .notFound)
  }

  func forget(_ request: OwnedRequest, reply: Reply) {
    do throws(ServiceError) {
      let key = try key(of: request)
      let isKnown: Bool
      do throws(StoreError) { isKnown = try parts.known.record(for: key) != nil } catch {
        return storeFailed(request, ServiceError(error), reply)
      }
      if isKnown { return forget(key, request, reply) }
      guard parts.engine.hasFleet else { return forgetNothing(key, request, reply) }
      parts.engine.find(key) { registration, holder in
        if registration != nil { return self.forget(key, request, reply) }
        if holder != nil { return self.fail(request, .notFoundYet, reply) }
        self.forgetNothing(key, request, reply)
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func forgetNothing(_ key: RegistrationKey, _ request: OwnedRequest, _ reply: Reply) {
    parts.engine.pending(key) { pending in
      self.fail(request, pending == nil ? .notFound : .notFoundYet, reply)
    }
  }

  private func forget(_ key: RegistrationKey, _ request: OwnedRequest, _ reply: Reply) {
    parts.engine.forget(key) { error in
      if let error { return self.storeFailed(request, ServiceError(error), reply) }
      self.parts.counts.count(.forget, "ok")
      reply.send(AnswerEncoder.forgotten(id: request.id, key))
    }
  }

  private func storeFailed(_ request: OwnedRequest, _ error: ServiceError, _ reply: Reply) {
    parts.audit.storeFailed(request.operation, error)
    fail(request, error, reply)
  }

  /// Declares a member of the fleet gone, so that the others finish its queue.
  func removeMember(_ request: OwnedRequest, reply: Reply) {
    guard let member = request.member else { return fail(request, .noSuchMember(""), reply) }
    guard parts.engine.hasFleet else { return fail(request, .noFleet, reply) }
    parts.engine.removeMember(member) { answer in
      switch answer {
      case .removed:
        self.parts.counts.count(.removeMember, "ok")
        reply.send(AnswerEncoder.removed(id: request.id, member: member))
      case .alone: self.fail(request, .fleetUnreachable, reply)
      default: self.fail(request, .noSuchMember(member), reply)
      }
    }
  }
}
