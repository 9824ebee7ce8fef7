"""certregctl doctor on a member whose fleet has one fault: it finds the fault and names the cure."""

import json
import os
import subprocess
import unittest

from daemon import DEADLINE_SECONDS, PROGRAMS, free_port
from fleet import FleetTestCase
from sandbox import clean_environment, openssl


class FleetDoctor(FleetTestCase):
    def doctor(self, daemon):
        result = subprocess.run([PROGRAMS / "certregctl", "doctor", "--json", "--socket", daemon.socket], text=True,
                                env=clean_environment(), capture_output=True, timeout=DEADLINE_SECONDS)
        findings = [json.loads(line) for line in result.stdout.splitlines()]
        return [finding for finding in findings if finding["check"] == "fleet"]

    def found(self, daemon, reason, *words):
        """Whether the doctor names this reason, and these words in what it saw or advises."""
        self.until(lambda: self.fleet(daemon).get("problem", {}).get("reason") == reason, json.dumps(self.fleet(daemon)))
        findings = self.doctor(daemon)
        self.assertEqual([finding["level"] for finding in findings], ["error"], findings)
        text = findings[0]["seen"] + " " + findings[0]["cure"]
        for word in (reason, *words):
            self.assertIn(word, text)

    def secure(self, certificate, key):
        """Lets the server speak TLS with this certificate."""
        data = self.postgres.folder / "data"
        for name, source in (("server.crt", certificate), ("server.key", key)):
            (data / name).write_bytes(source.read_bytes())
            os.chmod(data / name, 0o600)
            os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
        self.postgres.sql("ALTER SYSTEM SET ssl = on", database="postgres")
        self.postgres.kill()
        self.postgres.start()

    def with_tls(self, authority):
        return f"{self.postgres.url()}?sslmode=verify-full&sslrootcert={authority}"

    def test_nothing_wrong(self):
        self.init()
        first, second = self.member("first"), self.member("second")
        self.joined(first, second)
        findings = self.doctor(first)
        self.assertEqual([finding["level"] for finding in findings], ["ok"], findings)
        self.assertIn("one of 2 members", findings[0]["seen"])

    def test_no_server(self):
        daemon = self.member("first", url=f"postgresql://owner@127.0.0.1:{free_port()}/fleet")
        self.found(daemon, "fleet_unreachable", "Connection refused", "SELECT 1")

    def test_a_wrong_password(self):
        self.init()
        self.postgres.sql("CREATE ROLE line LOGIN PASSWORD 'right'")
        access = self.postgres.folder / "data" / "pg_hba.conf"
        access.write_text("host all line 127.0.0.1/32 scram-sha-256\n" + access.read_text())
        self.postgres.sql("SELECT pg_reload_conf()")
        password = self.folder / "password"
        password.write_text("wrong\n")
        password.chmod(0o600)
        daemon = self.member("first", "line", passwordFile=str(password))
        self.found(daemon, "fleet_refused", "password authentication failed", "fleet.passwordFile")

    def test_a_certificate_of_the_server_that_has_ended(self):
        self.init()
        old = self.issue_expired()
        self.secure(old.path, self.folder / "old.key")
        daemon = self.member("first", url=self.with_tls(old.path))
        self.found(daemon, "fleet_unreachable", "certificate has expired", "renew the server's certificate")

    def test_a_certificate_of_another_authority(self):
        self.init()
        self.issue()
        self.issue()
        self.secure(self.folder / "1.pem", self.folder / "1.key")
        daemon = self.member("first", url=self.with_tls(self.folder / "2.pem"))
        self.found(daemon, "fleet_unreachable", "self-signed certificate", "sslrootcert")

    def test_another_name_in_the_certificate(self):
        self.init()
        device = self.issue()
        self.secure(device.path, self.folder / "1.key")
        daemon = self.member("first", url=self.with_tls(device.path))
        self.found(daemon, "fleet_unreachable", "does not match host name", "as its certificate does")

    def test_no_tables(self):
        self.found(self.member("first"), "fleet_not_initialised", "certregctl fleet init")

    def test_tables_of_a_newer_version(self):
        self.init()
        self.postgres.sql("UPDATE certregd.fleet SET version = version + 1")
        self.found(self.member("first"), "fleet_schema_newer", "install the version")

    def test_too_few_rights(self):
        self.init()
        self.postgres.sql("CREATE ROLE line LOGIN")
        self.postgres.sql("GRANT USAGE ON SCHEMA certregd TO line; GRANT SELECT ON certregd.fleet TO line", user="owner")
        member = self.member("first", "line")
        self.found(member, "fleet_refused", "permission denied", "certregctl fleet init --url URL --role ROLE")
        result = self.certregctl("fleet", "init", "--url", self.postgres.url(), "--role", "line")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.joined(member)

    def test_a_name_that_is_taken(self):
        self.init()
        first, second = self.member("first", takeover="1h"), self.member("second")
        self.joined(first, second)
        first.process.kill()
        first.process.wait()
        newcomer = self.member("first")
        self.found(newcomer, "fleet_name_taken", "if a host that is connected runs: certregctl fleet remove")
        # A busy machine can cut a member off for a moment, which is told as what passes.
        self.until(lambda: self.certregctl("fleet", "remove", "first", "--socket", second.socket).returncode == 0,
                   "the second does not remove it")
        self.joined(newcomer, second)


if __name__ == "__main__":
    unittest.main()
