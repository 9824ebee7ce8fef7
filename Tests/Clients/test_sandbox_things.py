"""Things, types, groups, policies and principals of the sandbox, through boto3."""

from things import DOCUMENT, PREFIX, ThingsTestCase, without_metadata


class Things(ThingsTestCase):
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
            [{"groupName": name, "groupArn": f"{PREFIX}thinggroup/{name}"} for name in ("hall", "desk")],
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
