// Events that the state of a job does not allow.
extension RegistrationJob {
  /// An event that the state does not allow.
  func impossible(_ event: String) -> Action {
    let fault = ImpossibleEvent(event: event, state: stateName)
    assertionFailure("\(fault.event) in \(fault.state)")
    return .impossible(fault)
  }

  private var stateName: String {
    switch state {
    case .storing: "storing"
    case .following: "following"
    case .asking: "asking"
    case .waiting: "waiting"
    case .permitted: "permitted"
    case .marking: "marking"
    case .calling: "calling"
    case .advancing: "advancing"
    case .backingOff: "backingOff"
    case .finishing: "finishing"
    }
  }
}
