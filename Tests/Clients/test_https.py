"""HTTPS with a certificate made for the test."""

import socket
import ssl
import urllib.parse

import botocore.exceptions

from sandbox import SIGNATURES, SandboxTestCase, openssl
from test_boto3 import connect


class HTTPS(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.certificate = self.folder / "server.pem"
        key = self.key = self.folder / "server.key"
        openssl(
            "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", key,
            "-out", self.certificate, "-subj", "/CN=sandbox", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
        )
        self.sandbox = self.start("--tls-certificate", self.certificate, "--tls-key", key, *SIGNATURES)

    def test_the_url(self):
        self.assertTrue(self.sandbox.url.startswith("https://127.0.0.1:"))

    def test_boto3(self):
        device = self.issue()
        client = connect(self.sandbox, verify=str(self.certificate))
        answer = client.register_certificate_without_ca(certificatePem=device.pem, status="ACTIVE")
        self.assertEqual(answer["certificateId"], device.id)
        self.assertEqual(len(client.list_certificates()["certificates"]), 1)
        client.close()

    def test_command_line(self):
        device = self.issue()
        arguments = ("register-certificate-without-ca", "--certificate-pem", f"file://{device.path}")
        status, output, errors = self.aws(self.sandbox, *arguments, AWS_CA_BUNDLE=str(self.certificate))
        self.assertEqual(status, 0, errors)
        self.assertIn(device.arn, output)
        status, _, errors = self.aws(
            self.sandbox, *arguments, AWS_CA_BUNDLE=str(self.certificate), AWS_SECRET_ACCESS_KEY="x"
        )
        self.assertNotEqual(status, 0)
        self.assertIn("(InvalidSignatureException)", errors)

    def test_cut_connections(self):
        for option in ("--reset-rate", "--drop-rate"):
            sandbox = self.start("--tls-certificate", self.certificate, "--tls-key", self.key, option, "1")
            address = urllib.parse.urlsplit(sandbox.url)
            context = ssl.create_default_context(cafile=str(self.certificate))
            with socket.create_connection((address.hostname, address.port), timeout=30) as plain:
                below = plain.dup()
                with below, context.wrap_socket(plain, server_hostname=address.hostname) as client:
                    client.sendall(b"GET /certificates HTTP/1.1\r\nHost: x\r\n\r\n")
                    if option == "--drop-rate":
                        self.assertEqual(client.recv(1), b"")
                    else:
                        # Python's TLS does not tell a reset from an end.
                        with self.assertRaises(ConnectionResetError):
                            while below.recv(4096):
                                pass

    def test_clients_that_do_not_trust_it(self):
        client = connect(self.sandbox)
        with self.assertRaises(botocore.exceptions.SSLError):
            client.list_certificates()
        client.close()
        trusting = connect(self.sandbox, verify=str(self.certificate))
        trusting.list_certificates()
        trusting.close()
