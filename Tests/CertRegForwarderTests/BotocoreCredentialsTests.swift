import CertRegCore
import CertRegSigV4
import Foundation
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// Cases of botocore 1.44.8 (`tests/functional/test_credentials.py`, `tests/unit/test_credentials.py`,
/// `tests/unit/cfg`; Apache License 2.0), with the same settings, and calls to a stand-in for the Security Token
/// Service in place of stubs.
///
/// Not here: SSO, `mfa_serial` and `login_session`, which need a person; caches on disk; `.boto` and
/// `AWS_CREDENTIAL_FILE`, which only botocore reads.
@Suite struct BotocoreCredentialsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var config = ""
    var credentials = ""
    var environment: [String: String] = [:]
    /// `nil`: the chain.
    var profile: String?
    /// The calls that take roles: operation, role, access key that signs.
    var calls: [String] = []
    /// The access key ID and the session token of the result; `nil`: an error, or no credentials.
    var result: String?
  }

  private static let roleA = "role_arn = RoleA\n"
  private static let keys = "aws_access_key_id = abc123\naws_secret_access_key = def456\n"
  private static let environmentKeys = ["AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "secret"]
  private static let process =
    #"credential_process = /bin/echo '{"Version":1,"AccessKeyId":"spam","SecretAccessKey":"e"}'"#

  static let cases = [
    Case(
      testDescription: "test_assume_role",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\n\(keys)", profile: "A",
      calls: ["AssumeRole RoleA abc123"], result: "ROLE rt"),
    Case(
      testDescription: "test_environment_credential_source",
      config: "[profile A]\n\(roleA)credential_source = Environment\n", environment: environmentKeys, profile: "A",
      calls: ["AssumeRole RoleA env"], result: "ROLE rt"),
    Case(
      testDescription: "test_load_source_credentials_case_insensitive",
      config: "[profile A]\n\(roleA)credential_source = eNvIrOnMeNt\n", environment: environmentKeys, profile: "A",
      calls: ["AssumeRole RoleA env"], result: "ROLE rt"),
    Case(
      testDescription: "test_invalid_credential_source",
      config: "[profile A]\n\(roleA)credential_source = CustomInvalidProvider\n", profile: "A"),
    Case(
      testDescription: "test_misconfigured_source_profile",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\nregion = us-west-2\n", profile: "A"),
    Case(
      testDescription: "test_recursive_assume_role",
      config: "[profile A]\n\(roleA)source_profile = B\n\n[profile B]\nrole_arn = RoleB\nsource_profile = C\n\n"
        + "[profile C]\n\(keys)", profile: "A", calls: ["AssumeRole RoleB abc123", "AssumeRole RoleA ROLE"],
      result: "ROLE rt"),
    Case(
      testDescription: "test_recursive_assume_role_stops_at_static_creds",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\n\(keys)role_arn = RoleB\nsource_profile = C\n"
        + "[profile C]\n\(keys)", profile: "A", calls: ["AssumeRole RoleA abc123"], result: "ROLE rt"),
    Case(
      testDescription: "test_infinitely_recursive_assume_role", config: "[profile A]\n\(roleA)source_profile = A\n",
      profile: "A"),
    Case(
      testDescription: "test_infinite_looping_profiles_raises_error",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\nrole_arn = RoleB\nsource_profile = A\n",
      profile: "A"),
    Case(
      testDescription: "test_process_source_profile",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\n\(process)\n", profile: "A",
      calls: ["AssumeRole RoleA spam"], result: "ROLE rt"),
    Case(
      testDescription: "test_web_identity_source_profile",
      config: "[profile A]\n\(roleA)source_profile = B\n"
        + "[profile B]\nrole_arn = RoleB\nweb_identity_token_file = /token\n",
      profile: "A", calls: ["AssumeRoleWithWebIdentity RoleB a.token", "AssumeRole RoleA ROLE"], result: "ROLE rt"),
    Case(
      testDescription: "test_web_identity_source_profile_ignores_env_vars",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\nweb_identity_token_file = /token\n",
      environment: ["AWS_ROLE_ARN": "RoleB"], profile: "A"),
    Case(
      testDescription: "test_web_identity_credential_source_ignores_env_vars",
      config: "[profile A]\n\(roleA)credential_source = Environment\n",
      environment: ["AWS_ROLE_ARN": "RoleB", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"], profile: "A"),
    Case(
      testDescription: "test_self_referential_profile", config: "[profile A]\n\(roleA)source_profile = A\n\(keys)",
      profile: "A", calls: ["AssumeRole RoleA abc123"], result: "ROLE rt"),
    Case(
      testDescription: "test_source_profile_and_credential_source_provided",
      config: "[profile A]\n\(roleA)credential_source = Environment\nsource_profile = B\n[profile B]\n\(keys)",
      profile: "A"),
    Case(testDescription: "test_source_profile_not_provided", config: "[profile A]\n\(roleA)", profile: "A"),
    Case(
      testDescription: "test_source_profile_does_not_exist",
      config: "[profile A]\n\(roleA)source_profile = nonexistent\n", profile: "A"),
    Case(
      testDescription: "test_incomplete_source_credentials_raises_error",
      config: "[profile A]\n\(roleA)source_profile = B\n[profile B]\naws_access_key_id = foo\n", profile: "A"),
    Case(
      testDescription: "test_assume_role_with_bad_duration",
      config: "[profile A]\n\(roleA)source_profile = B\nduration_seconds = garbage value\n[profile B]\n\(keys)",
      profile: "A", calls: ["AssumeRole RoleA abc123"], result: "ROLE rt"),
    Case(
      testDescription: "web identity: test_assume_role",
      config: "[profile A]\n\(roleA)role_session_name = sname\nweb_identity_token_file = /token\n", profile: "A",
      calls: ["AssumeRoleWithWebIdentity RoleA a.token"], result: "ROLE rt"),
    Case(
      testDescription: "web identity: test_assume_role_env_vars", config: "[profile B]\nregion = us-west-2\n",
      environment: ["AWS_ROLE_ARN": "RoleB", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"],
      calls: ["AssumeRoleWithWebIdentity RoleB a.token"], result: "ROLE rt"),
    Case(
      testDescription: "web identity: test_assume_role_env_vars_do_not_take_precedence",
      config: "[profile A]\n\(roleA)web_identity_token_file = /token\n",
      environment: ["AWS_ROLE_ARN": "RoleC", "AWS_WEB_IDENTITY_TOKEN_FILE": "/other"], profile: "A",
      calls: ["AssumeRoleWithWebIdentity RoleA a.token"], result: "ROLE rt"),
    Case(
      testDescription: "web identity of the chain: the environment's settings, then the profile's",
      config: "[default]\n\(roleA)web_identity_token_file = /token\n",
      environment: ["AWS_ROLE_ARN": "RoleC", "AWS_WEB_IDENTITY_TOKEN_FILE": "/other"],
      calls: ["AssumeRoleWithWebIdentity RoleC other.token"], result: "ROLE rt"),
    Case(
      testDescription: "web identity of the chain: split between the environment and the profile",
      config: "[default]\n\(roleA)", environment: ["AWS_WEB_IDENTITY_TOKEN_FILE": "/token"]),
    Case(testDescription: "test_role_arn_not_set", config: "[default]\nweb_identity_token_file = /token\n"),
    Case(
      testDescription: "test_explicit_profile_ignores_env_provider", config: "[profile A]\n\(keys)",
      environment: environmentKeys, profile: "A", result: "abc123 -"),
    Case(
      testDescription: "test_no_profile_checks_env_provider", config: "[default]\n\(keys)",
      environment: environmentKeys, result: "env -"),
    Case(
      testDescription: "test_envvars_found_with_security_token",
      environment: environmentKeys.merging(["AWS_SECURITY_TOKEN": "baz"]) { $1 }, result: "env baz"),
    Case(
      testDescription: "test_partial_creds_is_an_error_empty_string",
      environment: ["AWS_ACCESS_KEY_ID": "foo", "AWS_SECRET_ACCESS_KEY": ""]),
    Case(
      testDescription: "test_credentials_file_exists_with_session_token",
      credentials: "[default]\n\(keys)aws_session_token = baz\n", result: "abc123 baz"),
    Case(
      testDescription: "SharedCredentialProvider: the token of another file is not for these keys",
      config: "[default]\naws_access_key_id = other\naws_secret_access_key = s\naws_session_token = old\n",
      credentials: "[default]\n\(keys)", result: "abc123 -"),
    Case(
      testDescription: "SharedCredentialProvider.TOKENS: the name of old first",
      credentials: "[default]\n\(keys)aws_session_token = new\naws_security_token = old\n", result: "abc123 old"),
    Case(
      testDescription: "session.SESSION_VARIABLES: AWS_DEFAULT_PROFILE before AWS_PROFILE",
      config: "[profile A]\n\(keys)[profile B]\naws_access_key_id = B\naws_secret_access_key = s\n",
      environment: ["AWS_DEFAULT_PROFILE": "A", "AWS_PROFILE": "B"], result: "abc123 -"),
    Case(
      testDescription: "aws_config: a token under its name of old",
      config: "[profile \"personal\"]\n\(keys)aws_security_token = fiebaz\n", profile: "personal",
      result: "abc123 fiebaz"),
    Case(
      testDescription: "test_profile_provider_builder_order: keys of the credentials file, process, keys of the config",
      config: "[default]\n\(process)\naws_access_key_id = config\naws_secret_access_key = s\n", result: "spam -"),
    Case(
      testDescription: "test_profile_provider_builder_order: the credentials file first",
      config: "[default]\n\(process)\n", credentials: "[default]\n\(keys)", result: "abc123 -"),
    Case(
      testDescription: "aws_bad_profile: other sections are ignored",
      config: "[default]\n\(keys)[profile foo bar baz]\nx = y\n[foo]\nx = y\n", result: "abc123 -"),
  ]

  private static let answer = """
    <AssumeRoleResponse><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>rs</SecretAccessKey>\
    <SessionToken>rt</SessionToken><Expiration>2036-11-24T07:55:55Z</Expiration></Credentials></AssumeRoleResponse>
    """

  @Test(arguments: cases) func `credentials come from botocore's place`(_ row: Case) async throws {
    let server = try await LoopbackServer.start { _, _ in CannedReply(body: Self.answer) }
    let defaults = ["AWS_ENDPOINT_URL_STS": "http://127.0.0.1:\(server.port)", "PATH": "/usr/bin:/bin"]
    let files = MemoryFiles([
      "/h/.aws/config": row.config, "/h/.aws/credentials": row.credentials, "/token": "a.token",
      "/other": "other.token",
    ])
    let context = CredentialsContext.onHost(
      row.environment.merging(defaults) { own, _ in own }, files: files.files)
    let provider = try context.provider(
      for: TargetConfiguration(credentials: row.profile.map { .profile(name: $0, file: nil) } ?? .chain),
      region: "us-west-2")
    let provided = try? await provider.fetch()
    await provider.shutdown()
    #expect(provided.map { "\($0.signing.accessKeyID) \($0.signing.sessionToken ?? "-")" } == row.result)
    #expect(server.requests.map(call) == row.calls)
    try await server.stop()
  }

  /// Operation, role, and the access key that signs or the token.
  private func call(_ request: ReceivedRequest) -> String {
    var parameters: [String: String] = [:]
    for item in request.body.split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
      parameters[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
    }
    let authorization = request.headers.first(name: "Authorization").flatMap { try? AuthorizationHeader(parsing: $0) }
    let identity = authorization?.accessKeyID ?? parameters["WebIdentityToken"] ?? "-"
    return "\(parameters["Action"] ?? "-") \(parameters["RoleArn"] ?? "-") \(identity)"
  }
}
