import CertRegSigV4
import Testing

@testable import CertRegForwarder

/// What an access key shows of its account.
@Suite struct SignerTests {
  private func signer(_ key: String) -> String? {
    SigningCredentials(accessKeyID: key, secretAccessKey: "secret").signer
  }

  @Test func `keys of one account have one signer, whatever their kind`() throws {
    let signer = try #require(self.signer("AKIAQNZGKIQYABCDEFGH"))
    #expect(self.signer("ASIAQNZGKIQYPZZZZZZZ") == signer)
    #expect(self.signer("ASIAQNZGKIQY56JQ7WML") != signer)
    #expect(self.signer("ASIAQNZGKIQZ56JQ7WML") != signer)
    #expect(!signer.contains("QNZG"))
  }

  @Test(arguments: ["AKIAIOSFODNN7EXAMPLE", "AKIDEXAMPLE", "", "AKIAQNZGKIQYABCDEFG", "AKIAQNZGKIQYABCDEFGHI"])
  func `other keys tell nothing`(key: String) {
    #expect(signer(key) == nil)
  }
}
