import CertRegClock
import CertRegCore
import Logging
import NIOPosix

@testable import CertRegForwarder

extension CredentialsContext {
  /// The context of targets on a host with these variables and files. Instance metadata are off unless `variables` say
  /// otherwise, since a request for them would leave this host.
  static func onHost(
    _ variables: [String: String] = [:], files: HostFiles = MemoryFiles().files, hostName: String = "station",
    clock: HostClock = .system, logger: Logger = Logger(label: "test")
  ) -> CredentialsContext {
    let defaults = ["HOME": "/h", "AWS_EC2_METADATA_DISABLED": "true"]
    return CredentialsContext(
      environment: ProcessEnvironment(variables.merging(defaults) { own, _ in own }), files: files, hostName: hostName,
      clock: clock,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
  }
}
