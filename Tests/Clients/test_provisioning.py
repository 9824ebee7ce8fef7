"""Devices through provisioning profiles: what AWS's own clients see in the sandbox and in moto afterwards."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest
import urllib.request

import boto3

from daemon import DEADLINE_SECONDS, KEYS, Daemon, certificate_id, certificates, environment, free_port
from sandbox import KEY_ID, REGION, SECRET, SIGNATURES, Sandbox
from test_peers import MOTO, Peer, python_with

COUNT = 300
# How often the daemon is killed; 200 by hand.
KILLS = int(os.environ.get("CERTREG_KILLS", "8"))
POLICY = json.dumps({"Version": "2012-10-17",
                     "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]})
TEMPLATE = {
    "Parameters": {"ThingName": {"Type": "String"}, "CertificateId": {"Type": "String"},
                   "Site": {"Type": "String", "Default": "none"}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {
            "ThingName": {"Ref": "ThingName"}, "AttributePayload": {"site": {"Ref": "Site"}}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
            "CertificateId": {"Ref": "CertificateId"}, "Status": "ACTIVE"}},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "first"}}}}
CONFIGURATION = """
provisioning:
  sensors:
    thing: {{name: "{{deviceId}}", type: sensor, attributes: {{site: "{{site}}", serial: "{{serialNumber}}"}},
            groups: [hall, line], exclusive: true}}
    policies: [first, second]
    activateLast: true
  plain: {{thing: {{name: "{{cn}}"}}, policies: [first]}}
  other: {{thing: {{name: "{{deviceId}}", attributes: {{site: "{{site}}"}}}}, policies: [second]}}
  lacking: {{thing: {{name: "{{deviceId}}"}}, policies: [first, absent]}}
  template: {{template: {template}}}
targets:
  default: {{region: {region}, endpoint: "{endpoint}", provision: sensors}}
"""


def client(endpoint, key=KEY_ID, secret=SECRET, region=REGION):
    return boto3.client("iot", endpoint_url=endpoint, region_name=region, aws_access_key_id=key,
                        aws_secret_access_key=secret)


def prepare(iot):
    """The things' type and groups and the policies that profiles name."""
    iot.create_thing_type(thingTypeName="sensor")
    for group in ("hall", "line"):
        iot.create_thing_group(thingGroupName=group)
    for policy in ("first", "second"):
        iot.create_policy(policyName=policy, policyDocument=POLICY)


def request(number, pem, **members):
    return {"id": number, "certificatePem": pem, "deviceId": f"dev-{number}", "attributes": {"site": "north"}, **members}


