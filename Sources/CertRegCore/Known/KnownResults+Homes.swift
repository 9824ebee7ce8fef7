import Synchronization

// Where results belong, and what follows when a target's upstream is another one.
extension KnownResults {
  /// The home whose results are answered for a target now.
  package func home(of target: TargetName) -> ResultHome {
    homes.withLock { $0.home(of: target) }
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
  package func learn(arn: String, of target: TargetName, at location: UpstreamLocation) -> ResultHome {
    homes.withLock { homes in
      let (home, note, isMove) = homes.learn(arn: arn, of: target, at: location)
      if isMove { memory.move(to: [homes.home(of: target)]) }
      if let note { keepNotes([note]) }
      return home
    }
  }
}
