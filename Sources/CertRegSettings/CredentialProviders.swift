import CertRegCore

/// The providers of `CredentialsConfiguration` and the keys of each.
enum CredentialProviders {
  typealias Field = CredentialsSchema.Field
  typealias Provider = CredentialsSchema.Provider

  static let all: [Provider] = [
    Provider(name: "chain") { _ in
      .chain
    } values: {
      $0 == .chain ? [:] : nil
    },
    Provider(name: "environment") { _ in
      .environment
    } values: {
      $0 == .environment ? [:] : nil
    },
    profile, process, container, instanceMetadata, webIdentity, assumeRole, iotProvider, rolesAnywhere,
  ]

  private static let profile = Provider(
    name: "profile",
    fields: [
      Field(
        name: "name", form: .text("text", limit: 256),
        documentation: "Profile of the shared files. Left out: `AWS_PROFILE`, else `default`."),
      Field(
        name: "file", form: .path(),
        documentation:
          "The credentials file, if it is not the usual one, such as a file of systemd's `LoadCredential=`."
      ),
    ],
    shorthand: "name"
  ) {
    .profile(name: $0["name"], file: $0["file"])
  } values: {
    if case .profile(let name, let file) = $0 { ["name": name, "file": file] } else { nil }
  }

  private static let process = Provider(
    name: "process",
    fields: [
      Field(
        name: "command",
        form: .text("command line", limit: 4096) {
          SecretMask.lookalikes(in: $0).isEmpty
            ? nil : "holds a secret, and secrets are never in the configuration: let the program read it from a file"
        }, isRequired: true,
        documentation: "Command line, run without a shell, that prints credentials as JSON (`credential_process`).")
    ],
    shorthand: "command"
  ) {
    .process(command: $0["command"] ?? "")
  } values: {
    if case .process(let command) = $0 { ["command": command] } else { nil }
  }

  private static let container = Provider(
    name: "container",
    fields: [
      Field(
        name: "uri", form: .httpURL,
        documentation: "Left out: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `AWS_CONTAINER_CREDENTIALS_FULL_URI`.")
    ],
    shorthand: "uri"
  ) {
    .container(uri: $0["uri"])
  } values: {
    if case .container(let uri) = $0 { ["uri": uri] } else { nil }
  }

  private static let instanceMetadata = Provider(
    name: "instanceMetadata",
    fields: [
      Field(
        name: "endpoint", form: .httpURL,
        documentation: "Left out: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, else the link-local address of EC2.")
    ],
    shorthand: "endpoint"
  ) {
    .instanceMetadata(endpoint: $0["endpoint"])
  } values: {
    if case .instanceMetadata(let endpoint) = $0 { ["endpoint": endpoint] } else { nil }
  }

  private static let webIdentity = Provider(
    name: "webIdentity",
    fields: [
      role,
      Field(
        name: "tokenFile", form: .path(), isRequired: true, documentation: "File of the token; read at every refresh."),
      sessionName,
    ]
  ) {
    .webIdentity(roleARN: $0["roleArn"] ?? "", tokenFile: $0["tokenFile"] ?? "", sessionName: $0["sessionName"])
  } values: {
    if case .webIdentity(let role, let file, let session) = $0 {
      ["roleArn": role, "tokenFile": file, "sessionName": session]
    } else {
      nil
    }
  }

  private static let assumeRole = Provider(
    name: "assumeRole",
    fields: [
      role,
      Field(
        name: "sourceProfile", form: .text("text", limit: 256),
        documentation: "Profile whose credentials assume the role. Left out: the provider chain."),
      sessionName,
      Field(
        name: "externalId", form: .text("text", limit: 1224),
        documentation: "External ID that the role's trust policy requires."),
    ]
  ) {
    .assumeRole(
      roleARN: $0["roleArn"] ?? "", sourceProfile: $0["sourceProfile"], sessionName: $0["sessionName"],
      externalID: $0["externalId"])
  } values: {
    if case .assumeRole(let role, let profile, let session, let external) = $0 {
      ["roleArn": role, "sourceProfile": profile, "sessionName": session, "externalId": external]
    } else {
      nil
    }
  }

  private static let iotProvider = Provider(
    name: "iotProvider",
    fields: [
      Field(
        name: "endpoint", form: .hostOrURL, isRequired: true,
        documentation: "The account's credential provider: `iot:DescribeEndpoint` with type `iot:CredentialProvider`."),
      Field(
        name: "roleAlias", form: .name("a role alias", 1...128, also: "_=,@-"), isRequired: true,
        documentation: "Alias of the role to take."),
      Field(
        name: "thingName", form: .name("a thing's name", 1...128, also: ":_-"),
        documentation: "The thing that the certificate is attached to."),
      certificate, privateKey,
      Field(
        name: "caFile", form: .path(),
        documentation:
          "PEM file of the authorities that the endpoint's certificate is checked against. Left out: the target's `caFile`."
      ),
    ]
  ) {
    .iotProvider(
      endpoint: $0["endpoint"] ?? "", roleAlias: $0["roleAlias"] ?? "", thingName: $0["thingName"],
      certificateFile: $0["certificateFile"] ?? "", privateKeyFile: $0["privateKeyFile"] ?? "", caFile: $0["caFile"])
  } values: {
    if case .iotProvider(let endpoint, let alias, let thing, let certificate, let key, let authorities) = $0 {
      [
        "endpoint": endpoint, "roleAlias": alias, "thingName": thing, "certificateFile": certificate,
        "privateKeyFile": key,
        "caFile": authorities,
      ]
    } else {
      nil
    }
  }

  private static let rolesAnywhere = Provider(
    name: "rolesAnywhere",
    fields: [
      Field(
        name: "trustAnchorArn", form: .arn("rolesanywhere"), isRequired: true,
        documentation: "The trust anchor; requests go to its region."),
      Field(
        name: "profileArn", form: .arn("rolesanywhere"), isRequired: true,
        documentation: "The profile of Roles Anywhere."),
      role, certificate, privateKey,
      Field(name: "chainFile", form: .path(), documentation: "PEM file of intermediate certificates."),
    ]
  ) {
    .rolesAnywhere(
      trustAnchorARN: $0["trustAnchorArn"] ?? "", profileARN: $0["profileArn"] ?? "", roleARN: $0["roleArn"] ?? "",
      certificateFile: $0["certificateFile"] ?? "", privateKeyFile: $0["privateKeyFile"] ?? "",
      chainFile: $0["chainFile"])
  } values: {
    if case .rolesAnywhere(let anchor, let profile, let role, let certificate, let key, let chain) = $0 {
      [
        "trustAnchorArn": anchor, "profileArn": profile, "roleArn": role, "certificateFile": certificate,
        "privateKeyFile": key, "chainFile": chain,
      ]
    } else {
      nil
    }
  }

  // MARK: Fields of several providers

  private static let role = Field(
    name: "roleArn", form: .arn("iam"), isRequired: true, documentation: "The role to take.")
  private static let sessionName = Field(
    name: "sessionName", form: .name("a session's name", 2...64, also: "_+=,.@-"),
    documentation: "Shown in CloudTrail. Left out: `certregd` and the host's name.")
  private static let certificate = Field(
    name: "certificateFile", form: .path(), isRequired: true, documentation: "PEM file of the station's certificate.")
  private static let privateKey = Field(
    name: "privateKeyFile", form: .path(), isRequired: true, documentation: "PEM file of the certificate's private key."
  )
}