class Devices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pems = certificates(COUNT)
        cls.ids = [certificate_id(pem) for pem in cls.pems]

    def daemon(self, endpoint, region=REGION, **variables):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="certregd-test-")))
        template = folder / "template.json"
        template.write_text(json.dumps(TEMPLATE))
        return Daemon(
            configuration=CONFIGURATION.format(template=template, region=region, endpoint=endpoint),
            environment=environment() | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET} | variables)

    def sandbox(self, *arguments):
        sandbox = Sandbox(*SIGNATURES, "--control", *arguments)
        self.addCleanup(sandbox.__exit__)
        prepare(client(sandbox.url))
        return sandbox

    def set_faults(self, sandbox, **faults):
        body = json.dumps(faults).encode()
        urllib.request.urlopen(urllib.request.Request(sandbox.url + "/sandbox/faults", body, method="PUT")).close()

    def calls(self, daemon, operation):
        """How many calls of an operation the daemon has made."""
        body = daemon.ask([{"id": 1, "op": "metrics"}])[1]["body"]
        line = f'certregd_upstream_calls_total{{operation="{operation}"}} '
        return next(int(float(text.removeprefix(line))) for text in body.splitlines() if text.startswith(line))

    def assert_device(self, iot, number, status="ACTIVE"):
        """A certificate with its thing, type, attributes, groups and policies."""
        described = iot.describe_certificate(certificateId=self.ids[number])["certificateDescription"]
        self.assertEqual(described["status"], status)
        arn = described["certificateArn"]
        self.assertEqual(iot.list_principal_things(principal=arn)["things"], [f"dev-{number}"])
        self.assertEqual({policy["policyName"] for policy in iot.list_attached_policies(target=arn)["policies"]},
                         {"first", "second"})
        thing = iot.describe_thing(thingName=f"dev-{number}")
        self.assertEqual((thing["thingTypeName"], thing["attributes"]["site"]), ("sensor", "north"))
        groups = iot.list_thing_groups_for_thing(thingName=f"dev-{number}")["thingGroups"]
        self.assertEqual({group["groupName"] for group in groups}, {"hall", "line"})

    def all_devices(self, endpoint, iot, region, **variables):
        requests = [request(number, pem) for number, pem in enumerate(self.pems)]
        with self.daemon(endpoint, region, **variables) as daemon:
            first = daemon.ask(requests)
            made = self.calls(daemon, "CreateThing")
            again = daemon.ask(requests)
            self.assertEqual(self.calls(daemon, "CreateThing"), made)
            cached = daemon.ask(requests[:2])
        self.assertEqual(daemon.status, 0, daemon.log_text)
        for number in range(COUNT):
            answer = first[number]
            self.assertNotIn("error", answer)
            self.assertEqual((answer["outcome"], answer["status"]), ("created", "ACTIVE"))
            provisioning = answer["provisioning"]
            self.assertEqual((provisioning["profile"], provisioning["thingName"]), ("sensors", f"dev-{number}"))
            self.assertTrue(provisioning["thingArn"].endswith(f":thing/dev-{number}"))
            self.assertEqual((sorted(provisioning["policies"]), sorted(provisioning["groups"])),
                             (["first", "second"], ["hall", "line"]))
            self.assertEqual(again[number] | {"cached": False}, answer)
            self.assertTrue(again[number]["cached"])
            self.assert_device(iot, number)
        self.assertEqual(cached[0], again[0])

    def test_300_devices_in_the_sandbox(self):
        sandbox = self.sandbox()
        self.all_devices(sandbox.url, client(sandbox.url), REGION)
        described = subprocess.run(
            ["aws", "iot", "describe-thing", "--endpoint-url", sandbox.url, "--thing-name", "dev-7", "--region", REGION],
            env=environment() | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}, check=True,
            capture_output=True, text=True).stdout
        self.assertEqual(json.loads(described)["attributes"]["site"], "north")

    def test_300_devices_in_moto(self):
        port = free_port()
        command = [python_with("moto", "flask", "flask_cors", "cryptography"), "-c", MOTO, str(port)]
        with Peer(command, environment(), port) as moto:
            keys = (KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], KEYS["AWS_REGION"])
            iot = client(moto.endpoint, *keys)
            prepare(iot)
            self.all_devices(moto.endpoint, iot, KEYS["AWS_REGION"], **KEYS)

    def test_a_step_that_fails_is_named_and_the_next_request_goes_on_with_it(self):
        sandbox = self.sandbox()
        iot = client(sandbox.url)
        with self.daemon(sandbox.url) as daemon:
            asked = request(1, self.pems[1], provision="lacking")
            error = daemon.ask([asked])[1]["error"]
            self.assertEqual((error["type"], error["httpStatus"], error["reason"], error["step"]),
                             ("ResourceNotFoundException", 404, "policy_not_found", "AttachPolicy"))
            self.assertEqual(error["certificateId"], self.ids[1])
            self.assertTrue(error["certificateArn"].endswith(self.ids[1]))
            known = daemon.ask([{"id": 1, "op": "lookup", "certificateId": self.ids[1]}])[1]
            self.assertEqual((known["state"], known["provisioning"]["complete"], known["lastError"]["step"]),
                             ("registered", False, "AttachPolicy"))
            iot.create_policy(policyName="absent", policyDocument=POLICY)
            made = [self.calls(daemon, name) for name in ("RegisterCertificateWithoutCA", "CreateThing")]
            answer = daemon.ask([asked])[1]
            self.assertEqual(answer["provisioning"]["policies"], ["first", "absent"])
            self.assertEqual([self.calls(daemon, name) for name in ("RegisterCertificateWithoutCA", "CreateThing")], made)
            self.assertEqual(self.calls(daemon, "AttachPolicy"), 3)
            known = daemon.ask([{"id": 1, "op": "lookup", "certificateId": self.ids[1]}])[1]
            self.assertEqual((known["provisioning"].get("complete"), known.get("lastError")), (None, None))
            # Somebody deletes the certificate: another device of it is made all the same.
            iot.detach_thing_principal(thingName="dev-1", principal=answer["certificateArn"])
            iot.update_certificate(certificateId=self.ids[1], newStatus="INACTIVE")
            iot.delete_certificate(certificateId=self.ids[1], forceDelete=True)
            again = daemon.ask([request(1, self.pems[1], provision="plain")])[1]
            self.assertEqual((again.get("outcome"), again.get("provisioning", {}).get("profile")), ("created", "plain"), again)

    def test_what_the_account_has_otherwise_is_an_error_with_its_reason(self):
        sandbox = self.sandbox()
        iot = client(sandbox.url)
        iot.create_thing(thingName="dev-1", attributePayload={"attributes": {"other": "1"}})
        with self.daemon(sandbox.url) as daemon:
            error = daemon.ask([request(1, self.pems[1])])[1]["error"]
            self.assertEqual((error["type"], error["reason"], error["step"]),
                             ("ResourceAlreadyExistsException", "thing_differs", "CreateThing"))
            plain = daemon.ask([request(2, self.pems[2], provision=None)])[2]
            self.assertNotIn("provisioning", plain)
            for number in range(10):
                iot.create_policy(policyName=f"p{number}", policyDocument=POLICY)
                iot.attach_policy(policyName=f"p{number}", target=plain["certificateArn"])
            error = daemon.ask([request(2, self.pems[2])])[2]["error"]
            self.assertEqual((error["type"], error["httpStatus"], error["reason"], error["step"]),
                             ("LimitExceededException", 410, "limit_exceeded", "AttachPolicy"))

    def test_missing_values_and_rights_are_told_before_any_call(self):
        sandbox = self.sandbox()
        cases = [({"deviceId": None}, "{deviceId}"), ({"attributes": None}, "{site}"), ({"deviceId": "a b"}, "a b"),
                 ({"provision": "template"}, "ThingName"), ({"provision": "sensor"}, "sensors")]
        with self.daemon(sandbox.url) as daemon:
            for changes, named in cases:
                asked = {name: value for name, value in request(1, self.pems[1], **changes).items() if value is not None}
                error = daemon.ask([asked])[1]["error"]
                self.assertEqual((error["type"], error["origin"]), ("InvalidRequestException", "daemon"))
                self.assertIn(named, error["message"])
            self.assertEqual(self.calls(daemon, "RegisterCertificateWithoutCA"), 0)

    def test_an_answer_of_each_call_that_is_lost_changes_nothing(self):
        sandbox = self.sandbox()
        names = ["CreateThing", "AddThingToThingGroup", "AttachPolicy", "AttachThingPrincipal", "UpdateCertificate"]
        with self.daemon(sandbox.url) as daemon:
            for number, name in enumerate(["RegisterCertificateWithoutCA", *names]):
                lost = [{"cut": "closed", "carriedOut": True, "times": 1}]
                faults = {"answers": lost} if number == 0 else {"operations": {name: {"answers": lost}}}
                self.set_faults(sandbox, **faults)
                answer = daemon.ask([request(number, self.pems[number])])[number]
                self.assertEqual((answer.get("outcome"), answer.get("status")), ("created", "ACTIVE"), (name, answer))
                self.assert_device(client(sandbox.url), number)

    def test_another_profile_and_other_attributes_are_applied(self):
        sandbox = self.sandbox()
        iot = client(sandbox.url)
        with self.daemon(sandbox.url) as daemon:
            first = daemon.ask([request(1, self.pems[1], provision="plain")])[1]
            other = daemon.ask([request(1, self.pems[1], provision="other")])[1]
            self.assertEqual((other["provisioning"]["profile"], other["provisioning"]["thingName"], other["cached"]),
                             ("other", "dev-1", False))
            self.assertEqual(other["certificateArn"], first["certificateArn"])
            error = daemon.ask([request(1, self.pems[1], provision="other", attributes={"site": "south"})])[1]["error"]
            self.assertEqual(error["reason"], "thing_differs")
            made = daemon.ask([request(3, self.pems[3], provision="template",
                                       attributes={"ThingName": "by-template", "Site": "east"})])[3]
            self.assertEqual((made["provisioning"]["thingName"], made["provisioning"]["policies"]),
                             ("by-template", ["first"]))
            # The template says nothing of the status, and so activates the certificate.
            described = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
            self.assertEqual((made.get("status"), described["status"]), ("ACTIVE", "ACTIVE"))
            known = daemon.ask([{"id": 1, "op": "lookup", "certificateId": made["certificateId"]}])[1]
            self.assertEqual(known["status"], "ACTIVE")
        self.assertEqual(iot.describe_thing(thingName="by-template")["attributes"], {"site": "east"})
        self.assertEqual(set(iot.list_principal_things(principal=first["certificateArn"])["things"]),
                         {"dev-1", "device-1"})

    def test_kills_between_and_within_steps_lose_nothing(self):
        sandbox = self.sandbox("--latency", "20-60")
        numbers = range(40)
        daemon = self.daemon(sandbox.url)
        asked = [request(number, self.pems[number], wait=False) for number in numbers]
        daemon.__enter__()
        queued = daemon.ask(asked)
        self.assertTrue(all(queued[number].get("outcome") in ("queued", "created") for number in numbers), queued)
        interrupted = 0
        for _ in range(KILLS):
            # Each start takes the work some calls further.
            status = daemon.ask([{"id": 1, "op": "status"}])[1]
            interrupted += status["queue"]["entries"] > 0
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait(DEADLINE_SECONDS)
            daemon.log.close()
            daemon.__enter__()
        self.assertGreater(interrupted, 0)
        answers = daemon.ask([request(number, self.pems[number]) for number in numbers])
        for number in numbers:
            self.assertEqual((answers[number].get("outcome"), answers[number].get("status")), ("created", "ACTIVE"),
                             answers[number])
            self.assert_device(client(sandbox.url), number)
        daemon.__exit__(None, None, None)


if __name__ == "__main__":
    unittest.main()
