"""A running certreg-sandbox, certificates made by openssl, and an environment without the user's settings."""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = str(pathlib.Path(os.environ.get("CERTREG_PROGRAMS", ".build/debug")) / "certreg-sandbox")
KEY_ID = "AKIDSANDBOXTEST"
SECRET = "sandbox/secret+of/the=tests"
SESSION_KEY_ID = "ASIASANDBOXTEST"
SESSION_TOKEN = "FwoGZXIvYXdzEA8aDtoken/of+the/session=="
REGION = "eu-west-1"
ACCOUNT = "210987654321"
SIGNATURES = (
    "--region", REGION, "--account", ACCOUNT,
    "--verify-signatures", f"{KEY_ID}:{SECRET}",
    "--verify-signatures", f"{SESSION_KEY_ID}:{SECRET}:{SESSION_TOKEN}",
)


def clean_environment(**changes):
    """The process's environment without AWS settings and proxies, with a key pair that the sandbox knows."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    kept.update(
        AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION=REGION, AWS_PAGER="",
        AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
    )
    kept.update(changes)
    return {name: value for name, value in kept.items() if value is not None}


class Sandbox:
    """certreg-sandbox on a free port. Ends with its `with` block, or by `stop`."""

    def __init__(self, *arguments, before=None, descriptors=()):
        """`before` is called in the new process, ahead of the program, which gets `descriptors`."""
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [PROGRAM, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=clean_environment(), preexec_fn=before, pass_fds=descriptors,
        )
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait()
            raise RuntimeError(f"the sandbox did not start: {line}{self.log_text()}")
        self.url = line.removeprefix("listening on ").strip()

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, number=signal.SIGTERM):
        """Sends a signal and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()


class Certificate:
    """A certificate in a file."""

    def __init__(self, path):
        self.path = path
        self.pem = path.read_text()
        der = openssl("x509", "-in", path, "-outform", "DER")
        self.id = hashlib.sha256(der).hexdigest()
        self.arn = f"arn:aws:iot:{REGION}:{ACCOUNT}:cert/{self.id}"


def openssl(*arguments, **options):
    """Runs openssl and returns its output."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
    ).stdout


class SandboxTestCase(unittest.TestCase):
    """Tests with a folder and certificates of their own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="certreg-clients-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.issued = 0

    def start(self, *arguments, **options):
        sandbox = Sandbox(*arguments, **options)
        self.addCleanup(sandbox.__exit__)
        return sandbox

    def issue(self, *arguments):
        """A self-signed certificate on P-256, or on the key that `arguments` name."""
        self.issued += 1
        path = self.folder / f"{self.issued}.pem"
        key = arguments or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        openssl(
            "req", "-x509", "-nodes", *key, "-keyout", self.folder / f"{self.issued}.key", "-out", path,
            "-subj", f"/CN=device {self.issued}", "-days", "30", "-addext", "basicConstraints=critical,CA:FALSE",
        )
        return Certificate(path)

    def issue_expired(self):
        """A certificate that was valid in 2020."""
        request, key, path = (self.folder / name for name in ("old.csr", "old.key", "old.pem"))
        openssl("req", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", key, "-out", request, "-subj", "/CN=old")
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("01\n")
        configuration = self.folder / "ca.conf"
        configuration.write_text(
            "[ca]\ndefault_ca=c\n[c]\npolicy=p\ndefault_md=sha256\n"
            f"database={self.folder}/index\nserial={self.folder}/serial\nnew_certs_dir={self.folder}\n"
            "[p]\ncommonName=supplied\n"
        )
        openssl(
            "ca", "-batch", "-selfsign", "-config", configuration, "-in", request, "-keyfile", key, "-out", path,
            "-startdate", "20200101000000Z", "-enddate", "20201231000000Z", "-notext",
        )
        return Certificate(path)

    def aws(self, sandbox, *arguments, **environment):
        """Runs `aws iot` on the sandbox; returns exit status, standard output and standard error."""
        command = [sys.executable, "-m", "awscli", "iot", *map(str, arguments), "--endpoint-url", sandbox.url]
        result = subprocess.run(
            command, env=clean_environment(**environment), capture_output=True, text=True, timeout=120
        )
        return result.returncode, result.stdout, result.stderr
