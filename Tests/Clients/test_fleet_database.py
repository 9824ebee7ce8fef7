"""What members of a fleet read from their database, and leave in it."""

import base64
import json
import os
import pathlib
import signal
import ssl

from daemon import certificate_id, certificates
from fleet import FleetTestCase


class FleetDatabase(FleetTestCase):
    def shares(self, member):
        return int(self.postgres.sql(f"SELECT count(*) FROM certregd.share WHERE member = '{member}'"))

    def test_a_member_without_a_target_leaves_its_share_to_the_others(self):
        self.init()
        paced = {"ratePerSecond": 20}
        first, second = self.member("first", target=paced), self.member("second", target=paced)
        self.joined(first, second)
        for daemon, pem in zip((first, second), certificates(2)):
            self.register(daemon, pem)
        self.until(lambda: self.shares("first") and self.shares("second"), "no shares")
        path = pathlib.Path(first.folder, "config.yaml")
        configuration = json.loads(path.read_text())
        configuration["targets"] = {"elsewhere": configuration["targets"].pop("default")}
        path.write_text(json.dumps(configuration))
        os.kill(first.process.pid, signal.SIGHUP)
        query = "SELECT count(*) FROM certregd.share WHERE member = 'first' AND target LIKE 'default %'"
        self.until(lambda: self.postgres.sql(query) == "0", "the first keeps its share")
        query = "SELECT round(sum(share)::numeric, 2) FROM certregd.share WHERE target LIKE 'default %'"
        self.until(lambda: self.postgres.sql(query) == "1.00", "the second does not get it")

    def test_a_registration_that_nobody_can_have_left_is_not_carried_out(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, other, named, honest = certificates(4)
        self.register(first, known)
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.result") == "1", "nothing is told")
        target = self.postgres.sql("SELECT target FROM certregd.result")

        def leave(sequence, key, pem, **more):
            record = {"certificate": base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode(), "enqueuedAt": 1,
                      "notAfter": 4102444800000, "notBefore": 0, "policies": "0", "purpose": "register", "uid": 0} | more
            self.postgres.sql(
                "INSERT INTO certregd.queue (member, sequence, certificate, target, request) VALUES ('ghost', "
                f"{sequence}, '\\x{key}', '{target}', convert_to('{json.dumps(record)}', 'UTF8'))")

        self.postgres.sql(
            "INSERT INTO certregd.member (name, instance, takeover, heard, heard_at, joined_at, sent, queued, targets, "
            "removed) VALUES ('ghost', 'x', 1, 0, now(), now(), 0, 0, '{}', true)")
        leave(1, certificate_id(named), other)
        leave(2, certificate_id(other), other, provisioning={
            "profile": "device", "tag": "0" * 16, "policies": ["admin"]})
        leave(3, certificate_id(honest), honest)
        self.until(lambda: certificate_id(honest) in self.registered(), "the honest one is not carried out")
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.queue WHERE member <> ''") == "0",
                   "rows are kept")
        self.assertEqual(self.registered(), {certificate_id(known), certificate_id(honest)})
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM certregd.queue"), "2")
