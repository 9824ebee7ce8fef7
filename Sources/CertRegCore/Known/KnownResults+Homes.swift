import Synchronization

// Where results belong, and what follows when a target's upstream is another one.
extension KnownResults {
  /// The home whose results are answered for a target now.
  package func home(of target: TargetName) -> ResultHome {
    homes.withLock { $0.home(of: target) }
  }

  /// The certificate of a stored result as the members of a fleet name it; `nil`: where it belongs is not known.
  package func fleetKey(storedAs key: RegistrationKey) -> FleetKey? {
    homes.withLock { homes in
      homes.place(storedAs: key.target).map {
        FleetKey(certificateID: key.certificateID, target: FleetTarget(name: $0.target, location: $0.location).text)
      }
    }
  }

  /// The home that a job's results belong to; `nil`: its target's present one.
  package func home(of target: TargetName, at home: JobHome?) -> ResultHome {
    homes.withLock { homes in
      guard let home else { return homes.home(of: target) }
      return homes.home(of: target, at: home.location, home.account)
    }
  }

  /// Whether a target points to the home where a job's certificate is registered.
  package func isPresent(_ home: JobHome, of target: TargetName) -> Bool {
    let present = self.home(of: target)
    return present.location == home.location && (home.account == nil || present.account == home.account)
  }

  /// Where the reply of an upstream belongs that names no ARN.
  package func place(of target: TargetName, at location: UpstreamLocation) -> JobHome {
    homes.withLock { $0.place(of: target, at: location) }
  }

  /// A configuration says where the upstreams of targets are. Results that belong elsewhere are not answered from then on, and
  /// are answered again once their target points back.
  package func point(_ locations: [TargetName: UpstreamLocation]) {
    homes.withLock { homes in
      var notes: [TargetHomes.Note] = []
      var moved: [ResultHome] = []
      for (target, location) in locations {
        let (note, isMove) = homes.point(target, at: location)
        if let note { notes.append(note) }
        if isMove { moved.append(homes.home(of: target)) }
      }
      if !moved.isEmpty { memory.move(to: moved) }
      if !notes.isEmpty { keepNotes(notes) }
    }
  }

  /// An upstream named the ARN of a certificate, and with it the account.
  ///
  /// - Parameters:
  ///   - arn: The ARN.
  ///   - target: The target that was called.
  ///   - location: Where the upstream was when it was called.
  /// - Returns: Where the result belongs.
  package func learn(arn: String, of target: TargetName, at location: UpstreamLocation) -> JobHome {
    homes.withLock { homes in
      let (home, note, isMove) = homes.learn(arn: arn, of: target, at: location)
      if isMove { memory.move(to: [homes.home(of: target)]) }
      if let note { keepNotes([note]) }
      return JobHome(location: location, account: home.account)
    }
  }
}
