"""Every form of AWS's errors, from the sandbox through certregd to its client."""

import json
import pathlib
import tempfile
import unittest
import urllib.request

from daemon import Daemon, certificate_id, certificates, environment
from sandbox import Sandbox

REQUEST_ID = "7b1f4a2e-0000-4000-8000-1234567890ab"

# The status and the upstream's name for the error; type, reason and retryable of certregd's answer.
# The API reference's errors of RegisterCertificateWithoutCA, the common ones, and other answers of AWS's front end.
FINAL = [
    (400, "CertificateValidationException", "CertificateValidationException", "upstream_refused_certificate", False),
    (400, "InvalidRequestException", "InvalidRequestException", "upstream_refused_request", False),
    (400, "ValidationException", "InvalidRequestException", "upstream_refused_request", False),
    (400, "SomethingNewException", "InvalidRequestException", "upstream_refused_request", False),
    (400, None, "InvalidRequestException", "upstream_refused_request", False),
    (401, "UnauthorizedException", "UnauthorizedException", "access_denied", False),
    (403, "AccessDeniedException", "UnauthorizedException", "access_denied", False),
    (403, None, "UnauthorizedException", "access_denied", False),
    (403, "OptInRequired", "UnauthorizedException", "not_opted_in", False),
    (403, "ExpiredTokenException", "UnauthorizedException", "expired_token", True),
    (403, "UnrecognizedClientException", "UnauthorizedException", "unknown_identity", True),
    (403, "InvalidClientTokenId", "UnauthorizedException", "unknown_identity", True),
    (403, "MissingAuthenticationTokenException", "UnauthorizedException", "unknown_identity", True),
    (403, "InvalidSignatureException", "UnauthorizedException", "invalid_signature", True),
    (403, "IncompleteSignatureException", "UnauthorizedException", "unknown_identity", True),
    (404, "ResourceNotFoundException", "InternalFailureException", "upstream_not_found", False),
    (406, "CertificateStateException", "CertificateStateException", "upstream_refused_state", False),
    (413, None, "InvalidRequestException", "upstream_refused_request", False),
]
# Temporary errors are tried again, and the caller gets the later result. Meanwhile status and lookup show the error.
PASSING = [
    (400, "ThrottlingException", "ThrottlingException", "throttled_by_upstream"),
    (429, "TooManyRequestsException", "ThrottlingException", "throttled_by_upstream"),
    (400, "LimitExceededException", "ThrottlingException", "throttled_by_upstream"),
    (503, "SlowDown", "ThrottlingException", "throttled_by_upstream"),
    (500, "InternalFailureException", "InternalFailureException", "upstream_internal"),
    (500, None, "InternalFailureException", "upstream_internal"),
    (503, "ServiceUnavailableException", "ServiceUnavailableException", "upstream_unavailable"),
    (502, None, "ServiceUnavailableException", "upstream_unavailable"),
    (504, None, "ServiceUnavailableException", "upstream_unavailable"),
]


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pems = iter(certificates(len(FINAL) * 3 + len(PASSING) + 8))
        cls.sandbox = cls.enterClassContext(Sandbox("--control"))
        cls.daemon = cls.enterClassContext(Daemon("--endpoint-url", cls.sandbox.url))

    def plan(self, **members):
        request = urllib.request.Request(
            self.sandbox.url + "/sandbox/faults", json.dumps(members).encode(), method="PUT")
        urllib.request.urlopen(request).close()

    def answer_with(self, status, name, form, times=1, **more):
        headers, body = {"x-amzn-RequestId": REQUEST_ID}, {"message": "because of that"}
        if name:
            if form == "header":
                headers["x-amzn-ErrorType"] = name + ":http://internal.amazon.com/coral/com.amazonaws.iot/"
            elif form == "__type":
                body["__type"] = "com.amazonaws.iot#" + name
            else:
                body["code"] = name
        self.plan(answers=[
            {"status": status, "headers": headers, "body": json.dumps(body), "times": times, **more}])

    def ask(self, **members):
        return self.daemon.ask([{"id": 1, **members}])[1]

    def test_errors_for_good(self):
        for status, name, kind, reason, retryable in FINAL:
            for form in ("header", "__type", "code") if name else ("none",):
                with self.subTest(status=status, name=name, form=form):
                    # Twice: a refused identity is asked once more with fresh credentials.
                    self.answer_with(status, name, form, times=2)
                    error = self.ask(certificatePem=next(self.pems))["error"]
                    self.assertEqual((error["type"], error["reason"], error["retryable"]), (kind, reason, retryable))
                    self.assertEqual((error["origin"], error["requestId"]), ("upstream", REQUEST_ID))
                    self.assertEqual(error.get("upstreamType"), name if name != kind else None)
                    self.assertEqual(error["message"], "because of that")
                    self.assertIn(error["httpStatus"], (400, 401, 406, 500))

    def test_errors_that_pass(self):
        for status, name, kind, reason in PASSING:
            with self.subTest(status=status, name=name):
                pem = next(self.pems)
                self.answer_with(status, name, "header")
                answer = self.ask(certificatePem=pem)
                self.assertEqual(answer["outcome"], "created")
                error = self.ask(op="status")["targets"][0]["lastError"]
                self.assertEqual((error["type"], error["reason"], error["retryable"]), (kind, reason, True))
                self.assertEqual((error["origin"], error["requestId"]), ("upstream", REQUEST_ID))
                self.assertGreater(error["retryAfterMs"], 0)

    def test_the_time_that_the_upstream_names(self):
        self.plan(answers=[{"status": 429, "headers": {"Retry-After": "2"}, "times": 1000}])
        pem = next(self.pems)
        error = self.ask(certificatePem=pem, timeoutMs=500)["error"]
        self.assertEqual((error["type"], error["reason"]), ("ServiceUnavailableException", "deadline_exceeded"))
        waits = self.ask(op="lookup", certificatePem=pem)
        self.assertEqual(waits["state"], "queued")
        self.assertEqual(waits["lastError"]["reason"], "throttled_by_upstream")
        self.assertGreater(waits["lastError"]["retryAfterMs"], 1000)
        self.plan()
        self.assertEqual(self.ask(certificatePem=pem)["outcome"], "created")

    def test_an_answer_that_is_lost(self):
        for fault in ({"status": 502, "carriedOut": True}, {"status": 200, "body": "<html>", "carriedOut": True}):
            with self.subTest(fault=fault):
                pem = next(self.pems)
                self.plan(answers=[fault])
                answer = self.ask(certificatePem=pem)
                # The next 409 is the answer to our own call.
                self.assertEqual((answer["outcome"], answer["certificateId"]), ("created", certificate_id(pem)))

    def test_a_conflict(self):
        pem = next(self.pems)
        identity = certificate_id(pem)
        arn = "arn:aws:iot:eu-west-1:123456789012:cert/" + identity
        body = json.dumps({"message": "exists", "resourceId": identity, "resourceArn": arn})
        self.plan(answers=[{"status": 409, "headers": {"x-amzn-ErrorType": "ResourceAlreadyExistsException"},
                            "body": body}])
        answer = self.ask(certificatePem=pem)
        self.assertEqual((answer["outcome"], answer["certificateArn"]), ("existing", arn))

    def test_another_certificate_than_the_one_sent(self):
        self.plan(lieRate=1)
        error = self.ask(certificatePem=next(self.pems))["error"]
        self.plan()
        self.assertEqual((error["type"], error["reason"]), ("InternalFailureException", "upstream_mismatch"))
        self.assertEqual((error["origin"], error["retryable"]), ("upstream", False))

    def test_a_clock_that_differs(self):
        with Sandbox("--region", "eu-west-1", "--verify-signatures", "AKIDEXAMPLE:example-secret",
                     "--clock-offset", "4000") as sandbox, Daemon("--endpoint-url", sandbox.url) as daemon:
            answer = daemon.ask([{"id": 1, "certificatePem": next(self.pems)}])[1]
            self.assertEqual(answer["outcome"], "created")
            target = daemon.ask([{"id": 1, "op": "status"}])[1]["targets"][0]
            self.assertAlmostEqual(target["clockOffsetMs"], 4_000_000, delta=60_000)

    def test_connections_that_are_cut_and_answers_that_drip(self):
        for plan in ({"dropRate": 0.5}, {"resetRate": 0.5}, {"dripBytesPerSecond": 2000}):
            with self.subTest(plan=plan):
                self.plan(**plan)
                pem = next(self.pems)
                self.assertEqual(self.ask(certificatePem=pem)["outcome"], "created")
        self.plan()


class Helpers(unittest.TestCase):
    def test_a_helper_that_fails_is_seen_to_fail_where_the_parent_left_its_children_to_the_system(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        program = folder / "credentials"
        program.write_text("""#!/bin/sh
echo '{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"example"}'
exit 3
""")
        program.chmod(0o755)
        profile = folder / "aws"
        profile.write_text(f"[default]\ncredential_process = {program}\n")
        keyless = {name: value for name, value in environment().items()
                   if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        daemon = Daemon("--endpoint-url", "http://127.0.0.1:9", environment={**keyless, "AWS_CONFIG_FILE": str(profile)})
        daemon.command = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", *daemon.command]
        pem, = certificates(1)
        with daemon:
            answer = daemon.ask([{"id": 1, "op": "register", "certificatePem": pem, "timeoutMs": 20000}])[1]
        self.assertIn("status 3", answer["error"]["message"])


if __name__ == "__main__":
    unittest.main()
