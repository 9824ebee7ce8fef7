"""certregd with other vendors' stand-ins for AWS IoT: moto and ministack. After the daemon reports a registration, AWS's
own clients have to find the certificate."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
import venv

import boto3

from daemon import DEADLINE_SECONDS, KEYS, Daemon, certificate_id, certificates, environment, free_port

COUNT = 300
# By default moto's certificateId is a digest of the PEM text. This setting makes it that of the DER, like AWS's.
MOTO = """
import sys
import moto.settings
moto.settings.default_user_config.setdefault("iot", {})["use_valid_cert"] = True
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


def python_with(*packages):
    """An interpreter with the packages: this one, or that of an environment made for them."""
    if all(importlib.util.find_spec(name.split("[")[0]) for name in packages):
        return sys.executable
    folder = pathlib.Path(os.environ["CERTREG_PROGRAMS"]) / "peers-environment"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run(install, check=True)
    return str(python)


class Peer:
    """Another vendor's server on a loopback port; a context manager."""

    def __init__(self, command, environment, port):
        self.command, self.environment = command, environment
        self.endpoint = f"http://127.0.0.1:{port}"

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                urllib.request.urlopen(self.endpoint, timeout=5).close()
                return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.log.seek(0)
                    raise AssertionError(f"{self.command} did not start: {self.log.read()[-2000:]}")
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pems = certificates(COUNT)
        cls.ids = [certificate_id(pem) for pem in cls.pems]

    def register_all(self, endpoint):
        """Registers through the daemon, asks the peer for each certificate, then registers again from the cache."""
        requests = [{"id": number, "certificatePem": pem, "status": "ACTIVE"} for number, pem in enumerate(self.pems)]
        with Daemon("--endpoint-url", endpoint) as daemon:
            first = daemon.ask(requests)
            again = daemon.ask(requests)
        self.assertEqual(daemon.status, 0, daemon.log_text)
        for number, wanted in enumerate(self.ids):
            self.assertEqual(first[number].get("certificateId"), wanted, first[number])
            self.assertEqual(first[number]["outcome"], "created")
            self.assertEqual(first[number]["cached"], False)
            self.assertEqual((again[number]["outcome"], again[number]["cached"]), ("created", True))
        client = boto3.client("iot", endpoint_url=endpoint, region_name=KEYS["AWS_REGION"],
                              aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                              aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"])
        for number, wanted in enumerate(self.ids):
            described = client.describe_certificate(certificateId=wanted)["certificateDescription"]
            self.assertEqual(described["certificateArn"], first[number]["certificateArn"])
            self.assertEqual(described["status"], "ACTIVE")
        for wanted in self.ids[:3]:
            described = subprocess.run(
                ["aws", "iot", "describe-certificate", "--endpoint-url", endpoint, "--certificate-id", wanted],
                env=environment(), check=True, capture_output=True, text=True).stdout
            self.assertEqual(json.loads(described)["certificateDescription"]["certificateId"], wanted)

    def existing(self, endpoint):
        """A certificate that the peer has already is `existing`, or an error if the caller says so."""
        request = {"id": 1, "certificatePem": self.pems[0]}
        with Daemon("--endpoint-url", endpoint) as daemon:
            self.assertEqual(daemon.ask([request])[1]["outcome"], "existing")
            error = daemon.ask([request | {"ifExists": "error"}])[1]["error"]
        self.assertEqual(error["type"], "ResourceAlreadyExistsException")
        self.assertEqual(error["resourceId"], self.ids[0])
        configuration = f"targets:\n  default:\n    endpoint: {endpoint}\n    describeExisting: true\n"
        with Daemon(configuration=configuration) as daemon:
            self.assertEqual(daemon.ask([request])[1].get("status"), "ACTIVE")
            differs = daemon.ask([request | {"status": "INACTIVE"}])[1]["error"]
        self.assertEqual((differs["reason"], differs["status"]), ("status_differs", "ACTIVE"))

    def test_moto(self):
        port = free_port()
        command = [python_with("moto", "flask", "flask_cors", "cryptography"), "-c", MOTO, str(port)]
        with Peer(command, environment(), port) as moto:
            self.register_all(moto.endpoint)
            self.existing(moto.endpoint)

    def test_ministack(self):
        port = free_port()
        python = python_with("ministack", "cryptography")
        command = [str(pathlib.Path(python).parent / "ministack")]
        surroundings = environment() | {"GATEWAY_PORT": str(port)}
        with Peer(command, surroundings, port) as ministack:
            self.register_all(ministack.endpoint)
            self.existing(ministack.endpoint)


if __name__ == "__main__":
    unittest.main()
