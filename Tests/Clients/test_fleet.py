"""Several daemons as a fleet, with a real PostgreSQL server, on a sandbox that checks signatures."""

import json
import signal
import subprocess
import time
import urllib.request

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon, certificate_id, certificates
from postgres import Postgres
from sandbox import REGION, SIGNATURES, SandboxTestCase, clean_environment
from test_boto3 import connect


class Fleet(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES, "--control")
        self.postgres = Postgres()
        self.addCleanup(self.postgres.remove)

    def member(self, name, user="owner", takeover="2s"):
        configuration = json.dumps({
            "targets": {"default": {"endpoint": self.sandbox.url, "region": REGION}},
            "fleet": {"url": self.postgres.url(user), "member": name, "takeover": takeover},
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

    def told(self):
        """The database has a result. A caller that asks another member before that joins the call of the first one."""
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.result") != "0", "no result is told")

    def sandbox_faults(self, faults):
        request = urllib.request.Request(self.sandbox.url + "/sandbox/faults", json.dumps(faults).encode(), method="PUT")
        urllib.request.urlopen(request).close()

    def refuse_registrations(self):
        """Until the faults are set anew. A drawn error could come after the certificate was registered."""
        self.sandbox_faults({"answers": [{"status": 503, "times": 1_000_000}]})

    def registered(self):
        iot = connect(self.sandbox)
        self.addCleanup(iot.close)
        return {one["certificateId"] for one in iot.list_certificates(pageSize=250)["certificates"]}

    def test_what_one_registered_the_other_answers_and_forgets(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        pem = certificates(1)[0]
        made = self.register(first, pem, deviceId="line 7")
        self.assertEqual((made["outcome"], made["cached"]), ("created", False))
        self.told()
        known = self.register(second, pem)
        self.assertEqual((known["outcome"], known["cached"], known["certificateArn"]),
                         ("created", True, made["certificateArn"]))
        self.assertEqual(self.ask(second, op="lookup", certificateId=certificate_id(pem))["deviceId"], "line 7")
        self.assertNotIn("error", self.ask(second, op="forget", certificateId=certificate_id(pem)))
        self.until(lambda: "error" in self.ask(first, op="lookup", certificateId=certificate_id(pem)),
                   "the first has not forgotten it")

    def test_a_database_that_dies_costs_nothing_that_was_told(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        self.postgres.kill()
        pems = certificates(3)
        for pem in pems:
            self.assertEqual(self.register(first, pem)["outcome"], "created")
        self.until(lambda: self.fleet(first)["state"] == "alone", "the first is not alone")
        self.assertEqual(self.fleet(first)["problem"]["reason"], "fleet_unreachable")
        self.postgres.start()
        self.joined(first, second)
        for pem in pems:
            self.until(lambda: self.ask(second, op="lookup", certificateId=certificate_id(pem)).get("state") == "registered",
                       "the second does not know what the first did")
        # Emptied, and set up again: the members bring everything back.
        self.postgres.sql("DROP SCHEMA certregd CASCADE")
        self.until(lambda: self.fleet(first).get("problem", {}).get("reason") == "fleet_not_initialised",
                   "the first does not notice")
        self.init()
        self.joined(first, second)
        for pem in pems:
            self.until(lambda: self.ask(second, op="lookup", certificateId=certificate_id(pem)).get("state") == "registered",
                       "the database was not told again")
        self.assertEqual(self.registered(), {certificate_id(pem) for pem in pems})

    def test_what_a_dead_member_promised_the_others_do(self):
        self.init()
        first, second = self.member("first", takeover="1h"), self.member("second")
        self.joined(first, second)
        self.refuse_registrations()
        pem = certificates(1)[0]
        self.assertEqual(self.register(first, pem, wait=False)["outcome"], "queued")
        def told():
            known = self.ask(second, op="lookup", certificateId=certificate_id(pem))
            return known.get("state"), known.get("member"), known.get("safeOn")
        self.until(lambda: told() == ("queued", "first", "fleet"), "the second does not know of it")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        self.sandbox_faults({})
        removed = self.certregctl("fleet", "remove", "first", "--socket", second.socket)
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.until(lambda: self.ask(second, op="lookup", certificateId=certificate_id(pem)).get("state") == "registered",
                   "the second does not take over")
        unknown = self.certregctl("fleet", "remove", "nobody", "--socket", second.socket)
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn("no_such_member", unknown.stderr)

    def test_a_member_without_its_state_does_what_it_had_promised(self):
        self.init()
        self.refuse_registrations()
        promised, asked = certificates(2)
        first = self.member("first")
        self.joined(first)
        self.assertEqual(self.register(first, promised, wait=False)["outcome"], "queued")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        # Its first job has the number of the one that it lost.
        first = self.member("first")
        self.assertEqual(self.register(first, asked, wait=False)["outcome"], "queued")
        self.joined(first)
        both = {certificate_id(pem) for pem in (promised, asked)}
        self.until(lambda: self.queue() == both, "the database lacks a registration")
        self.sandbox_faults({})
        self.until(lambda: not self.queue(), "the database keeps what is done")
        self.assertEqual(self.registered(), both)

    def queue(self):
        return set(self.postgres.sql("SELECT encode(certificate, 'hex') FROM certregd.queue").split())

    def test_the_least_rights_suffice(self):
        self.postgres.sql("CREATE ROLE line LOGIN")
        script = self.certregctl("fleet", "sql", "--role", "line")
        self.postgres.sql(script.stdout, user="owner")
        first, second = self.member("first", "line"), self.member("second", "line")
        self.joined(first, second)
        pem = certificates(1)[0]
        self.assertEqual(self.register(first, pem)["outcome"], "created")
        self.told()
        self.assertTrue(self.register(second, pem)["cached"])
        self.init()
        shown = self.certregctl("fleet", "--socket", first.socket)
        self.assertEqual(shown.returncode, 0)
        self.assertIn("second", shown.stdout)
