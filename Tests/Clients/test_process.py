"""The program from outside: its command line, exit statuses, signals, state and log."""

import os
import resource
import signal
import subprocess

from sandbox import (
    KEY_ID, PROGRAM, SECRET, SESSION_KEY_ID, SESSION_TOKEN, SIGNATURES, Sandbox, SandboxTestCase, clean_environment,
)
from test_boto3 import connect


def run(*arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=clean_environment()
    )


class CommandLine(SandboxTestCase):
    def test_help_has_examples(self):
        result = run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("EXAMPLES", result.stdout)

    def test_wrong_usage(self):
        for arguments in (
            ["--unknown"],
            ["more"],
            ["--port", "65536"],
            ["--port", "x"],
            ["--listen", "127.0.0.1"],
            ["--listen", ":80"],
            ["--account", "12345678901"],
            ["--account", "12345678901x"],
            ["--region", ""],
            ["--region", "eu central"],
            ["--tls-certificate", "c.pem"],
            ["--tls-key", "k.pem"],
            ["--verify-signatures", "AKIDONLY"],
            ["--verify-signatures", "@/no/such/file"],
            ["--latency", "-1"],
            ["--latency", "9-3"],
            ["--latency", "x"],
            ["--error-rate", "1.1"],
            ["--error-rate", "-0.1"],
            ["--error-rate", "nan"],
            ["--drop-rate", "2"],
            ["--throttle-rate", "0"],
            ["--throttle-rate", "10:0"],
            ["--throttle-rate", "inf"],
            ["--deny", "DoAnything"],
            ["--log-level", "loud"],
        ):
            with self.subTest(arguments):
                result = run(*arguments)
                self.assertEqual(result.returncode, 64, result)
                self.assertEqual(result.stdout, "")
                self.assertTrue(result.stderr)
                self.assertNotIn("AKIDONLY", result.stderr)

    def test_a_port_in_use(self):
        sandbox = self.start()
        port = sandbox.url.rsplit(":", 1)[1]
        result = run("--port", port)
        self.assertEqual(result.returncode, 69)
        self.assertIn(f"127.0.0.1:{port}", result.stderr)

    def test_a_key_that_cannot_be_read(self):
        certificate = self.issue()
        result = run("--port", "0", "--tls-certificate", certificate.path, "--tls-key", self.folder / "none")
        self.assertEqual(result.returncode, 66, result.stderr)

    def test_printing_the_port_alone(self):
        process = subprocess.Popen([PROGRAM, "--listen", "127.0.0.1:0", "--print-port"], stdout=subprocess.PIPE)
        self.assertGreater(int(process.stdout.readline()), 0)
        process.terminate()
        self.assertEqual(process.wait(timeout=30), 0)
        process.stdout.close()

    def test_signals_end_it_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                sandbox = self.start()
                client = connect(sandbox)
                client.list_certificates()
                self.assertEqual(sandbox.stop(number), 0)
                client.close()

    def test_key_pairs_in_a_file(self):
        keys = self.folder / "keys"
        keys.write_text(f"# keys of the tests\n{KEY_ID}:{SECRET}\n{SESSION_KEY_ID}:{SECRET}:{SESSION_TOKEN}\n")
        sandbox = self.start("--region", "eu-west-1", "--verify-signatures", f"@{keys}")
        for key, token in ((KEY_ID, None), (SESSION_KEY_ID, SESSION_TOKEN)):
            client = connect(sandbox, key=key, token=token)
            client.list_certificates()
            client.close()

    def test_key_pairs_that_can_be_read_once(self):
        reader, writer = os.pipe()
        os.write(writer, f"{KEY_ID}:{SECRET}\n".encode())
        os.close(writer)
        sandbox = self.start("--region", "eu-west-1", "--verify-signatures", f"@/dev/fd/{reader}", descriptors=(reader,))
        os.close(reader)
        client = connect(sandbox)
        client.list_certificates()
        client.close()

    def test_the_log_holds_no_secret(self):
        sandbox = self.start("--log-level", "trace", *SIGNATURES)
        for options in ({}, {"secret": "wrong"}, {"key": SESSION_KEY_ID, "token": SESSION_TOKEN}):
            client = connect(sandbox, **options)
            try:
                client.list_certificates()
            except client.exceptions.ClientError:
                pass
            client.close()
        sandbox.stop()
        log = sandbox.log_text()
        self.assertIn("ListCertificates", log)
        for secret in (SECRET, SESSION_TOKEN, "Signature=", "AWS4"):
            self.assertNotIn(secret, log)


class State(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "register.jsonl"

    def register(self, sandbox, certificate):
        client = connect(sandbox)
        client.register_certificate_without_ca(certificatePem=certificate.pem, status="ACTIVE")
        client.close()

    def listed(self, sandbox):
        client = connect(sandbox)
        entries = client.list_certificates(ascendingOrder=True)["certificates"]
        client.close()
        return [(entry["certificateId"], entry["status"], entry["creationDate"]) for entry in entries]

    def test_it_survives_any_end(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                with Sandbox("--state", self.file) as sandbox:
                    self.register(sandbox, self.issue())
                    before = self.listed(sandbox)
                    sandbox.stop(number)
                with Sandbox("--state", self.file) as sandbox:
                    self.assertEqual(self.listed(sandbox), before)

    def test_damage_is_refused(self):
        with Sandbox("--state", self.file) as sandbox:
            for _ in range(3):
                self.register(sandbox, self.issue())
        lines = self.file.read_text().splitlines(keepends=True)
        lines[2] = lines[2].replace('"ACTIVE"', '"ACTVE"')
        self.file.write_text("".join(lines))
        result = run("--port", "0", "--state", self.file)
        self.assertEqual(result.returncode, 65)
        self.assertIn(f"{self.file}: line 3 cannot be used", result.stderr)
        self.assertEqual(self.file.read_text(), "".join(lines))

    def test_another_account(self):
        with Sandbox("--state", self.file):
            pass
        result = run("--port", "0", "--state", self.file, "--account", "000000000001")
        self.assertEqual(result.returncode, 65)
        self.assertIn("account", result.stderr)

    def test_a_file_in_use(self):
        self.start("--state", self.file)
        result = run("--port", "0", "--state", self.file)
        self.assertEqual(result.returncode, 75, result.stderr)

    def test_a_folder_that_is_not_there(self):
        result = run("--port", "0", "--state", self.folder / "none" / "register")
        self.assertEqual(result.returncode, 74, result.stderr)

    def test_what_is_no_file(self):
        for path in ("/dev/full", self.folder):
            result = run("--port", "0", "--state", path)
            self.assertEqual(result.returncode, 74, result.stderr)

    def test_a_file_that_cannot_grow(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))

        with Sandbox("--state", self.file, before=limit) as sandbox:
            client = connect(sandbox)
            registered = 0
            with self.assertRaises(client.exceptions.InternalFailureException):
                for registered in range(10):
                    client.register_certificate_without_ca(certificatePem=self.issue().pem, status="ACTIVE")
            self.assertGreater(registered, 0)
            before = self.listed(sandbox)
            self.assertEqual(len(before), registered)
            client.close()
            self.assertRegex(sandbox.log_text(), rf"error.*{self.file}.*File too large")
        with Sandbox("--state", self.file) as sandbox:
            self.assertEqual(self.listed(sandbox), before)
