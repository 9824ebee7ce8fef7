"""A certregd process for a test, and clients of its socket."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from sandbox import clean_environment

PROGRAMS = pathlib.Path(os.environ.get("CERTREG_PROGRAMS", ".build/debug"))
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example-secret", "AWS_REGION": "eu-west-1"}
DEADLINE_SECONDS = 60


def environment():
    """The environment of the tests of the sandbox, with keys that every peer accepts."""
    return clean_environment(AWS_DEFAULT_REGION=KEYS["AWS_REGION"], **KEYS)


def free_port():
    """A port that was free a moment ago, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificates(count):
    """`count` self-signed certificates with one EC key, as PEM. Made by openssl, so that the repository has none that expire."""
    with tempfile.TemporaryDirectory() as folder:
        key = folder + "/key.pem"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True,
                       capture_output=True)
        made = []
        for number in range(count):
            request = ["openssl", "req", "-x509", "-new", "-key", key, "-days", "30", "-subj", f"/CN=device-{number}",
                       "-addext", "basicConstraints=critical,CA:FALSE"]
            made.append(subprocess.run(request, check=True, capture_output=True, text=True).stdout)
        return made


def certificate_id(pem):
    """SHA-256 of the DER encoding, in hexadecimal."""
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


class Daemon:
    """certregd with its socket and state in its own folder; a context manager."""

    def __init__(self, *arguments, configuration=None, environment=None):
        self.environment = environment
        self.folder = tempfile.mkdtemp(prefix="certregd-test-")
        self.socket = self.folder + "/certregd.sock"
        self.command = [str(PROGRAMS / "certregd"), "--socket", self.socket, "--state-dir", self.folder + "/state",
                        *arguments]
        if configuration is not None:
            path = pathlib.Path(self.folder) / "config.yaml"
            path.write_text(configuration)
            self.command += ["--config", str(path)]

    def __enter__(self):
        self.log = open(self.folder + "/log", "wb")
        self.process = subprocess.Popen(self.command, env=self.environment or environment(),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                self.connect().close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__(None, None, None)
                    raise AssertionError("certregd did not start: " + self.log_text)
                time.sleep(0.02)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.status = self.process.wait(DEADLINE_SECONDS)
        self.log.close()
        self.log_text = pathlib.Path(self.folder, "log").read_text(errors="replace")
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(DEADLINE_SECONDS)
        connection.connect(self.socket)
        return connection

    def ask(self, requests):
        """Sends all requests at once, ends the input, and returns the answers by `id`."""
        with self.connect() as connection:
            connection.sendall(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
            connection.shutdown(socket.SHUT_WR)
            answers = b""
            while chunk := connection.recv(1 << 16):
                answers += chunk
        return {answer["id"]: answer for answer in map(json.loads, answers.splitlines())}
