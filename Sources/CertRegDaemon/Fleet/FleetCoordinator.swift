import CertRegCore
import NIOCore

/// The registrar's view of the fleet.
struct FleetCoordinator: Coordinator {
  let fleet: NIOLoopBound<FleetLoop>

  func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave {
    fleet.value.askLeave(for: pending, isPromised: isPromised)
  }

  func mayCall(_ pending: PendingRegistration) -> Bool { fleet.value.mayCall(pending) }

  func revokes(_ pending: PendingRegistration) { fleet.value.revokes(pending) }

  func isSafe(_ pending: PendingRegistration) -> Bool { fleet.value.isSafe(pending) }

  func ended(_ id: JobID, _ ending: Ending?) { fleet.value.ended(id, ending) }

  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? {
    fleet.value.share(of: operation, target: target)
  }
}
