"""boto3 on a sandbox that checks signatures."""

import datetime
import unittest.mock

import boto3
import botocore.config
import botocore.exceptions

from sandbox import (
    ACCOUNT, KEY_ID, REGION, SECRET, SESSION_KEY_ID, SESSION_TOKEN, SIGNATURES, Sandbox, SandboxTestCase, openssl,
)


def connect(sandbox, *, key=KEY_ID, secret=SECRET, token=None, region=REGION, attempts=1, **options):
    """A client that shows every error, or tries `attempts` times."""
    configuration = botocore.config.Config(
        retries={"mode": "standard", "total_max_attempts": attempts}, proxies={}, connect_timeout=10, read_timeout=30,
    )
    return boto3.client(
        "iot", endpoint_url=sandbox.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=token, config=configuration, **options,
    )


class SignedTestCase(SandboxTestCase):
    """Tests that share a sandbox. Each registers its own certificates."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox(*SIGNATURES)
        cls.addClassCleanup(cls.sandbox.__exit__)
        cls.client = connect(cls.sandbox)
        cls.addClassCleanup(cls.client.close)

    def register(self, certificate, **members):
        return self.client.register_certificate_without_ca(certificatePem=certificate.pem, **members)

    def fails_with(self, error, status, call, /, **members):
        """Calls, and checks the error's name and HTTP status; returns the error's response."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**members)
        response = caught.exception.response
        self.assertEqual(response["Error"]["Code"], error, response)
        self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], status)
        self.assertRegex(response["ResponseMetadata"]["RequestId"], r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
        return response


class Registration(SignedTestCase):
    def test_the_answer(self):
        certificate = self.issue()
        answer = self.register(certificate, status="ACTIVE")
        self.assertEqual(answer["certificateId"], certificate.id)
        self.assertEqual(answer["certificateArn"], certificate.arn)

    def test_status_left_out_is_inactive(self):
        certificate = self.issue()
        self.register(certificate)
        answer = self.client.describe_certificate(certificateId=certificate.id)
        self.assertEqual(answer["certificateDescription"]["status"], "INACTIVE")

    def test_keys_that_aws_supports(self):
        for key in (
            ("-newkey", "rsa:2048"),
            ("-newkey", "rsa:3072"),
            ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
        ):
            with self.subTest(key=key):
                certificate = self.issue(*key)
                self.assertEqual(self.register(certificate)["certificateId"], certificate.id)

    def test_certificates_that_cannot_be_registered(self):
        for name, pem in {
            "text": "not a certificate",
            "two": self.issue().pem + self.issue().pem,
            "cut": self.issue().pem[:200],
            "weak key": self.issue("-newkey", "rsa:1024").pem,
            "another curve": self.issue("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1").pem,
            "another kind of key": self.issue("-newkey", "ed25519").pem,
            "expired": self.issue_expired().pem,
        }.items():
            with self.subTest(name):
                self.fails_with(
                    "CertificateValidationException", 400, self.client.register_certificate_without_ca,
                    certificatePem=pem,
                )

    def test_a_certificate_that_is_there(self):
        certificate = self.issue()
        self.register(certificate)
        response = self.fails_with(
            "ResourceAlreadyExistsException", 409, self.register, certificate=certificate, status="ACTIVE"
        )
        self.assertEqual(response["resourceId"], certificate.id)
        self.assertEqual(response["resourceArn"], certificate.arn)
        with self.assertRaises(self.client.exceptions.ResourceAlreadyExistsException):
            self.register(certificate)

    def test_statuses_that_aws_keeps_to_itself(self):
        for status in ("PENDING_TRANSFER", "REGISTER_INACTIVE", "PENDING_ACTIVATION"):
            response = self.fails_with(
                "CertificateStateException", 406, self.register, certificate=self.issue(), status=status
            )
            self.assertEqual(
                response["Error"]["Message"], f"Not allowed to register certificate with {status} status"
            )

    def test_lengths(self):
        unchecked = boto3.client(
            "iot", endpoint_url=self.sandbox.url, region_name=REGION, aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET, config=botocore.config.Config(parameter_validation=False, proxies={}),
        )
        call = unchecked.register_certificate_without_ca
        self.fails_with("InvalidRequestException", 400, call)
        self.fails_with("InvalidRequestException", 400, call, certificatePem="")
        self.fails_with("InvalidRequestException", 400, call, certificatePem="\U0001f511" * 65_537)
        self.fails_with("CertificateValidationException", 400, call, certificatePem="\U0001f511" * 65_536)
        self.fails_with("InvalidRequestException", 400, call, certificatePem=self.issue().pem, status="GONE")


class Register(SignedTestCase):
    def test_description(self):
        certificate = self.issue()
        before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(milliseconds=1)
        self.register(certificate, status="ACTIVE")
        description = self.client.describe_certificate(certificateId=certificate.id)["certificateDescription"]
        dates = openssl("x509", "-in", certificate.path, "-noout", "-dates").decode()
        for member in ("notBefore", "notAfter"):
            expected = next(line for line in dates.splitlines() if line.startswith(member)).split("=")[1]
            expected = datetime.datetime.strptime(expected, "%b %d %H:%M:%S %Y %Z")
            self.assertEqual(
                description["validity"][member].astimezone(datetime.timezone.utc).replace(tzinfo=None), expected
            )
        self.assertEqual(description["ownedBy"], ACCOUNT)
        self.assertEqual(description["creationDate"], description["lastModifiedDate"])
        self.assertLessEqual(before, description["creationDate"])
        self.assertEqual(description["certificatePem"], certificate.pem)

    def test_update_and_deletion(self):
        certificate = self.issue()
        self.register(certificate, status="ACTIVE")
        self.fails_with(
            "CertificateStateException", 406, self.client.delete_certificate, certificateId=certificate.id,
            forceDelete=True,
        )
        for status in ("INACTIVE", "ACTIVE", "REVOKED", "REVOKED"):
            self.client.update_certificate(certificateId=certificate.id, newStatus=status)
            description = self.client.describe_certificate(certificateId=certificate.id)["certificateDescription"]
            self.assertEqual(description["status"], status)
        for status in ("ACTIVE", "INACTIVE"):
            self.fails_with("CertificateStateException", 406, self.client.update_certificate,
                            certificateId=certificate.id, newStatus=status)
        self.client.delete_certificate(certificateId=certificate.id)
        for call, members in (
            (self.client.describe_certificate, {}),
            (self.client.delete_certificate, {}),
            (self.client.update_certificate, {"newStatus": "ACTIVE"}),
        ):
            self.fails_with("ResourceNotFoundException", 404, call, certificateId=certificate.id, **members)
        self.assertEqual(self.register(certificate)["certificateId"], certificate.id)

    def test_pages(self):
        with Sandbox(*SIGNATURES) as sandbox:
            client = connect(sandbox)
            ids = []
            for _ in range(7):
                certificate = self.issue()
                client.register_certificate_without_ca(certificatePem=certificate.pem)
                ids.append(certificate.id)
            for ascending, size in ((False, 1), (False, 3), (True, 3), (True, 7), (False, 250)):
                pages = list(
                    client.get_paginator("list_certificates").paginate(
                        ascendingOrder=ascending, PaginationConfig={"PageSize": size}
                    )
                )
                listed = [entry["certificateId"] for page in pages for entry in page["certificates"]]
                self.assertEqual(listed, ids if ascending else ids[::-1])
                self.assertEqual(len(pages), -(-len(ids) // size))
            client.close()


class Signatures(SignedTestCase):
    def refuses(self, error, **options):
        client = connect(self.sandbox, **options)
        self.addCleanup(client.close)
        return self.fails_with(error, 403, client.list_certificates)["Error"]["Message"]

    def test_a_session(self):
        client = connect(self.sandbox, key=SESSION_KEY_ID, token=SESSION_TOKEN)
        client.list_certificates()
        client.close()

    def test_strangers(self):
        invalid = "The security token included in the request is invalid."
        self.assertEqual(self.refuses("UnrecognizedClientException", key="AKIDSTRANGER"), invalid)
        self.assertEqual(self.refuses("UnrecognizedClientException", key=SESSION_KEY_ID), invalid)
        self.assertEqual(self.refuses("UnrecognizedClientException", key=SESSION_KEY_ID, token="x"), invalid)
        self.assertIn("does not match", self.refuses("InvalidSignatureException", secret="x"))
        self.assertIn("valid region", self.refuses("InvalidSignatureException", region="us-east-1"))

    def test_a_clock_that_is_wrong(self):
        for minutes, words in ((-6, "Signature expired: "), (6, "Signature not yet current: ")):
            shifted = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
            clock = shifted.replace(tzinfo=None)
            with unittest.mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: clock):
                self.assertTrue(self.refuses("InvalidSignatureException").startswith(words))


class Faults(SandboxTestCase):
    def test_throttling_is_seen_and_passes(self):
        sandbox = self.start("--throttle-rate", "10:1")
        certificates = [self.issue() for _ in range(4)]
        client = connect(sandbox)
        errors = []
        for certificate in certificates:
            try:
                client.register_certificate_without_ca(certificatePem=certificate.pem)
            except client.exceptions.ThrottlingException as error:
                errors.append(error.response)
        client.close()
        self.assertTrue(errors)
        self.assertEqual({error["ResponseMetadata"]["HTTPStatusCode"] for error in errors}, {400})
        self.assertEqual({error["Error"]["Message"] for error in errors}, {"Rate exceeded"})
        patient = connect(sandbox, attempts=10)
        for certificate in certificates:
            try:
                patient.register_certificate_without_ca(certificatePem=certificate.pem)
            except patient.exceptions.ResourceAlreadyExistsException:
                pass
        self.assertEqual(len(patient.list_certificates()["certificates"]), len(certificates))
        patient.close()

    def test_errors_are_those_of_the_api(self):
        client = connect(self.start("--error-rate", "1", "--seed", "3"))
        seen = set()
        for _ in range(20):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                client.list_certificates()
            response = caught.exception.response
            seen.add((response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]))
        client.close()
        self.assertEqual(seen, {("InternalFailureException", 500), ("ServiceUnavailableException", 503)})

    def test_an_operation_that_is_denied(self):
        client = connect(self.start("--deny", "RegisterCertificateWithoutCA"))
        with self.assertRaises(client.exceptions.UnauthorizedException) as caught:
            client.register_certificate_without_ca(certificatePem=self.issue().pem)
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 401)
        self.assertEqual(client.list_certificates()["certificates"], [])
        client.close()

    def test_dropped_connections_are_errors_of_the_connection(self):
        client = connect(self.start("--drop-rate", "1"))
        with self.assertRaises(botocore.exceptions.ConnectionClosedError):
            client.list_certificates()
        client.close()

    def test_a_faulty_service_is_usable_with_retries(self):
        sandbox = self.start("--error-rate", "0.2", "--drop-rate", "0.1", "--latency", "0-5", "--seed", "11")
        client = connect(sandbox, attempts=10)
        for _ in range(10):
            certificate = self.issue()
            try:
                client.register_certificate_without_ca(certificatePem=certificate.pem)
            except client.exceptions.ResourceAlreadyExistsException as error:
                # The last call took effect and its answer was lost.
                self.assertEqual(error.response["resourceId"], certificate.id)
        self.assertEqual(len(client.list_certificates()["certificates"]), 10)
        client.close()
