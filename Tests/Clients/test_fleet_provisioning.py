"""Devices that the members of a fleet make together."""

import json
import signal
import unittest

from daemon import certificate_id, certificates
from fleet import FleetTestCase
from test_boto3 import connect
from things import DOCUMENT

PROFILE = {"thing": {"name": "{deviceId}"}, "policies": ["first", "second"], "activateLast": True}


class FleetDevices(FleetTestCase):
    def setUp(self):
        super().setUp()
        self.init()
        self.iot = connect(self.sandbox)
        self.addCleanup(self.iot.close)
        for policy in PROFILE["policies"]:
            self.iot.create_policy(policyName=policy, policyDocument=DOCUMENT)

    def device(self, pem):
        """What AWS's client sees of a certificate: its status, things and policies."""
        found = self.iot.describe_certificate(certificateId=certificate_id(pem))["certificateDescription"]
        arn = found["certificateArn"]
        policies = {policy["policyName"] for policy in self.iot.list_attached_policies(target=arn)["policies"]}
        return found["status"], self.iot.list_principal_things(principal=arn)["things"], policies

    def test_what_one_made_the_other_knows(self):
        first, second = (self.member(name, profile=PROFILE) for name in ("first", "second"))
        self.joined(first, second)
        pem, made, known = self.shared(first, second, deviceId="line-7")
        self.assertEqual(known["provisioning"], made["provisioning"])
        self.assertEqual(self.device(pem), ("ACTIVE", ["line-7"], {"first", "second"}))

    def test_a_successor_goes_on_with_the_steps(self):
        first, second = (self.member(name, profile=PROFILE) for name in ("first", "second"))
        self.joined(first, second)
        self.sandbox_faults({"operations": {"AttachPolicy": {"answers": [{"status": 503, "times": 1_000_000}]}}})
        pem = certificates(1)[0]
        self.assertEqual(self.register(first, pem, wait=False, deviceId="line-7")["outcome"], "queued")
        self.until(lambda: self.iot.list_things()["things"], "the thing is not made")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        self.assertEqual(self.device(pem)[2], set())
        self.sandbox_faults({})
        self.until(lambda: self.device(pem) == ("ACTIVE", ["line-7"], {"first", "second"}), json.dumps(self.fleet(second)))
        known = self.register(second, pem, deviceId="line-7")
        self.assertEqual((known["outcome"], known["cached"]), ("created", True), known)

    def test_a_status_that_one_set_leaves_what_the_other_made(self):
        first, second = (self.member(name, profile=PROFILE) for name in ("first", "second"))
        self.joined(first, second)
        pem = certificates(1)[0]
        made = self.register(first, pem, deviceId="line-7")
        self.assertEqual(made["outcome"], "created", made)
        # The second was never asked about it, and knows nothing but the status afterwards.
        updated = self.ask(second, op="update", certificateId=certificate_id(pem), status="INACTIVE")
        self.assertEqual(updated["outcome"], "updated", updated)
        self.until(lambda: self.ask(first, op="lookup", certificateId=certificate_id(pem)).get("status") == "INACTIVE",
                   "the first does not hear of it")
        columns = "SELECT device || ' ' || (provisioned IS NOT NULL) FROM certregd.result WHERE NOT forgotten"
        self.assertEqual(self.postgres.sql(columns), "line-7 true")
        for daemon in (first, second):
            again = self.register(daemon, pem, deviceId="line-7")
            self.assertEqual(again["error"]["reason"], "status_differs", again)
        self.assertEqual(self.device(pem)[0], "INACTIVE")

    def test_what_one_host_makes_gives_way_to_a_revocation_on_another(self):
        first, second = (self.member(name, profile=PROFILE, takeover="60s") for name in ("first", "second"))
        self.joined(first, second)
        self.sandbox_faults({"operations": {"AttachPolicy": {"answers": [{"status": 503, "times": 1_000_000}]}}})
        pem = certificates(1)[0]
        self.assertEqual(self.register(first, pem, wait=False, deviceId="line-7")["outcome"], "queued")
        self.until(lambda: self.iot.list_things()["things"], "the thing is not made")
        revoked = self.ask(second, op="update", certificateId=certificate_id(pem), status="REVOKED")
        self.assertEqual(revoked.get("outcome"), "updated", revoked)
        self.sandbox_faults({})
        self.until(lambda: self.ask(first, op="lookup", certificateId=certificate_id(pem)).get("state") != "queued",
                   "the first goes on")
        status, _, policies = self.device(pem)
        self.assertEqual((status, policies), ("REVOKED", set()))


if __name__ == "__main__":
    unittest.main()
