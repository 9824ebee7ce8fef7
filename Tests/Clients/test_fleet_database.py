"""What members of a fleet read from their database, and leave in it."""

import base64
import json
import os
import pathlib
import signal
import socket
import ssl
import threading

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
        pem = certificates(1)[0]

        def has_all():
            # What nobody wants is divided among all members.
            self.register(second, pem, refresh=True)
            return self.postgres.sql(query) == "1.00"

        self.until(has_all, "the second does not get it")

    def test_the_owner_learns_how_to_give_a_password(self):
        access = self.postgres.folder / "data" / "pg_hba.conf"
        access.write_text("host all owner 127.0.0.1/32 scram-sha-256\n" + access.read_text())
        self.postgres.sql("ALTER ROLE owner PASSWORD 'right'; SELECT pg_reload_conf()")
        url = self.postgres.url()
        for wrong in (url, url.replace("owner@", "owner:right@")):
            result = self.certregctl("fleet", "init", "--url", wrong)
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertIn("--password-file", result.stderr)
            self.assertNotIn("fleet.passwordFile", result.stderr)
        password = self.folder / "password"
        password.write_text("right\n")
        password.chmod(0o600)
        result = self.certregctl("fleet", "init", "--url", url, "--password-file", str(password))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_proxy_without_its_database_does_not_hide_the_other_hosts(self):
        self.init()
        proxy = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(proxy.close)

        def serve():
            while True:
                try:
                    connection, _ = proxy.accept()
                except OSError:
                    return
                # The connection breaks only after libpq has begun to talk.
                with connection:
                    connection.recv(8)

        threading.Thread(target=serve, daemon=True).start()
        there = self.postgres.url()
        both = there.replace("@", f"@127.0.0.1:{proxy.getsockname()[1]},", 1)
        self.assertNotEqual(both, there)
        member = self.member("first", url=both)
        self.joined(member)

    def test_a_role_is_named_and_may_be_missing(self):
        result = self.certregctl("fleet", "init", "--url", self.postgres.url(), "--role", "missing")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("there is no role missing, so no rights were given: create it, and run this again", result.stderr)
        for arguments in (("sql",), ("init", "--url", self.postgres.url())):
            result = self.certregctl("fleet", *arguments, "--role", "")
            self.assertEqual((result.returncode, result.stdout), (64, ""), result.stderr)
            self.assertIn("--role needs the name of a role", result.stderr)

    def test_a_member_leaves_tables_of_another_version(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        for change, reason in (("+ 1", "fleet_schema_newer"), ("- 1", "fleet_schema_older")):
            with self.subTest(reason):
                version = self.postgres.sql("SELECT version FROM certregd.fleet")
                self.postgres.sql(f"UPDATE certregd.fleet SET version = version {change}")
                self.until(lambda: self.fleet(first).get("problem", {}).get("reason") == reason, "it stays a member")
                self.assertEqual(self.register(first, certificates(1)[0])["outcome"], "created")
                self.assertEqual(self.postgres.sql("SELECT count(*) FROM certregd.claim"), "0")
                self.postgres.sql(f"UPDATE certregd.fleet SET version = {version}")
                self.joined(first)

    def test_what_others_have_finished_is_not_queued_with_a_member_that_is_gone(self):
        self.init()
        self.refuse_registrations()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        for pem in certificates(2):
            self.assertEqual(self.register(first, pem, wait=False)["outcome"], "queued")
        def queued(name):
            members = {member["name"]: member for member in self.fleet(second)["members"]}
            return members[name]["queued"]
        self.until(lambda: queued("first") == 2, "nothing is queued")
        first.process.kill()
        self.until(lambda: (queued("first"), queued("second")) == (0, 2), "the second takes nothing over")

    def leave(self, member, sequence, pem, key=None, **more):
        """Puts a registration into the database's queue, where a result of the same target is."""
        record = {"certificate": base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode(), "enqueuedAt": 1,
                  "notAfter": 4102444800000, "notBefore": 0, "policies": "0", "purpose": "register", "uid": 0} | more
        self.postgres.sql(
            "INSERT INTO certregd.queue (member, sequence, certificate, target, request) SELECT "
            f"'{member}', {sequence}, '\\x{key or certificate_id(pem)}', target, convert_to('{json.dumps(record)}', 'UTF8') "
            "FROM certregd.result LIMIT 1")

    def known(self, member, pem):
        """Registers a certificate, and waits until the database has the result."""
        self.register(member, pem)
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.result") == "1", "nothing is told")

    def test_what_a_restored_disk_lacks_is_carried_out_beside_jobs_with_the_same_numbers(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, *lost = certificates(6)
        self.known(first, known)
        self.refuse_registrations()
        first.process.terminate()
        first.process.wait()
        for number, pem in enumerate(lost[:3]):
            self.leave("first", number + 2, pem)
        self.postgres.kill()
        first.__enter__()
        for pem in lost[3:]:
            self.assertEqual(self.register(first, pem, wait=False)["outcome"], "queued")
        self.postgres.start()
        self.joined(first)
        self.sandbox_faults({})
        self.until(lambda: {certificate_id(pem) for pem in lost} <= self.registered(), "a registration is lost")
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.queue") == "0", "rows are kept")

    def test_a_registration_that_nobody_can_have_left_is_not_carried_out(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, other, named, honest = certificates(4)
        self.known(first, known)
        self.postgres.sql(
            "INSERT INTO certregd.member (name, instance, takeover, heard, heard_at, joined_at, sent, queued, targets, "
            "removed) VALUES ('ghost', 'x', 1, 0, now(), now(), 0, 0, '{}', true)")
        self.leave("ghost", 1, other, key=certificate_id(named))
        self.leave("ghost", 2, other, provisioning={"profile": "device", "tag": "0" * 16, "policies": ["admin"]})
        self.leave("ghost", 3, honest)
        self.until(lambda: certificate_id(honest) in self.registered(), "the honest one is not carried out")
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.queue WHERE member <> ''") == "0",
                   "rows are kept")
        self.assertEqual(self.registered(), {certificate_id(known), certificate_id(honest)})
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM certregd.queue"), "2")

    def test_what_one_heard_is_told_again_where_its_teller_and_the_database_lost_it(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        self.register(second, certificates(1)[0])
        # A member keeps what others tell of certificates that it was asked about.
        pem, _, _ = self.shared(first, second)
        self.postgres.sql("CREATE SCHEMA backup; CREATE TABLE backup.member AS TABLE certregd.member; "
                          "CREATE TABLE backup.result AS TABLE certregd.result")
        self.ask(first, op="forget", certificateId=certificate_id(pem))
        forgotten = "SELECT count(*) FROM certregd.result WHERE forgotten"
        self.until(lambda: self.postgres.sql(forgotten) == "1", "it is not told")
        # Each exchange begins behind the answer to the one before it.
        for _ in range(2):
            asked = self.postgres.sql("SELECT clock_timestamp()")
            query = f"SELECT heard_at > '{asked}' FROM certregd.member WHERE name = 'second'"
            self.until(lambda: self.postgres.sql(query) == "t", "the second is not heard of")
        self.postgres.kill()
        self.until(lambda: "error" in self.ask(second, op="lookup", certificateId=certificate_id(pem)),
                   "the second has not forgotten it")
        for daemon, number in ((first, signal.SIGKILL), (second, signal.SIGTERM)):
            daemon.process.send_signal(number)
            daemon.process.wait()
        self.postgres.start()
        self.postgres.sql("BEGIN; TRUNCATE certregd.member, certregd.result; "
                          "INSERT INTO certregd.member SELECT * FROM backup.member; "
                          "INSERT INTO certregd.result SELECT * FROM backup.result; COMMIT")
        # It comes without its state, which lets it count its results anew before the second is back.
        self.joined(self.member("first"))
        second.log.close()
        second.__enter__()
        self.until(lambda: self.postgres.sql(forgotten) == "1", "the database knows again what was forgotten")

    def test_a_claim_that_nobody_works_on_is_not_queued(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, left, gone = certificates(3)
        self.register(first, known)
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.result") == "1", "nothing is told")
        for pem, member in ((left, ""), (gone, "ghost")):
            self.postgres.sql("INSERT INTO certregd.claim (certificate, target, member, called, earlier, claimed_at) SELECT "
                              f"'\\x{certificate_id(pem)}', target, '{member}', true, true, now() FROM certregd.result")
            answer = self.ask(first, op="lookup", certificateId=certificate_id(pem))
            self.assertEqual(answer.get("error", {}).get("type"), "ResourceNotFoundException", answer)

    def test_what_failed_here_and_was_registered_there_is_registered(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        pem = certificates(1)[0]
        self.sandbox_faults({"answers": [{"status": 400, "headers": {
            "x-amzn-errortype": "CertificateValidationException", "x-amzn-requestid": "r-1"}}]})
        failed = self.register(first, pem)
        self.assertEqual(failed["error"]["type"], "CertificateValidationException", failed)
        self.assertEqual(self.register(second, pem)["outcome"], "created")
        self.until(lambda: self.ask(first, op="lookup", certificateId=certificate_id(pem)).get("state") == "registered",
                   "the first tells of its failure")

    def test_a_lane_that_the_database_lost_comes_back(self):
        self.init()
        first, second = (self.member(name, target={"ratePerSecond": 20}) for name in ("first", "second"))
        self.joined(first, second)
        self.register(first, certificates(1)[0])
        lanes = "SELECT count(*) FROM certregd.pace"
        self.until(lambda: self.postgres.sql(lanes) != "0", "there is no lane")
        self.postgres.sql("DELETE FROM certregd.pace")
        self.until(lambda: self.postgres.sql(lanes) != "0", "the lane is lost")

    def test_a_claim_that_is_given_up_says_of_earlier_calls_what_it_said_before(self):
        self.init()
        first = self.member("first")
        self.joined(first)
        known, called, uncalled = certificates(3)
        self.register(first, known)
        self.until(lambda: self.postgres.sql("SELECT count(*) FROM certregd.result") == "1", "nothing is told")
        target = self.postgres.sql("SELECT target FROM certregd.result")
        os.kill(first.process.pid, signal.SIGTERM)
        first.process.wait()
        # Granted to this member, whose disk did not take the registrations: it knows nothing of them.
        for pem, earlier in ((called, "true"), (uncalled, "false")):
            self.postgres.sql("INSERT INTO certregd.claim (certificate, target, member, called, earlier, claimed_at) VALUES "
                              f"('\\x{certificate_id(pem)}', '{target}', 'first', true, {earlier}, now())")
        first.log.close()
        first.__enter__()
        query = "SELECT encode(certificate, 'hex'), member, earlier FROM certregd.claim"
        self.until(lambda: self.postgres.sql(query) == certificate_id(called) + "||t", "the claims are others")
