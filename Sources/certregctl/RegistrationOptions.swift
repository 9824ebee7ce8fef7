import ArgumentParser
import CertRegCore

/// The status that `register` and `import` register with.
struct StatusOption: ParsableArguments {
  @Option(
    help: ArgumentHelp("Status to register with (default: the one of certregd's configuration).", valueName: "status"))
  var status: CertificateStatus?
}

/// What `register` and `import` make of a certificate that AWS IoT has already.
struct IfExistsOption: ParsableArguments {
  @Option(
    help: """
      Treat a certificate that AWS IoT has already as a success (return), as an error (error), or as a success that gets \
      the status asked for (update).
      """)
  var ifExists: IfExists?
}
