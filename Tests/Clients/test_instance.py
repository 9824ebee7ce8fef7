"""certregd on an EC2 instance whose metadata service knows the region, and on a host without any region."""

import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import unittest

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon, certificates, environment
from sandbox import KEY_ID, SECRET, Sandbox

REGION = "eu-west-3"
ASKED = ["PUT /latest/api/token", "GET /latest/meta-data/placement/region"]


class Metadata:
    """The metadata service of an instance, in version 2, on a loopback address; a context manager."""

    def __enter__(self):
        self.asked = asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                self.answer(200 if int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"]) else 400, "TOKEN==")

            def do_GET(self):
                if self.headers["X-aws-ec2-metadata-token"] != "TOKEN==":
                    self.answer(401)
                elif self.path == "/latest/meta-data/placement/region":
                    self.answer(200, REGION)
                else:
                    self.answer(404)

            def answer(self, status, text=""):
                asked.append(f"{self.command} {self.path}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"


def on_instance(url, **changes):
    """The environment of a program on an instance without a configured region. `None` removes a variable."""
    changed = environment() | {
        "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": None, "AWS_DEFAULT_REGION": None,
        "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_METADATA_SERVICE_TIMEOUT": "30",
    } | changes
    return {name: value for name, value in changed.items() if value is not None}


def run(*arguments, variables):
    return subprocess.run([str(PROGRAMS / "certregd"), *arguments], env=variables, capture_output=True, text=True,
                          timeout=DEADLINE_SECONDS)


class Instance(unittest.TestCase):
    def test_the_region_is_the_instances(self):
        with Metadata() as metadata, Sandbox("--region", REGION, "--verify-signatures", f"{KEY_ID}:{SECRET}") as sandbox:
            variables = on_instance(metadata.url)
            with Daemon("--endpoint-url", sandbox.url, environment=variables) as daemon:
                [pem] = certificates(1)
                answers = daemon.ask([{"id": 1, "certificatePem": pem}, {"id": 2, "op": "status"}])
            # The sandbox accepts no signature for another region.
            self.assertIn(f":{REGION}:", answers[1].get("certificateArn", answers[1]))
            self.assertEqual(answers[2]["targets"][0]["region"], REGION)
            self.assertEqual(metadata.asked, ASKED)
            self.assertIn(f"the region is the instance's, {REGION}", daemon.log_text)
            check = run("--check-upstream", "--endpoint-url", sandbox.url, variables=variables)
            self.assertIn(f'"region":"{REGION}"', check.stdout)

    def test_nobody_is_asked_who_is_not_needed(self):
        with Metadata() as metadata:
            variables = on_instance(metadata.url)
            for arguments in ["--sandbox"], ["--region", "eu-west-1"]:
                with Daemon(*arguments, environment=variables) as daemon:
                    daemon.ask([{"id": 1, "op": "status"}])
            for question in "--check-config", "--print-config":
                self.assertEqual(run(question, variables=variables).returncode, 0)
            self.assertEqual(metadata.asked, [])

    def test_a_check_finds_what_the_start_would_end_with(self):
        nobody = on_instance("http://127.0.0.1:1")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "config.yaml")
            for configuration, variables, said in (
                ({"socket": {"group": "nosuchgroup"}, "sandbox": True}, {}, "socket.group: there is no group 'nosuchgroup'"),
                ({"targets": {"a": {"region": REGION, "caFile": folder + "/none"}}}, {}, f"target a: {folder}/none is not"),
                ({"targets": {"a": {"region": REGION}}}, {"AWS_CA_BUNDLE": "/none"}, "target a: /none is not a readable file"),
            ):
                path.write_text(json.dumps(configuration))
                with self.subTest(said):
                    check = run("--check-config", "--config", str(path), variables=nobody | variables)
                    start = run("--config", str(path), "--socket", folder + "/socket", "--state-dir", folder + "/state",
                                variables=nobody | variables)
                    for result in check, start:
                        self.assertEqual(result.returncode, 78, result.stderr)
                        self.assertIn(said, result.stderr)
            # systemd may bring files when the service starts.
            path.write_text(json.dumps({
                "fleet": {"url": "postgresql://u@127.0.0.1/d?sslmde=require", "passwordFile": folder + "/password"},
                "targets": {"a": {"region": REGION, "credentials": {"profile": {"file": folder + "/keys"}}}}}))
            check = run("--check-config", "--config", str(path), variables=nobody)
            self.assertEqual((check.returncode, check.stdout), (0, "ok\n"))
            self.assertIn("warning: fleet.url: invalid URI query parameter", check.stderr)
            for key, name in ("fleet.passwordFile", "password"), ("targets.a.credentials", "keys"):
                self.assertIn(f"warning: {key}: {folder}/{name}: No such file or directory", check.stderr)
            # The service's own environment may name one.
            path.write_text(json.dumps({"targets": {"a": {}}}))
            check = run("--check-config", "--config", str(path), variables=nobody)
            self.assertEqual((check.returncode, check.stdout), (0, "ok\n"))
            self.assertIn("warning: target a: no region", check.stderr)

    def test_no_region_at_all(self):
        nobody = "http://127.0.0.1:1"
        for variables, is_asked in (
            (on_instance(nobody), True), (on_instance(nobody, AWS_EC2_METADATA_DISABLED="true"), False),
        ):
            with self.subTest(is_asked), tempfile.TemporaryDirectory() as folder:
                result = run("--socket", folder + "/socket", "--state-dir", folder + "/state", variables=variables)
                self.assertEqual(result.returncode, 78, result.stderr)
                self.assertIn("target default: no region: set `region` of the target, AWS_REGION", result.stderr)
                self.assertEqual("the instance was asked for its own: instance metadata at 127.0.0.1:1" in result.stderr,
                                 is_asked, result.stderr)
