import CertRegCore

// Corrections of known results by what `describe` returned.
extension EngineLoop {
  /// A correction of a known result.
  struct Correction: Sendable {
    /// The certificate and target.
    var key: RegistrationKey
    /// The result as it has to be; `nil`: the upstream does not have the certificate.
    var registration: Registration?
    /// Where the result belongs.
    var home: ResultHome
    /// The certificate's epoch before the upstream was asked.
    var epoch: UInt32
  }

  /// Corrects a known result. It stays as it is if it has changed since the upstream was asked, or is about to change:
  /// the upstream's answer may be the older one then. `completion` gets whether it was corrected, or the store's error.
  func correct(_ correction: Correction, completion: @escaping @Sendable (Result<Bool, StoreError>) -> Void) {
    let id = correction.key.certificateID
    guard known.memory.epochs.current(id) == correction.epoch, pending(correction.key) == nil else {
      return completion(.success(false))
    }
    let stored = correction.home.storedKey(id)
    var change = StoreChange.forget(stored)
    if var registration = correction.registration {
      registration.key = stored
      change = .keep(registration, correction.home.jobHome)
    } else {
      known.memory.forget(id, in: correction.home)
    }
    let changes = noted(change, correction.key, correction.registration, in: correction.home)
    commit(changes) { engine, error in
      let memory = engine.known.memory
      engine.tellFleet(of: changes, error.map { .failure($0) } ?? .success(()))
      if let registration = correction.registration, error == nil, memory.epochs.current(id) == correction.epoch {
        memory.keep(registration, in: correction.home, replaces: true)
      } else if error == nil {
        // Memory is right again with the next look into the store.
        memory.forget(id, in: correction.home)
      }
      completion(error.map { .failure($0) } ?? .success(true))
    }
  }
}
