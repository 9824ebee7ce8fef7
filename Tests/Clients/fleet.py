"""Daemons as members of a fleet, for tests with a real PostgreSQL server and a sandbox that checks signatures."""

import json
import subprocess
import time

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon
from postgres import Postgres
from sandbox import REGION, SIGNATURES, SandboxTestCase, clean_environment


class FleetTestCase(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES, "--control")
        self.postgres = Postgres()
        self.addCleanup(self.postgres.remove)

    def member(self, name, user="owner", takeover="2s", **fleet):
        configuration = json.dumps({
            "targets": {"default": {"endpoint": self.sandbox.url, "region": REGION}},
            "fleet": {"url": self.postgres.url(user), "member": name, "takeover": takeover} | fleet,
        })
        daemon = Daemon(configuration=configuration, environment=clean_environment())
        daemon.__enter__()
        self.addCleanup(daemon.__exit__, None, None, None)
        return daemon

    def certregctl(self, *arguments):
        return subprocess.run([str(PROGRAMS / "certregctl"), *arguments], capture_output=True, text=True, timeout=60)

    def init(self):
        result = self.certregctl("fleet", "init", "--url", self.postgres.url())
        self.assertEqual(result.returncode, 0, result.stderr)

    def ask(self, daemon, **members):
        return daemon.ask([{"id": "x", **members}])["x"]

    def register(self, daemon, pem, **members):
        return self.ask(daemon, certificatePem=pem, status="ACTIVE", **members)

    def fleet(self, daemon):
        return self.ask(daemon, op="status")["fleet"]

    def until(self, condition, what):
        end = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)

    def joined(self, *daemons):
        for daemon in daemons:
            self.until(lambda: self.fleet(daemon)["state"] == "connected"
                       and len(self.fleet(daemon)["members"]) >= len(daemons), json.dumps(self.fleet(daemon)))
