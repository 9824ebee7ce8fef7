import Synchronization

// Where results belong, and what follows when a target's upstream is another one.
extension KnownResults {
  /// The home whose results are answered for a target now.
  package func home(of target: TargetName) -> ResultHome {
    homes.withLock { $0.home(of: target) }
  }

  /// The certificate of a stored result as the members of a fleet name it; `nil`: where it belongs is not known, or it
  /// is another account than the target's.
  package func fleetKey(storedAs key: RegistrationKey) -> FleetKey? {
    homes.withLock { homes in
      homes.fleetTarget(storedAs: key.target).map { FleetKey(certificateID: key.certificateID, target: $0) }
    }
  }

  /// A target as the members of a fleet name it in keys; `nil`: nobody has said yet where its upstream is.
  package func fleetTarget(of target: TargetName) -> FleetTarget? {
    homes.withLock { $0.fleetTarget(of: $0.home(of: target)) }
  }

  /// A home as the members of a fleet name it in keys; `nil`: nobody has said yet where its upstream is.
  package func fleetTarget(of home: ResultHome) -> FleetTarget? { homes.withLock { $0.fleetTarget(of: home) } }

  /// Says which targets are in another account than the fleet's targets of that name: their keys name the account.
  ///
  /// - Returns: Whether these are others than before.
  package func setApart(_ targets: Set<TargetName>) -> Bool {
    homes.withLock { homes in
      defer { homes.apart = targets }
      return homes.apart != targets
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
  ///
  /// - Parameters:
  ///   - home: Where the certificate is registered.
  ///   - target: The target.
  ///   - setsStatus: Whether a status is to be set there. Then an account that is not known is another one: it is so
  ///     after credentials of another signer have come, and their account may have the certificate, too.
  package func isPresent(_ home: JobHome, of target: TargetName, setsStatus: Bool = false) -> Bool {
    let present = self.home(of: target)
    guard present.location == home.location else { return false }
    return home.account == nil || present.account == home.account || present.account == nil && !setsStatus
  }

  /// The ``JobFacts/place`` of a job as its row on disk has it. The usual row takes no byte for it.
  package func storedPlace(_ place: JobHome?, of target: TargetName) -> JobHome? {
    homes.withLock { place?.location == $0.firstLocation(of: target) ? nil : place }
  }

  /// The ``JobFacts/place`` that the row of a job on disk stands for.
  package func place(stored place: JobHome?, of target: TargetName) -> JobHome? {
    place ?? homes.withLock { $0.firstLocation(of: target) }.map { JobHome(location: $0, account: nil) }
  }

  /// Where the reply of an upstream belongs that names no ARN.
  package func jobHome(of target: TargetName, at location: UpstreamLocation) -> JobHome {
    homes.withLock { $0.jobHome(of: target, at: location) }
  }

  /// A configuration says where the upstreams of targets are. Results that belong elsewhere are not answered from then
  /// on, and are answered again once their target points back.
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

  /// Credentials have come for a target.
  ///
  /// - Parameters:
  ///   - signer: Stands for the account: see ``TargetHomes/Note/signer``.
  ///   - target: The target.
  ///   - location: Where its upstream was when they were asked for.
  package func sign(_ target: TargetName, at location: UpstreamLocation, by signer: String) {
    homes.withLock { homes in
      let (note, isMove) = homes.sign(target, at: location, by: signer)
      if isMove { memory.move(to: [homes.home(of: target)]) }
      if let note { keepNotes([note]) }
    }
  }

  /// An upstream named the ARN of a certificate, and with it the account.
  ///
  /// - Parameters:
  ///   - arn: The ARN.
  ///   - target: The target that was called.
  ///   - location: Where the upstream was when it was called.
  ///   - signer: Whose keys signed the call; `nil`: not known.
  /// - Returns: Where the result belongs; `nil`: the upstream has named ``TargetHomes/mostAccounts`` other accounts, and
  ///   the ARN is not to be kept.
  package func learn(
    arn: String, of target: TargetName, at location: UpstreamLocation, signedBy signer: String? = nil
  ) -> JobHome? {
    homes.withLock { homes in
      guard let (home, note, isMove) = homes.learn(arn: arn, of: target, at: location, signedBy: signer) else {
        return nil
      }
      if isMove { memory.move(to: [homes.home(of: target)]) }
      if let note { keepNotes([note]) }
      return JobHome(location: location, account: home.account)
    }
  }
}
