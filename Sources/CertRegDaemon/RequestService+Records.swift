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

  private func lookup(
    _ request: OwnedRequest, _ key: RegistrationKey, pending: Registrar.PendingView?, reply: Reply
  ) {
    do throws(StoreError) {
      let record = try known.record(for: key)
      if pending == nil, record == nil {
        counts.count(.lookup, .notFound)
      } else {
        counts.count(.lookup, "ok")
      }
      reply.send(lookupAnswer(request.id, key, pending: pending, record: record))
    } catch {
      storeFailed(request, error, reply)
    }
  }

  private func lookupAnswer(
    _ id: [UInt8]?, _ key: RegistrationKey, pending: Registrar.PendingView?, record: StoredRecord?
  ) -> [UInt8] {
    if case .registered(let registration)? = record {
      return AnswerEncoder.lookup(id: id, .registered(registration))
    }
    if let pending {
      let nextTry = pending.nextAttemptAfter.map { clock.wall + $0 }
      return AnswerEncoder.lookup(id: id, .queued(pending.registration, nextTry: nextTry))
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
      guard isKnown else { throw .notFound }
      engine.forget(key) { error in
        if let error { return self.storeFailed(request, error, reply) }
        self.counts.count(.forget, "ok")
        reply.send(AnswerEncoder.forgotten(id: request.id, key))
      }
    } catch {
      fail(request, error, reply)
    }
  }

  private func storeFailed(_ request: OwnedRequest, _ error: StoreError, _ reply: Reply) {
    audit.storeFailed(request.operation, ServiceError(error))
    fail(request, ServiceError(error), reply)
  }
}
