"""The AWS CLI on a sandbox that checks signatures."""

import json

from sandbox import SESSION_KEY_ID, SESSION_TOKEN, SIGNATURES, SandboxTestCase


class CommandLine(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES)

    def succeed(self, *arguments, **environment):
        status, output, errors = self.aws(self.sandbox, *arguments, **environment)
        self.assertEqual(status, 0, errors)
        return json.loads(output) if output.strip() else None

    def fail_with(self, error, *arguments, **environment):
        status, output, errors = self.aws(self.sandbox, *arguments, **environment)
        self.assertNotEqual(status, 0, output)
        self.assertIn(f"({error})", errors)
        return errors

    def register(self, certificate, *arguments):
        return ("register-certificate-without-ca", "--certificate-pem", f"file://{certificate.path}", *arguments)

    def test_a_certificate_from_registration_to_deletion(self):
        certificate = self.issue()
        self.assertEqual(
            self.succeed(*self.register(certificate, "--status", "ACTIVE")),
            {"certificateArn": certificate.arn, "certificateId": certificate.id},
        )
        described = self.succeed("describe-certificate", "--certificate-id", certificate.id)["certificateDescription"]
        self.assertEqual(described["certificatePem"], certificate.pem)
        self.assertEqual((described["status"], described["certificateMode"]), ("ACTIVE", "SNI_ONLY"))
        self.assertEqual(
            [entry["certificateId"] for entry in self.succeed("list-certificates")["certificates"]], [certificate.id]
        )
        message = self.fail_with("CertificateStateException", "delete-certificate", "--certificate-id", certificate.id)
        self.assertIn("must be deactivated", message)
        self.succeed("update-certificate", "--certificate-id", certificate.id, "--new-status", "INACTIVE")
        self.succeed("delete-certificate", "--certificate-id", certificate.id)
        self.fail_with("ResourceNotFoundException", "describe-certificate", "--certificate-id", certificate.id)
        self.assertEqual(self.succeed("list-certificates")["certificates"], [])

    def test_registered_twice(self):
        certificate = self.issue()
        self.succeed(*self.register(certificate))
        self.fail_with("ResourceAlreadyExistsException", *self.register(certificate))

    def test_statuses(self):
        for status in ("PENDING_ACTIVATION", "PENDING_TRANSFER", "REGISTER_INACTIVE"):
            message = self.fail_with(
                "CertificateStateException", *self.register(self.issue(), "--status", status)
            )
            self.assertIn(f"Not allowed to register certificate with {status} status", message)
        self.fail_with("InvalidRequestException", *self.register(self.issue(), "--status", "active"))

    def test_pages(self):
        ids = []
        for _ in range(5):
            certificate = self.issue()
            self.succeed(*self.register(certificate))
            ids.append(certificate.id)
        listed, marker = [], []
        while True:
            page = self.succeed("list-certificates", "--page-size", "2", "--ascending-order", *marker)
            listed += [entry["certificateId"] for entry in page["certificates"]]
            if "nextMarker" not in page:
                break
            marker = ["--marker", page["nextMarker"]]
        self.assertEqual(listed, ids)

    def test_a_session(self):
        session = {"AWS_ACCESS_KEY_ID": SESSION_KEY_ID, "AWS_SESSION_TOKEN": SESSION_TOKEN}
        self.succeed("list-certificates", **session)
        self.fail_with("UnrecognizedClientException", "list-certificates", **session | {"AWS_SESSION_TOKEN": "x"})
        self.fail_with("UnrecognizedClientException", "list-certificates", **session | {"AWS_SESSION_TOKEN": None})

    def test_strangers(self):
        certificate = self.issue()
        self.fail_with(
            "InvalidSignatureException", *self.register(certificate), AWS_SECRET_ACCESS_KEY="not the secret"
        )
        self.fail_with("UnrecognizedClientException", *self.register(certificate), AWS_ACCESS_KEY_ID="AKIDSTRANGER")
        self.fail_with("InvalidSignatureException", *self.register(certificate), AWS_DEFAULT_REGION="us-east-1")
        self.fail_with("MissingAuthenticationTokenException", *self.register(certificate), "--no-sign-request")
        self.assertEqual(self.succeed("list-certificates")["certificates"], [])
