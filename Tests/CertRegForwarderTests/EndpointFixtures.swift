import CertRegCore

@testable import CertRegForwarder

/// The words of each line of a table.
func tableRows(_ table: String) -> [[String]] {
  table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
}

/// The resolver of a target on a host with these variables and this configuration file.
func resolver(
  _ configuration: TargetConfiguration, _ variables: [String: String] = [:], config: String = ""
) -> EndpointResolver {
  let environment = ProcessEnvironment(variables.merging(["HOME": "/h"]) { own, _ in own })
  let files = MemoryFiles(["/h/.aws/config": config])
  return EndpointResolver(
    configuration, environment: environment,
    profiles: SharedProfileStore(environment: environment, files: files.files))
}
