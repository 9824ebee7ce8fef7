"""Things, types, groups, policies and principals of the sandbox, through boto3 and the AWS CLI."""

import json
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

from sandbox import ACCOUNT, KEY_ID, REGION, SECRET, SIGNATURES, SandboxTestCase
from test_boto3 import connect

PREFIX = f"arn:aws:iot:{REGION}:{ACCOUNT}:"
DOCUMENT = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}],
})
TEMPLATE = {
    "Parameters": {
        "ThingName": {"Type": "String"},
        "CertificateId": {"Type": "String"},
        "Location": {"Type": "String", "Default": "WA"},
    },
    "Resources": {
        "thing": {
            "Type": "AWS::IoT::Thing",
            "Properties": {
                "ThingName": {"Ref": "ThingName"},
                "AttributePayload": {"location": {"Fn::Sub": "at-${Location}"}},
                "ThingTypeName": "lamp",
                "ThingGroups": ["hall"],
            },
            "OverrideSettings": {"AttributePayload": "MERGE", "ThingTypeName": "REPLACE", "ThingGroups": "MERGE"},
        },
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": "CertificateId"}, "Status": "ACTIVE"},
        },
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "connect"}},
    },
}


TYPES = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": (int, float), "double": float}


def differences(shape, value, place):
    """What in a value is not as its shape in the service model."""
    if shape.type_name == "structure":
        for name, member in value.items():
            if name not in shape.members:
                yield f"{place}.{name} is not in the model"
            else:
                yield from differences(shape.members[name], member, f"{place}.{name}")
        yield from (f"{place}.{name} is missing" for name in shape.required_members if name not in value)
    elif shape.type_name == "list":
        for element in value:
            yield from differences(shape.member, element, f"{place}[]")
    elif shape.type_name == "map":
        for name, element in value.items():
            yield from differences(shape.value, element, f"{place}.{name}")
    elif not isinstance(value, TYPES[shape.type_name]):
        yield f"{place} is not a {shape.type_name}: {value!r}"
    elif (values := shape.metadata.get("enum")) and value not in values:
        yield f"{place} is none of {values}: {value!r}"


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


