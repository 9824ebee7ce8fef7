"""Several daemons as a fleet, with a real PostgreSQL server, on a sandbox that checks signatures."""

import json
import signal

from daemon import certificate_id, certificates
from fleet import FleetTestCase
from sandbox import SIGNATURES


class Fleet(FleetTestCase):
    def test_what_one_registered_the_other_answers_and_forgets(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        pem, made, known = self.shared(first, second, deviceId="line 7")
        self.assertEqual((known["outcome"], known["certificateArn"]), ("created", made["certificateArn"]))
        self.until(lambda: self.ask(second, op="lookup", certificateId=certificate_id(pem)).get("deviceId") == "line 7",
                   "the second does not know the device")
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
            self.knows(second, pem)
        # Emptied, and set up again: the members bring everything back.
        self.postgres.sql("DROP SCHEMA certregd CASCADE")
        self.until(lambda: self.fleet(first).get("problem", {}).get("reason") == "fleet_not_initialised",
                   "the first does not notice")
        self.init()
        self.joined(first, second)
        for pem in pems:
            self.knows(second, pem)
        self.assertEqual(self.registered(), {certificate_id(pem) for pem in pems})

    def test_what_a_dead_member_promised_the_others_do(self):
        self.init()
        first, second = self.member("first", takeover="1h"), self.member("second")
        self.joined(first, second)
        pem, before = certificates(2)
        # Both know their account then.
        self.register(second, before)
        self.register(first, before, refresh=True)
        self.refuse_registrations()
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
        self.knows(second, pem)
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

    def test_members_of_different_accounts_have_nothing_in_common(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, other = certificates(2)
        arn = self.register(first, known)["certificateArn"]
        # Another account behind the same endpoint.
        port = self.sandbox.url.rsplit(":", 1)[1]
        self.sandbox.stop()
        self.sandbox = self.start(*SIGNATURES, "--account", "333333333333", "--port", port)
        second = self.member("second")
        self.joined(first, second)
        self.assertIn(":333333333333:", self.register(second, other)["certificateArn"])
        self.until(lambda: self.fleet(second).get("problem", {}).get("reason") == "fleet_target_differs",
                   json.dumps(self.fleet(second)))
        self.assertIn("333333333333", self.fleet(second)["problem"]["message"])
        self.assertNotIn("problem", self.fleet(first))
        made = self.register(second, known)
        self.assertIn(":333333333333:", made.get("certificateArn", ""), made)
        self.assertEqual((made["outcome"], made["cached"]), ("created", False))
        self.assertEqual(self.ask(first, op="lookup", certificateId=certificate_id(known))["certificateArn"], arn)

    def test_the_least_rights_suffice(self):
        self.postgres.sql("CREATE ROLE line LOGIN")
        script = self.certregctl("fleet", "sql", "--role", "line")
        self.postgres.sql(script.stdout, user="owner")
        first, second = self.member("first", "line"), self.member("second", "line")
        self.joined(first, second)
        self.shared(first, second)
        self.init()
        shown = self.certregctl("fleet", "--socket", first.socket)
        self.assertEqual(shown.returncode, 0)
        self.assertIn("second", shown.stdout)
