"""The sandbox's templates, quotas, faults and state, through boto3 and the AWS CLI."""

import json
import subprocess
import unittest
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

from daemon import PROGRAMS
from sandbox import ACCOUNT, KEY_ID, REGION, SECRET, SIGNATURES, SandboxTestCase
from test_boto3 import connect
from things import DOCUMENT, PREFIX, TEMPLATE, ThingsTestCase, without_metadata


class CommandLine(unittest.TestCase):
    def test_a_wrong_value_is_told_what_is_expected(self):
        for arguments, status, words in (
            (("--error-rate", "CreateThng=0.5"), 64, "did you mean CreateThing?"),
            (("--deny", "AtachPolicy"), 64, "did you mean AttachPolicy?"),
            (("--deny", "x"), 64, "--help lists them"),
            (("--error-rate", "2"), 64, "a number from 0 to 1"),
            (("--latency", "slow"), 64, "such as 40 or 40-120"),
            (("--throttle-rate", "0"), 64, "such as 10 or 10:20"),
            (("--tls-certificate", "/none", "--tls-key", "/none"), 66, "cannot read /none: No such file"),
            (("--listen", "none.invalid:0"), 69, "no address is known for this name"),
        ):
            with self.subTest(arguments):
                result = subprocess.run([PROGRAMS / "certreg-sandbox", *arguments], capture_output=True, text=True, timeout=60)
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertIn(words, result.stderr)


class Templates(ThingsTestCase):
    def test_a_template(self):
        client = self.client
        self.prepare()
        certificate = self.register()
        for location in (None, "south"):
            parameters = {"ThingName": "lamp-1", "CertificateId": certificate.id}
            if location:
                parameters["Location"] = location
            answer = client.register_thing(templateBody=json.dumps(TEMPLATE), parameters=parameters)
            self.assertEqual(answer["certificatePem"], certificate.pem)
            self.assertEqual(
                answer["resourceArns"],
                {
                    "thing": f"{PREFIX}thing/lamp-1", "certificate": certificate.arn,
                    "policy": f"{PREFIX}policy/connect",
                },
            )
            thing = client.describe_thing(thingName="lamp-1")
            self.assertEqual(thing["attributes"], {"location": f"at-{location or 'WA'}"})
        self.assertEqual(
            client.describe_certificate(certificateId=certificate.id)["certificateDescription"]["status"], "ACTIVE"
        )
        self.assertEqual(client.list_thing_principals(thingName="lamp-1")["principals"], [certificate.arn])
        self.fails_with(
            "ResourceRegistrationFailureException", 400, client.register_thing, templateBody=json.dumps(TEMPLATE),
            parameters={"ThingName": "lamp-2", "CertificateId": "0" * 64},
        )
        self.fails_with(
            "InvalidRequestException", 400, client.register_thing, templateBody=json.dumps(TEMPLATE),
            parameters={"ThingName": "lamp-2"},
        )
        self.fails_with(
            "ResourceNotFoundException", 404, client.describe_thing, thingName="lamp-2"
        )

    def test_a_template_with_a_certificate(self):
        certificate = self.issue()
        template = {
            "Parameters": {"Pem": {"Type": "String"}},
            "Resources": {
                "certificate": {
                    "Type": "AWS::IoT::Certificate", "Properties": {"CertificatePem": {"Ref": "Pem"}},
                },
                "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": DOCUMENT}},
            },
        }
        answer = self.client.register_thing(
            templateBody=json.dumps(template), parameters={"Pem": certificate.pem}
        )
        self.assertEqual(answer["resourceArns"]["certificate"], certificate.arn)
        self.assertEqual(
            self.client.list_attached_policies(target=certificate.arn)["policies"][0]["policyArn"],
            answer["resourceArns"]["policy"],
        )

    def succeed(self, *arguments):
        status, output, errors = self.aws(self.sandbox, *arguments)
        self.assertEqual(status, 0, errors)
        return json.loads(output) if output.strip() else None

    def test_the_command_line(self):
        certificate = self.register()
        self.succeed("create-thing-type", "--thing-type-name", "lamp")
        self.succeed("create-thing-group", "--thing-group-name", "hall")
        self.succeed("create-policy", "--policy-name", "connect", "--policy-document", DOCUMENT)
        self.succeed(
            "create-thing", "--thing-name", "lamp-1", "--thing-type-name", "lamp",
            "--attribute-payload", json.dumps({"attributes": {"site": "north"}}),
        )
        self.succeed(
            "add-thing-to-thing-group", "--thing-group-arn", f"{PREFIX}thinggroup/hall",
            "--thing-arn", f"{PREFIX}thing/lamp-1",
        )
        self.succeed("attach-policy", "--policy-name", "connect", "--target", certificate.arn)
        self.succeed(
            "attach-thing-principal", "--thing-name", "lamp-1", "--principal", certificate.arn,
            "--thing-principal-type", "EXCLUSIVE_THING",
        )
        self.assertEqual(
            self.succeed("list-attached-policies", "--target", certificate.arn)["policies"][0]["policyName"], "connect"
        )
        self.assertEqual(
            self.succeed("list-things", "--attribute-name", "site", "--attribute-value", "north")["things"][0]["version"],
            1,
        )
        status, _, errors = self.aws(self.sandbox, "describe-thing", "--thing-name", "none")
        self.assertNotEqual(status, 0)
        self.assertIn("(ResourceNotFoundException)", errors)


