import ArgumentParser
import CertRegSandbox

struct IdentityOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Region that the sandbox stands for.", valueName: "name"))
  var region = SandboxAccount.defaultRegion

  @Option(help: ArgumentHelp("Account that owns the certificates: 12 digits.", valueName: "number"))
  var account = SandboxAccount.defaultID

  @Option(
    help: ArgumentHelp(
      "Check signatures with this key pair; may be given more than once.",
      discussion: """
        Without this option the sandbox accepts every request, signed or not. @FILE reads key pairs from a file, one per \
        line. If a session token is given, requests must have it.
        """,
      valueName: "id:secret[:token]"))
  var verifySignatures: [String] = []

  @Option(
    help: ArgumentHelp(
      "Answer UnauthorizedException to this operation; may be given more than once.", valueName: "operation"),
    transform: { text in
      guard let operation = SandboxOperation.Name(rawValue: text) else {
        throw ValidationError(SandboxOperation.Name.complaint(about: text))
      }
      return operation
    })
  var deny: [SandboxOperation.Name] = []

  var sandboxAccount: SandboxAccount { SandboxAccount(region: region, id: account) }

  func validate() throws {
    guard account.utf8.count == 12, account.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { throw ValidationError("--account takes 12 digits") }
    let isPlain = region.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    guard isPlain, !region.isEmpty else { throw ValidationError("--region takes a name such as eu-central-1") }
  }

  /// `nil` if signatures are not checked. Called once: a file of key pairs may be a pipe.
  func verifier() throws -> SignatureVerifier? {
    if verifySignatures.isEmpty { return nil }
    do throws(KeyPairListError) {
      return SignatureVerifier(credentials: try KeyPairList(verifySignatures).credentials, region: region)
    } catch {
      throw ValidationError("--verify-signatures: \(error.message)")
    }
  }
}
