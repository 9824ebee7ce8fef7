"""A sandbox with things: its test case, the template of RegisterThing, and the comparison with the service model."""

import json

import botocore.exceptions

from sandbox import ACCOUNT, REGION, SIGNATURES, SandboxTestCase
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


class ThingsTestCase(SandboxTestCase):
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