class Service(SandboxTestCase):
    """What concerns the program more than an operation."""

    def test_a_restart(self):
        file = self.folder / "state"
        certificate = self.issue()

        def view(client):
            return [without_metadata(answer) for answer in (
                client.describe_thing(thingName="t"), client.describe_thing_type(thingTypeName="lamp"),
                client.describe_thing_group(thingGroupName="g"), client.get_policy(policyName="p"),
                client.list_attached_policies(target=certificate.arn),
                client.list_thing_principals_v2(thingName="t"), client.list_thing_groups_for_thing(thingName="t"),
            )]

        sandbox = self.start(*SIGNATURES, "--state", file)
        client = connect(sandbox)
        client.register_certificate_without_ca(certificatePem=certificate.pem)
        client.create_thing_type(thingTypeName="lamp")
        client.create_thing_group(thingGroupName="g")
        client.create_policy(policyName="p", policyDocument=DOCUMENT)
        client.create_thing(thingName="t", thingTypeName="lamp", attributePayload={"attributes": {"a": "1"}})
        client.add_thing_to_thing_group(thingName="t", thingGroupName="g")
        client.attach_policy(policyName="p", target=certificate.arn)
        client.attach_thing_principal(
            thingName="t", principal=certificate.arn, thingPrincipalType="EXCLUSIVE_THING"
        )
        before = view(client)
        self.assertEqual(sandbox.stop(), 0)
        client = connect(self.start(*SIGNATURES, "--state", file))
        self.assertEqual(view(client), before)
        client.create_thing(thingName="t", thingTypeName="lamp", attributePayload={"attributes": {"a": "1"}})

    def quotas(self, sandbox, **changes):
        return boto3.client(
            "service-quotas", endpoint_url=sandbox.url, region_name=REGION, aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}, **changes),
        )

    def test_quotas(self):
        client = self.quotas(self.start(*SIGNATURES, "--throttle-rate", "AttachPolicy=2.5"))
        self.addCleanup(client.close)
        quota = client.get_service_quota(ServiceCode="iotcore", QuotaCode="L-4671C7C8")["Quota"]
        self.assertEqual((quota["QuotaName"], quota["Value"]), ("RegisterCertificateWithoutCA API TPS", 10.0))
        quota = client.get_service_quota(ServiceCode="iotcore", QuotaCode="L-CA7D4E3E")["Quota"]
        self.assertEqual((quota["QuotaName"], quota["Value"]), ("AttachPolicy API TPS", 2.5))
        with self.assertRaises(client.exceptions.NoSuchResourceException):
            client.get_service_quota(ServiceCode="iotcore", QuotaCode="L-00000000")
        denied = self.quotas(self.start(*SIGNATURES, "--deny", "GetServiceQuota"))
        self.addCleanup(denied.close)
        with self.assertRaises(denied.exceptions.AccessDeniedException):
            denied.get_service_quota(ServiceCode="iotcore", QuotaCode="L-4671C7C8")

    def control(self, sandbox, plan):
        request = urllib.request.Request(
            f"{sandbox.url}/sandbox/faults", method="PUT", data=json.dumps(plan).encode()
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            self.assertEqual(answer.status, 200)

    def test_faults_of_one_operation(self):
        sandbox = self.start(
            "--region", REGION, "--account", ACCOUNT, "--control", "--error-rate", "CreateThing=1",
            "--throttle-rate", "DescribeThing=0.001:1", "--latency", "ListThings=1-2",
        )
        client = connect(sandbox)
        self.addCleanup(client.close)
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            client.create_thing(thingName="t")
        self.assertGreaterEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        client.create_thing_group(thingGroupName="g")
        self.assertEqual(client.list_thing_groups()["thingGroups"][0]["groupName"], "g")
        codes = []
        for _ in range(2):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                client.describe_thing(thingName="none")
            codes.append(caught.exception.response["Error"]["Code"])
        self.assertEqual(codes, ["ResourceNotFoundException", "ThrottlingException"])
        client.list_things()
        # The answer of one call is lost, not its effect.
        self.control(sandbox, {"operations": {"CreateThing": {"answers": [{"cut": "closed", "carriedOut": True}]}}})
        with self.assertRaises(botocore.exceptions.ConnectionClosedError):
            client.create_thing(thingName="lost")
        self.assertEqual(client.describe_thing(thingName="lost")["version"], 1)

    def test_deletion_of_a_type(self):
        sandbox = self.start("--region", REGION, "--account", ACCOUNT, "--control")
        client = connect(sandbox)
        self.addCleanup(client.close)
        client.create_thing_type(thingTypeName="lamp")
        for _ in range(2):
            with self.assertRaises(client.exceptions.InvalidRequestException):
                client.delete_thing_type(thingTypeName="lamp")
            client.deprecate_thing_type(thingTypeName="lamp")
        # A type can be deleted five minutes after its deprecation.
        self.control(sandbox, {"clockOffsetSeconds": 301})
        client.delete_thing_type(thingTypeName="lamp")
        with self.assertRaises(client.exceptions.ResourceNotFoundException):
            client.describe_thing_type(thingTypeName="lamp")

    def test_operations_are_those_of_the_service_model(self):
        """Every operation has the method and path that botocore's own model gives it."""
        client = connect(self.start("--region", REGION, "--account", ACCOUNT))
        self.addCleanup(client.close)
        calls = []
        client.meta.events.register("before-send.iot.*", lambda request, **_: calls.append(request.url))
        names = {"thingName": "n", "thingTypeName": "n", "thingGroupName": "n", "policyName": "n"}
        texts = names | {
            "certificatePem": "x", "certificateId": "0" * 64, "newStatus": "ACTIVE", "templateBody": "{}",
            "policyDocument": "{}", "target": f"{PREFIX}thinggroup/n", "principal": f"{PREFIX}cert/{'0' * 64}",
        }
        operations = [
            "register_certificate_without_ca", "describe_certificate", "list_certificates", "update_certificate",
            "delete_certificate", "describe_thing", "update_thing", "list_things", "describe_thing_type",
            "list_thing_types", "deprecate_thing_type", "delete_thing_type", "describe_thing_group",
            "list_thing_groups", "delete_thing_group", "add_thing_to_thing_group",
            "remove_thing_from_thing_group", "list_things_in_thing_group", "list_thing_groups_for_thing",
            "create_policy", "get_policy", "list_policies", "delete_policy", "attach_policy", "detach_policy",
            "list_attached_policies", "list_targets_for_policy", "attach_thing_principal",
            "detach_thing_principal", "list_thing_principals", "list_thing_principals_v2",
            "list_principal_things", "list_principal_things_v2", "register_thing", "delete_thing", "create_thing",
            "create_thing_type", "create_thing_group",
        ]
        for operation in operations:
            model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
            required = {name: texts[name] for name in model.input_shape.required_members}
            try:
                getattr(client, operation)(**required)
            except botocore.exceptions.ClientError as error:
                self.assertNotEqual(error.response["Error"]["Code"], "UnknownOperationException", operation)
                errors = {shape.name for shape in model.error_shapes}
                self.assertIn(error.response["Error"]["Code"], errors, operation)
        self.assertEqual(len(calls), len(operations))
