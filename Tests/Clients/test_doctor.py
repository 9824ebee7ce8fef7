"""certregctl doctor on machines with one fault each: it finds the fault and names the cure."""

import grp
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
import unittest

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon, certificates, environment
from sandbox import KEY_ID, SECRET, Sandbox, openssl
from test_boto3 import connect

REGION = "eu-west-1"
SIGNED = ("--region", REGION, "--verify-signatures", f"{KEY_ID}:{SECRET}")


def configuration(endpoint=None, region=REGION, **members):
    """A configuration with one target, whose keys are in the environment."""
    lines = ["targets:", "  default:", f"    region: {region}", "    credentials: environment"]
    if endpoint:
        lines.append(f"    endpoint: {endpoint}")
    lines += [f"    {name}: {value}" for name, value in members.items()]
    return "\n".join(lines) + "\n"


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="certreg-doctor-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # The keys of these tests' sandboxes.
        self.environment = environment() | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def daemon(self, *arguments, **options):
        daemon = Daemon(*arguments, environment=self.environment, **options)
        daemon.__enter__()
        self.addCleanup(daemon.__exit__)
        return daemon

    def examine(self, *arguments, program=None, prefix=(), **variables):
        """Runs the doctor; returns its exit status and findings."""
        command = [*prefix, program or str(PROGRAMS / "certregctl"), "doctor", "--json", *arguments]
        result = subprocess.run(command, env=self.environment | variables, capture_output=True, text=True,
                                timeout=DEADLINE_SECONDS)
        findings = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertTrue(findings, result.stderr)
        return result.returncode, findings

    def found(self, outcome, check, *cures, level="error"):
        """Whether there is such a finding, with these words in its cure."""
        status, findings = outcome
        of_check = [finding for finding in findings if finding["check"] == check and finding["level"] == level]
        self.assertTrue(of_check, json.dumps(findings, indent=1))
        for cure in cures:
            self.assertIn(cure, " ".join(finding.get("cure", "") for finding in of_check))
        self.assertEqual(status, 69 if any(finding["level"] == "error" for finding in findings) else 0)

    def found_with_and_without_a_daemon(self, text, check, *cures):
        daemon = self.daemon(configuration=text)
        self.found(self.examine("--socket", daemon.socket), check, *cures)
        self.found(self.examine_without_a_daemon(daemon.folder + "/config.yaml"), check, *cures)

    def examine_without_a_daemon(self, file=None):
        """Examines a configuration as the user whose it is: root runs certregd as the service's user only. Without a file, examines the
        usual configuration."""
        arguments = ["--socket", self.folder + "/none", *(["--config", file] if file else [])]
        if os.geteuid() != 0:
            return self.examine(*arguments)
        os.chmod(self.folder, 0o755)
        for name in ("certregctl", "certregd"):
            shutil.copy(PROGRAMS / name, self.folder)
        if file:
            arguments[-1] = shutil.copyfile(file, self.folder + "/alone.yaml")
            os.chmod(arguments[-1], 0o644)
        nobody = pwd.getpwnam("nobody")
        return self.examine(
            *arguments, program=self.folder + "/certregctl",
            prefix=["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"])

    def test_nothing_is_wrong(self):
        with Sandbox(*SIGNED) as sandbox:
            daemon = self.daemon(configuration=configuration(sandbox.url))
            status, findings = self.examine("--socket", daemon.socket)
            client = connect(sandbox)
            # The checks registered nothing.
            self.assertEqual(client.list_certificates()["certificates"], [])
            client.close()
        # The service manager and the clock of the test's machine do not matter here.
        of_daemon = {finding["check"]: finding["level"] for finding in findings
                     if finding["check"] not in ("service", "clock")}
        self.assertEqual(of_daemon, dict.fromkeys(
            ["socket", "daemon", "configuration", "storage", "target default", "connection", "clock there",
             "credentials", "permission"], "ok"))
        self.assertEqual(status, 0)

    def test_no_daemon(self):
        outcome = self.examine("--socket", self.folder + "/none")
        self.found(outcome, "daemon", "systemctl start certregd")
        self.found(outcome, "socket", "--socket PATH")

    def test_a_daemon_that_was_killed(self):
        daemon = self.daemon("--sandbox")
        daemon.process.kill()
        daemon.process.wait()
        self.found(self.examine("--socket", daemon.socket), "daemon", "systemctl start certregd")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_the_wrong_group(self):
        group = grp.getgrnam("daemon")
        daemon = self.daemon("--sandbox", configuration=f"socket:\n  group: {group.gr_name}\n")
        os.chmod(daemon.folder, 0o755)
        # In a place where the user nobody may run it.
        os.chmod(self.folder, 0o755)
        for name in ("certregctl", "certregd"):
            shutil.copy(PROGRAMS / name, self.folder)
        nobody = pwd.getpwnam("nobody")
        be = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"]
        program = self.folder + "/certregctl"
        outcome = self.examine("--socket", daemon.socket, program=program, prefix=[*be, "--clear-groups"])
        self.found(outcome, "socket", f"usermod -aG {group.gr_name} nobody")
        self.found(outcome, "daemon", "usermod -aG")
        # What is proposed helps.
        status, findings = self.examine("--socket", daemon.socket, program=program,
                                        prefix=[*be, f"--groups={group.gr_gid}"])
        self.assertEqual(status, 0, findings)
        # A folder without permission to search differs from one without a socket.
        os.chmod(daemon.folder, 0o700)
        self.found(self.examine("--socket", daemon.socket, program=program, prefix=[*be, "--clear-groups"]), "socket",
                   "chmod o+x " + daemon.folder)

    def test_a_bad_configuration(self):
        daemon = self.daemon("--sandbox", configuration="queue:\n  maxEntries: 10\n")
        file = pathlib.Path(daemon.folder, "config.yaml")
        file.write_text("queue:\n  maxEntires: 10\n")
        outcome = self.examine("--socket", daemon.socket)
        # The flags of the running daemon name the file.
        self.found(outcome, "configuration", f"--config {file} --check-config", "systemctl reload certregd")
        seen = [finding["seen"] for finding in outcome[1] if finding["check"] == "configuration"][0]
        self.assertIn(f"{file}:2", seen)
        self.assertIn("maxEntries", seen)
        self.found(self.examine_without_a_daemon(str(file)), "configuration")

    def test_a_clock_that_is_an_hour_off(self):
        for ahead in ("3600", "-3600"):
            with self.subTest(ahead), Sandbox(*SIGNED, "--clock-offset=" + ahead) as sandbox:
                self.found_with_and_without_a_daemon(configuration(sandbox.url), "clock there", "timedatectl set-ntp")

    def test_expired_credentials(self):
        with Sandbox(*SIGNED, "--expire-credentials", KEY_ID) as sandbox:
            self.found_with_and_without_a_daemon(configuration(sandbox.url), "credentials", "renew them")

    def test_no_credentials(self):
        del self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"]
        with Sandbox(*SIGNED) as sandbox:
            daemon = self.daemon(configuration=configuration(sandbox.url))
            self.found(self.examine("--socket", daemon.socket), "credentials", "targets.NAME.credentials")

    def test_credentials_that_came_after_a_failed_registration(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.environment[name]
        path = pathlib.Path(self.folder, "credentials")
        with Sandbox(*SIGNED) as sandbox:
            settings = configuration(sandbox.url).replace(
                "credentials: environment", f"credentials: {{profile: {{name: line, file: {path}}}}}")
            daemon = self.daemon(configuration=settings)
            (pem,) = certificates(1)
            answer = daemon.ask([{"id": "x", "certificatePem": pem}])["x"]
            self.assertEqual(answer["error"]["reason"], "credentials_invalid")
            path.write_text(f"[line]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
            path.chmod(0o600)
            end = time.monotonic() + DEADLINE_SECONDS
            while daemon.ask([{"id": "x", "op": "status"}])["x"]["targets"][0]["health"] != "ok":
                self.assertLess(time.monotonic(), end, "the target stays unauthorized")
                time.sleep(0.1)

    def test_no_permission(self):
        with Sandbox(*SIGNED, "--deny", "RegisterCertificateWithoutCA") as sandbox:
            self.found_with_and_without_a_daemon(configuration(sandbox.url), "permission",
                                                 "iot:RegisterCertificateWithoutCA")

    def test_the_wrong_region(self):
        with Sandbox(*SIGNED) as sandbox:
            self.found_with_and_without_a_daemon(configuration(sandbox.url, region="us-east-1"), "region",
                                                 "set the target's region")

    def test_no_region(self):
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            self.environment.pop(name, None)
        self.found(self.examine_without_a_daemon(), "target", "AWS_REGION")

    def test_names_that_are_not_resolved(self):
        self.found_with_and_without_a_daemon(configuration("https://iot.certreg.invalid"), "name", "/etc/resolv.conf",
                                             "spelling")

    def test_an_unknown_authority(self):
        certificate, key = self.folder + "/server.pem", self.folder + "/server.key"
        openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", key,
                "-out", certificate, "-subj", "/CN=proxy", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
        with Sandbox(*SIGNED, "--tls-certificate", certificate, "--tls-key", key) as sandbox:
            self.found_with_and_without_a_daemon(configuration(sandbox.url), "TLS", "caFile")
            # What is proposed helps.
            daemon = self.daemon(configuration=configuration(sandbox.url, caFile=certificate))
            self.assertEqual(self.examine("--socket", daemon.socket)[0], 0)

    def test_nothing_that_listens(self):
        self.found_with_and_without_a_daemon(configuration("http://127.0.0.1:1"), "connection", "endpoint")

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_a_full_disk(self):
        disk = self.folder + "/disk"
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], capture_output=True).returncode:
            self.skipTest("mount is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", disk], check=True)
        daemon = self.daemon("--sandbox", "--state-dir", disk)
        with open(disk + "/other", "wb", buffering=0) as other, self.assertRaises(OSError):
            while True:
                other.write(bytes(1 << 12))
        self.found(self.examine("--socket", daemon.socket), "storage", "make room", disk)
        # The daemon reports the fault itself once it has met it.
        answers = [daemon.ask([{"id": 1, "certificatePem": pem}])[1] for pem in certificates(20)]
        self.assertIn("store_full", [answer.get("error", {}).get("reason") for answer in answers])
        self.found(self.examine("--socket", daemon.socket), "daemon", "make room")

    def test_a_sandbox_is_warned_of(self):
        daemon = self.daemon("--sandbox")
        self.found(self.examine("--socket", daemon.socket), "upstream", "--sandbox", level="warning")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_users_daemon_is_asked_as_that_user(self):
        """The doctor must not use the daemon's keys or configuration with more rights than the daemon has."""
        with Sandbox(*SIGNED) as sandbox, tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            shutil.copy(PROGRAMS / "certregd", folder)
            shutil.copy(PROGRAMS / "certregctl", folder)
            witness = folder + "/witness"
            script = pathlib.Path(folder, "keys")
            script.write_text(
                f"#!/bin/sh\nid -u >> {witness}\n"
                f'echo \'{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}\'\n')
            script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            text = configuration(sandbox.url).replace("environment", f"{{process: {script}}}")
            pathlib.Path(folder, "config.yaml").write_text(text)
            nobody = pwd.getpwnam("nobody")
            command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups",
                       folder + "/certregd", "--config", "config.yaml", "--socket", folder + "/s", "--state-dir",
                       folder + "/state"]
            with subprocess.Popen(command, cwd=folder, env=self.environment, stderr=subprocess.DEVNULL) as process:
                try:
                    end = time.monotonic() + DEADLINE_SECONDS
                    while not os.path.exists(folder + "/s") and time.monotonic() < end:
                        time.sleep(0.02)
                    status, findings = self.examine("--socket", folder + "/s", program=folder + "/certregctl")
                finally:
                    process.terminate()
            self.assertEqual(status, 0, findings)
            self.assertIn("permission", [finding["check"] for finding in findings if finding["level"] == "ok"])
            self.assertEqual(set(pathlib.Path(witness).read_text().split()), {str(nobody.pw_uid)})

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("cc"), "only root can be another user, and a program is compiled")
    def test_a_users_socket_does_not_choose_what_root_runs(self):
        """A user's program answers with the number of a process of the user's, which has root's rights from the set-user-ID bit
        of a foreign program, the name certregd from a link, and the flags of a configuration with a program to run."""
        os.chmod(self.folder, 0o755)
        place = pathlib.Path(self.folder)
        witness, script, waiter, link = place / "witness", place / "keys", place / "waiter", place / "certregd"
        witness.touch()
        witness.chmod(0o666)
        script.write_text(f"#!/bin/sh\nid -u >> {witness}\n")
        script.chmod(0o755)
        text = configuration("http://127.0.0.1:1").replace("environment", f"{{process: {script}}}")
        (place / "config.yaml").write_text(text)
        subprocess.run(["cc", "-x", "c", "-o", waiter, "-"], input="int pause(void); int main() { return pause(); }", text=True,
                       check=True)
        waiter.chmod(0o4755)
        link.symlink_to(waiter)
        nobody = pwd.getpwnam("nobody")
        users = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        (place / "open").mkdir()
        (place / "open").chmod(0o777)
        socket = str(place / "open" / "s")
        answer = """import json, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    connection, _ = listener.accept()
    for line in connection.makefile("rb"):
        answer = {"id": json.loads(line)["id"], "version": "1", "pid": int(sys.argv[2]), "targets": []}
        connection.sendall(json.dumps(answer).encode() + b"\\n")
"""
        with subprocess.Popen([link, "--config", str(place / "config.yaml")], **users) as process, \
                subprocess.Popen(["python3", "-c", answer, socket, str(process.pid)], **users) as server:
            try:
                end = time.monotonic() + DEADLINE_SECONDS
                while not os.path.exists(socket) and time.monotonic() < end:
                    time.sleep(0.02)
                _, findings = self.examine("--socket", socket)
            finally:
                process.kill()
                server.kill()
        self.assertEqual(witness.read_text(), "")
        skipped = {finding["check"] for finding in findings if finding["level"] == "skipped"}
        self.assertLessEqual({"configuration", "upstream"}, skipped, findings)

    def test_what_an_answer_says_of_itself_is_shown_and_no_more(self):
        """The doctor does not use the configuration of a daemon that is not the installed program."""
        os.chmod(self.folder, 0o755)
        shutil.copy(PROGRAMS / "certregd", self.folder)
        daemon = Daemon("--sandbox", environment=self.environment)
        daemon.command[0] = self.folder + "/certregd"
        daemon.__enter__()
        self.addCleanup(daemon.__exit__)
        status, findings = self.examine("--socket", daemon.socket)
        self.assertEqual(status, 0, findings)
        of_configuration = [finding for finding in findings if finding["check"] == "configuration"]
        self.assertEqual([finding["level"] for finding in of_configuration], ["skipped"])
        self.assertIn("does not run", of_configuration[0]["seen"])


if __name__ == "__main__":
    unittest.main()
