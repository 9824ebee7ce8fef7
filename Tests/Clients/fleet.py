"""Daemons as members of a fleet, for tests with a real PostgreSQL server and a sandbox that checks signatures."""

import json
import subprocess
import time
import urllib.request

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon, certificate_id, certificates
from postgres import Postgres
from sandbox import REGION, SIGNATURES, SandboxTestCase, clean_environment
from test_boto3 import connect


class FleetTestCase(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES, "--control")
        self.postgres = Postgres()
        self.addCleanup(self.postgres.remove)

    def member(self, name, user="owner", takeover="2s", profile=None, target=None, **fleet):
        """A daemon of the fleet, which applies a profile to what it registers. `target` has further settings of its target."""
        configuration = {
            "targets": {"default": {"endpoint": self.sandbox.url, "region": REGION} | (target or {})},
            "fleet": {"url": self.postgres.url(user), "member": name, "takeover": takeover} | fleet,
        }
        if profile:
            configuration["provisioning"] = {"device": profile}
            configuration["targets"]["default"]["provision"] = "device"
        daemon = Daemon(configuration=json.dumps(configuration), environment=clean_environment())
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

    def sandbox_faults(self, faults):
        request = urllib.request.Request(self.sandbox.url + "/sandbox/faults", json.dumps(faults).encode(), method="PUT")
        urllib.request.urlopen(request).close()

    def knows(self, daemon, pem):
        """Waits until a member knows a registration. The one that made it answers its caller before it tells the others."""
        self.until(lambda: self.ask(daemon, op="lookup", certificateId=certificate_id(pem)).get("state") == "registered",
                   "a member does not know what another one registered")

    def shared(self, first, second, **members):
        """A certificate that the first member registered, and the answers of both to the same request.

        The second has to answer what the first told. If the database takes more than a second, as on a busy machine, a
        member goes on by itself. Then another certificate has to show it."""
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            (pem,) = certificates(1)
            made = self.register(first, pem, **members)
            self.assertEqual((made.get("outcome"), made.get("cached")), ("created", False), made)
            self.knows(second, pem)
            known = self.register(second, pem, **members)
            if known["cached"]:
                return pem, made, known
            self.assertLess(time.monotonic(), end, known)

    def refuse_registrations(self):
        """Until the faults are set anew. A drawn error could come after the certificate was registered."""
        self.sandbox_faults({"answers": [{"status": 503, "times": 1_000_000}]})

    def registered(self):
        iot = connect(self.sandbox)
        self.addCleanup(iot.close)
        return {one["certificateId"] for one in iot.list_certificates(pageSize=250)["certificates"]}
