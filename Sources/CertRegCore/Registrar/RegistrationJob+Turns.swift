// A job among the other jobs of its certificate.
extension RegistrationJob {
  /// The job before it is gone.
  mutating func cameFirst(now: WallTime) -> Action {
    guard case .following = state else { return .nothing }
    return takeTurn(now: now)
  }

  /// What an earlier job of the certificate established counts for this one.
  ///
  /// - Returns: The facts, if the disk has to know them.
  mutating func inherit(_ ending: Ending, at home: JobHome?) -> JobFacts? {
    guard isBehind else { return nil }
    switch ending {
    case .registered(let registration): inherit(registration, at: home)
    case .updated(let update):
      if pending.facts.registered != nil {
        pending.facts.registered?.status = update.status
      } else if pending.purpose.registers {
        pending.facts.earlier = EarlierResult(
          outcome: pending.facts.earlier?.outcome ?? .existing, status: update.status)
      }
    case .failed(let failure) where failure.isGone: pending.facts = JobFacts()
    case .failed(let failure):
      if failure.statusIsInDoubt {
        pending.facts.registered?.status = nil
        pending.facts.earlier?.status = nil
      }
      if let registration = failure.registered { inherit(registration, at: home) }
    }
    return pending.purpose.registers ? pending.facts : nil
  }

  private mutating func inherit(_ registration: Registration, at home: JobHome?) {
    pending.facts.registered = RegisteredCertificate(registration)
    pending.facts.home = home
    if pending.purpose.registers, pending.facts.registered != nil { pending.facts.completedSteps = 1 }
  }

  /// Goes on with the first step that is needed; ends at once where none is.
  private mutating func goOn(now: WallTime) -> Action {
    guard step != nil else {
      guard let ending = success(now: now) else { return impossible("goOn without a certificate") }
      return finish(ending)
    }
    state = .waiting
    return .enqueue
  }

  /// No other job of the certificate is before it.
  mutating func takeTurn(now: WallTime) -> Action {
    switch leave {
    case .granted: return goOn(now: now)
    case .asked:
      state = .asking
      return .nothing
    case .known(let registration):
      return finish(.registered(registration))
    }
  }
}