class Things(SandboxTestCase):
    """Each test has a sandbox that checks signatures."""

    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES)
        self.client = connect(self.sandbox)
        self.addCleanup(self.client.close)
        self.client.meta.events.register("before-parse.iot.*", self.check_form)

    def check_form(self, operation_model, response_dict, **_):
        """Compares an answer with the service model. botocore itself drops what it does not know."""
        if response_dict["status_code"] == 200 and response_dict["body"]:
            shape, name = operation_model.output_shape, operation_model.name
            self.assertIsNotNone(shape, f"{name} has no output")
            self.assertEqual(list(differences(shape, json.loads(response_dict["body"]), name)), [])

    def fails_with(self, error, status, call, /, **members):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**members)
        response = caught.exception.response
        self.assertEqual(response["Error"]["Code"], error, response)
        self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], status)
        return response

    def register(self, **members):
        """A registered certificate."""
        certificate = self.issue()
        self.client.register_certificate_without_ca(certificatePem=certificate.pem, **members)
        return certificate

    def prepare(self):
        """A type, groups and a policy."""
        self.client.create_thing_type(
            thingTypeName="lamp",
            thingTypeProperties={"thingTypeDescription": "a lamp", "searchableAttributes": ["location"]},
        )
        self.client.create_thing_group(thingGroupName="hall")
        self.client.create_thing_group(
            thingGroupName="desk", parentGroupName="hall",
            thingGroupProperties={
                "thingGroupDescription": "a desk", "attributePayload": {"attributes": {"floor": "2"}},
            },
        )
        self.client.create_policy(policyName="connect", policyDocument=DOCUMENT)

    def pages(self, operation, member, **members):
        """All elements of a list, by boto3's own paginator."""
        paginator = self.client.get_paginator(operation)
        return [element for page in paginator.paginate(**members) for element in page[member]]

    # Devices

    def test_a_device_from_the_certificate_to_the_end(self):
        client = self.client
        self.prepare()
        certificate = self.register(status="ACTIVE")
        created = client.create_thing(
            thingName="lamp-1", thingTypeName="lamp", attributePayload={"attributes": {"location": "north"}}
        )
        self.assertEqual(created["thingArn"], f"{PREFIX}thing/lamp-1")
        for _ in range(2):
            client.add_thing_to_thing_group(thingName="lamp-1", thingGroupName="desk")
            client.attach_policy(policyName="connect", target=certificate.arn)
            client.attach_thing_principal(thingName="lamp-1", principal=certificate.arn)
        client.attach_policy(policyName="connect", target=f"{PREFIX}thinggroup/hall")

        self.assertEqual(
            without_metadata(client.describe_thing(thingName="lamp-1")),
            {
                "defaultClientId": "lamp-1", "thingName": "lamp-1", "thingId": created["thingId"],
                "thingArn": f"{PREFIX}thing/lamp-1", "thingTypeName": "lamp", "attributes": {"location": "north"},
                "version": 1,
            },
        )
        self.assertEqual(
            client.list_thing_groups_for_thing(thingName="lamp-1")["thingGroups"],
            [{"groupName": "desk", "groupArn": f"{PREFIX}thinggroup/desk"}],
        )
        self.assertEqual(client.list_things_in_thing_group(thingGroupName="hall")["things"], [])
        self.assertEqual(
            client.list_things_in_thing_group(thingGroupName="hall", recursive=True)["things"], ["lamp-1"]
        )
        policy = {"policyName": "connect", "policyArn": f"{PREFIX}policy/connect"}
        for members in (
            {"target": certificate.arn}, {"target": f"{PREFIX}thinggroup/desk", "recursive": True},
        ):
            self.assertEqual(client.list_attached_policies(**members)["policies"], [policy])
        self.assertEqual(
            client.list_targets_for_policy(policyName="connect")["targets"],
            [certificate.arn, f"{PREFIX}thinggroup/hall"],
        )
        self.assertEqual(client.list_thing_principals(thingName="lamp-1")["principals"], [certificate.arn])
        self.assertEqual(client.list_principal_things(principal=certificate.arn)["things"], ["lamp-1"])

        client.update_certificate(certificateId=certificate.id, newStatus="INACTIVE")
        delete = {"certificateId": certificate.id}
        self.fails_with("DeleteConflictException", 409, client.delete_certificate, **delete, forceDelete=True)
        self.fails_with("InvalidRequestException", 400, client.delete_thing, thingName="lamp-1")
        client.detach_thing_principal(thingName="lamp-1", principal=certificate.arn)
        self.fails_with("DeleteConflictException", 409, client.delete_certificate, **delete)
        client.detach_policy(policyName="connect", target=certificate.arn)
        client.delete_certificate(**delete)
        client.remove_thing_from_thing_group(thingName="lamp-1", thingGroupName="desk")
        client.delete_thing(thingName="lamp-1")
        client.delete_thing(thingName="lamp-1")
        self.fails_with("DeleteConflictException", 409, client.delete_policy, policyName="connect")
        self.fails_with("InvalidRequestException", 400, client.delete_thing_group, thingGroupName="hall")
        client.delete_thing_group(thingGroupName="desk")
        client.delete_thing_group(thingGroupName="hall")
        client.delete_policy(policyName="connect")
        self.assertEqual(client.list_things()["things"], [])
        self.assertEqual(client.list_policies()["policies"], [])

    def test_descriptions(self):
        client = self.client
        self.prepare()
        kind = client.describe_thing_type(thingTypeName="lamp")
        self.assertEqual(
            kind["thingTypeProperties"], {"thingTypeDescription": "a lamp", "searchableAttributes": ["location"]}
        )
        self.assertFalse(kind["thingTypeMetadata"]["deprecated"])
        client.deprecate_thing_type(thingTypeName="lamp")
        metadata = client.list_thing_types(thingTypeName="lamp")["thingTypes"][0]["thingTypeMetadata"]
        self.assertTrue(metadata["deprecated"])
        self.assertGreaterEqual(metadata["deprecationDate"], metadata["creationDate"])
        self.fails_with(
            "InvalidRequestException", 400, client.create_thing, thingName="late", thingTypeName="lamp"
        )
        client.deprecate_thing_type(thingTypeName="lamp", undoDeprecate=True)
        client.create_thing(thingName="late", thingTypeName="lamp")

        group = client.describe_thing_group(thingGroupName="desk")
        self.assertEqual(group["thingGroupArn"], f"{PREFIX}thinggroup/desk")
        self.assertEqual(
            group["thingGroupProperties"],
            {"thingGroupDescription": "a desk", "attributePayload": {"attributes": {"floor": "2"}}},
        )
        self.assertEqual(group["thingGroupMetadata"]["parentGroupName"], "hall")
        self.assertEqual(
            group["thingGroupMetadata"]["rootToParentThingGroups"],
            [{"groupName": "hall", "groupArn": f"{PREFIX}thinggroup/hall"}],
        )
        policy = client.get_policy(policyName="connect")
        self.assertEqual((policy["policyDocument"], policy["defaultVersionId"]), (DOCUMENT, "1"))

    def test_repeated_and_conflicting_creations(self):
        client = self.client
        self.prepare()
        first = client.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})
        again = client.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})
        self.assertEqual(again["thingId"], first["thingId"])
        answer = self.fails_with(
            "ResourceAlreadyExistsException", 409, client.create_thing, thingName="t", thingTypeName="lamp"
        )
        self.assertEqual((answer["resourceArn"], answer["resourceId"]), (first["thingArn"], first["thingId"]))
        client.create_thing_group(thingGroupName="hall")
        self.fails_with(
            "ResourceAlreadyExistsException", 409, client.create_thing_group, thingGroupName="hall",
            thingGroupProperties={"thingGroupDescription": "another"},
        )
        self.fails_with("ResourceAlreadyExistsException", 409, client.create_thing_type, thingTypeName="lamp")
        self.fails_with(
            "ResourceAlreadyExistsException", 409, client.create_policy, policyName="connect",
            policyDocument=DOCUMENT,
        )
        self.fails_with(
            "MalformedPolicyException", 400, client.create_policy, policyName="bad", policyDocument="{}"
        )
        self.fails_with(
            "ResourceNotFoundException", 404, client.create_thing, thingName="u", thingTypeName="none"
        )

    def test_updates(self):
        client = self.client
        client.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})
        client.update_thing(
            thingName="t", expectedVersion=1, attributePayload={"attributes": {"b": "2"}, "merge": True}
        )
        thing = client.describe_thing(thingName="t")
        self.assertEqual((thing["attributes"], thing["version"]), ({"a": "1", "b": "2"}, 2))
        self.fails_with("VersionConflictException", 409, client.update_thing, thingName="t", expectedVersion=1)
        self.fails_with("VersionConflictException", 409, client.delete_thing, thingName="t", expectedVersion=1)
        self.fails_with(
            "InvalidRequestException", 400, client.update_thing, thingName="t",
            attributePayload={"attributes": {name: "1" for name in "abcd"}},
        )

    def test_limits(self):
        client = self.client
        certificate = self.register()
        for number in range(11):
            client.create_policy(policyName=f"p{number}", policyDocument=DOCUMENT)
            client.create_thing_group(thingGroupName=f"g{number}")
        client.create_thing(thingName="t")
        for number in range(10):
            client.attach_policy(policyName=f"p{number}", target=certificate.arn)
            client.add_thing_to_thing_group(thingName="t", thingGroupName=f"g{number}")
        self.fails_with(
            "LimitExceededException", 410, client.attach_policy, policyName="p10", target=certificate.arn
        )
        self.fails_with(
            "InvalidRequestException", 400, client.add_thing_to_thing_group, thingName="t", thingGroupName="g10"
        )
        self.fails_with(
            "ResourceNotFoundException", 404, client.attach_policy, policyName="none", target=certificate.arn
        )
        self.fails_with(
            "ResourceNotFoundException", 404, client.attach_policy, policyName="p1", target=certificate.arn[:-8] + "0" * 8
        )

    def test_exclusive_things(self):
        client = self.client
        certificate, other = self.register(), self.register()
        for name in ("t", "u"):
            client.create_thing(thingName=name)
        exclusive = {"principal": certificate.arn, "thingPrincipalType": "EXCLUSIVE_THING"}
        for _ in range(2):
            client.attach_thing_principal(thingName="t", **exclusive)
        self.fails_with("InvalidRequestException", 400, client.attach_thing_principal, thingName="u", **exclusive)
        self.fails_with(
            "InvalidRequestException", 400, client.attach_thing_principal, thingName="u",
            principal=certificate.arn,
        )
        client.attach_thing_principal(thingName="t", principal=other.arn)
        client.attach_thing_principal(thingName="u", principal=other.arn)
        self.assertEqual(
            client.list_thing_principals_v2(thingName="t")["thingPrincipalObjects"],
            [
                {"principal": certificate.arn, "thingPrincipalType": "EXCLUSIVE_THING"},
                {"principal": other.arn, "thingPrincipalType": "NON_EXCLUSIVE_THING"},
            ],
        )
        self.assertEqual(
            client.list_principal_things_v2(principal=certificate.arn)["principalThingObjects"],
            [{"thingName": "t", "thingPrincipalType": "EXCLUSIVE_THING"}],
        )
        self.assertEqual(
            client.list_principal_things_v2(
                principal=other.arn, thingPrincipalType="EXCLUSIVE_THING")["principalThingObjects"], []
        )

    def test_pages(self):
        client = self.client
        client.create_thing_group(thingGroupName="all")
        names = [f"t{number}" for number in range(60)]
        for name in names:
            client.create_thing(thingName=name)
            client.add_thing_to_thing_group(thingName=name, thingGroupName="all")
        small = {"PaginationConfig": {"PageSize": 7}}
        self.assertEqual([thing["thingName"] for thing in self.pages("list_things", "things", **small)], names)
        self.assertEqual(
            self.pages("list_things_in_thing_group", "things", thingGroupName="all", recursive=True, **small), names
        )
        for number in range(9):
            client.create_policy(policyName=f"p{number}", policyDocument=DOCUMENT)
        listed = self.pages("list_policies", "policies", PaginationConfig={"PageSize": 4}, ascendingOrder=True)
        self.assertEqual([policy["policyName"] for policy in listed], [f"p{number}" for number in range(9)])

    # RegisterThing

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

    # The AWS CLI

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
