import CertRegCore
import CertRegTesting

// What is known of a certificate beside its jobs: `describe`, and what later jobs must not undo.
extension RegistrarSimulation {
  /// Somebody sets the status of a certificate or detaches something, and a caller has the upstream describe it.
  mutating func describe() {
    let keys = [Self.first, Self.second].flatMap { target in
      (0..<Self.certificates).map {
        RegistrationKey(certificateID: CertificateID(words: ($0, 0, 0, 0)), target: target)
      }
    }
    let idle = keys.filter { !core.hasJob(of: $0) && disk.results[$0]?.certificateARN != nil }
    let devices = idle.filter { disk.results[$0]?.provisioned != nil }
    guard let key = (devices.isEmpty ? idle : devices).randomElement(using: &random), let known = disk.results[key]
    else {
      return
    }
    if oneIn(2) { upstream.othersUse(key, activeDevices.contains(key) ? .inactive : anyStatus()) }
    if let provisioned = known.provisioned, oneIn(2) {
      upstream.devices.detach(provisioned, key, random.next())
    }
    guard let certificate = upstream.describe(key) else { return }
    reach(.describe)
    guard var corrected = known.corrected(by: certificate, now: now.wall) else { return }
    if known.provisioned?.isComplete == true, corrected.provisioned?.isComplete == false { reach(.deviceMissing) }
    if case .failed(let failure)? = disk.record(for: key) { corrected.failure = failure }
    disk.apply(.keep(corrected, nil))
    noteActiveDevice(key)
    upstream.raiseFloor(of: key, to: upstream.certificates[key]?.version ?? 0)
    checkTruth(of: corrected.provisioned, key)
    if corrected.provisioned != nil { ask(for: key) }
  }

  /// The disk has another result of a certificate.
  mutating func noteActiveDevice(_ key: RegistrationKey) {
    guard let known = disk.results[key], known.certificateARN != nil else {
      activeDevices.remove(key)
      return
    }
    if known.provisioned?.isComplete == true, known.status == .active { activeDevices.insert(key) }
  }

  /// A job is about to activate a certificate because of its profile.
  mutating func checkIsNotKept(_ row: PendingRegistration) {
    guard !row.overridesStatus, let status = row.facts.registered?.status else { return }
    let isDeactivated = status == .inactive && activeDevices.contains(row.key)
    if status == .revoked || isDeactivated { violations.append(.activatesWhatIsKept) }
  }

  /// A request is refused for what is known.
  mutating func noteRefusal(_ error: ServiceError, _ key: RegistrationKey) {
    reach(.cachedAnswer)
    if error.reason == .statusDiffers, disk.results[key]?.status == .inactive, activeDevices.contains(key) {
      reach(.deactivatedDevice)
    }
  }

  /// A job ends well that made no device.
  mutating func checkStepFailure(_ before: StoredRecord?, _ id: JobID, _ result: Registration, madeDevice: Bool) {
    guard !madeDevice, result.failure == nil, case .failed(let failure)? = before, failure.registered != nil,
      failure.outlastsUpdate
    else { return }
    reach(.stepFailureKept)
    guard case .failed(let after)? = disk.record(for: id.key), after.error == failure.error else {
      violations.append(.stepFailureLost)
      return
    }
  }
}
