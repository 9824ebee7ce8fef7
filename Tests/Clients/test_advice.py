"""The advice of certregctl, followed: each command and option that it names has to lead to a registration.

A case is a file that brings the advice. Commands of the advice run in a shell, with FILE replaced by the file's name; options
are added to the arguments.
"""

import base64
import binascii
import contextlib
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
import zipfile

from daemon import PROGRAMS, Daemon, certificate_id, certificates
from sandbox import openssl

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSWORD = "of-this-test"
# The tests that follow the commands and options of advice.
FOLLOWED = {
    "--column": "test_columns",
    "--include-ca": "test_authority",
    "--name-column": "test_columns",
    "--report": "test_reports",
    "--resume": "test_reports",
    "--select": "test_sets",
    "aws iot describe-certificate": "test_an_arn_alone",
    "duckdb -csv": "test_parquet",
    "gpg --decrypt": "test_openpgp",
    "iconv -f": "test_other_encodings",
    "keytool -exportcert": "test_keystore",
    "openssl pkcs12": "test_pkcs12",
    "openssl x509": "test_another_fingerprint",
    "sed -E": "test_other_dashes",
    "sqlite3 -header": "test_database",
    "uudecode -o": "test_uuencoded",
}
# Commands and options of messages that cannot be followed here, or that are no advice.
NOT_FOLLOWED = {
    "--attribute": "is for profiles, which the sandbox's daemon does not have",
    "--certificate-id": "is an option of aws",
    "--certificate-signing-request": "is an option of aws",
    "--check-cn": "is named in errors of its own comparison",
    "--if-exists": "repeats an option of the command line in the command for another try",
    "--no-wait": "repeats an option of the command line, too",
    "--only": "is named in errors of its own value",
    "--socket": "repeats an option of the command line, too",
    "--format": "is named in errors of its own value",
    "--output": "is an option of aws",
    "--query": "is an option of aws",
    "--signer": "is for signed manifests, which need a signer's certificate",
    "--status": "repeats an option of the command line, too",
    "--target": "is for a daemon that does not tell its default target",
    "--xpath": "is an option of xmllint, which few hosts have",
    "aws iot create-certificate-from-csr": "makes another certificate, in AWS",
    "git lfs pull": "needs the server that has the file",
}
PARTS = re.compile(r"(?<![\w-])--[a-z][a-z-]+|\b(?:openssl (?!says\b)[a-z0-9]+|keytool -\w+|sed -\w+|aws \w+ [\w-]+|git \w+ \w+"
                   r"|gpg --\w+|(?:sqlite3|uudecode|duckdb|iconv) -\w+)")


def compact(pem):
    return base64.b64encode(base64.b64decode("".join(pem.splitlines()[1:-1]))).decode()


class Advice(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="certreg-advice-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.daemon = self.enterContext(Daemon("--sandbox"))
        self.pems = certificates(3)
        programs = f"{PROGRAMS.resolve()}:"
        self.environment = dict(
            self.daemon.environment or {}, PATH=programs + "/usr/bin:/bin", LC_ALL="C.UTF-8",
            CERTREGD_SOCKET=self.daemon.socket, HOME=str(self.folder))

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def run_shell(self, command, text=""):
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.folder, env=self.environment, input=text,
                              capture_output=True, text=True, timeout=120)

    def advice(self, command):
        """Runs a command that fails, and returns its advice."""
        result = self.run_shell(command)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        advice = re.findall(r"→ (.*)", result.stderr)
        self.assertTrue(advice, result.stderr)
        return advice

    def succeeds(self, command, created, text=""):
        result = self.run_shell(command, text)
        self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout}{result.stderr}")
        self.assertEqual(len(re.findall(r"(?m)^(created|existing|cached)\t", result.stdout)), created, result.stdout)

    def follow(self, command, created):
        """Runs a command again with the option of its advice."""
        (advice,) = self.advice(command)
        option = re.search(r"--(column|select) \w+|--include-ca", advice)[0]
        self.succeeds(f"{command} {option}", created)
        return advice

    def private_key(self):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                f"{self.folder}/device.key", "-out", f"{self.folder}/device.pem", "-subj", "/CN=device", "-days", "30",
                "-addext", "basicConstraints=critical,CA:FALSE")
        return ["-inkey", f"{self.folder}/device.key", "-in", f"{self.folder}/device.pem"]

    def test_pkcs12(self):
        for name, legacy in (("new.p12", []), ("old.pfx", ["-legacy"])):
            with self.subTest(name):
                openssl("pkcs12", "-export", *legacy, *self.private_key(), "-out", f"{self.folder}/{name}", "-passout",
                        f"pass:{PASSWORD}")
                (advice,) = self.advice(f"certregctl register {name}")
                command = re.match(r"(openssl .* certregctl register -) \(with (-legacy) after pkcs12", advice)
                followed = command[1].replace("FILE", name)
                if legacy:
                    self.assertIn("unsupported", self.run_shell(followed, PASSWORD + "\n").stderr)
                    followed = followed.replace("pkcs12", f"pkcs12 {command[2]}")
                self.succeeds(followed, 1, PASSWORD + "\n")

    def test_pkcs12_without_a_key(self):
        self.private_key()
        openssl("pkcs12", "-export", "-nokeys", "-in", f"{self.folder}/device.pem", "-out", f"{self.folder}/a.p12", "-passout",
                f"pass:{PASSWORD}")
        (advice,) = self.advice("certregctl register a.p12")
        self.succeeds(re.match(r"openssl .* certregctl register -", advice)[0].replace("FILE", "a.p12"), 1, PASSWORD + "\n")

    def test_trusted_certificate(self):
        name = self.write("device.pem", self.pems[0])
        openssl("x509", "-in", f"{self.folder}/{name}", "-trustout", "-addtrust", "clientAuth", "-out",
                f"{self.folder}/trusted.pem")
        (advice,) = self.advice("certregctl register trusted.pem")
        self.succeeds(advice.replace("FILE", "trusted.pem"), 1)

    def test_removed_lines(self):
        name = self.write("a.diff", "".join(f"-{line}\n" for line in self.pems[0].splitlines()))
        (advice,) = self.advice(f"certregctl register {name}")
        self.succeeds(advice.split(": ", 1)[1].replace("FILE", name), 1)

    def test_list_of_arns(self):
        self.succeeds(f"certregctl register {self.write('device.pem', self.pems[0])}", 1)
        name = self.write("arns.txt", f"arn:aws:iot:eu-central-1:123456789012:cert/{certificate_id(self.pems[0])}\n")
        (advice,) = self.advice(f"certregctl lookup {name}")
        result = self.run_shell(advice.replace("FILE", name))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("registered", result.stdout)

    @unittest.skipUnless(shutil.which("keytool", path="/usr/bin:/bin"), "there is no keytool")
    def test_keystore(self):
        generate = ["keytool", "-genkeypair", "-keystore", f"{self.folder}/a.jks", "-storetype", "JKS", "-storepass", PASSWORD,
                    "-keypass", PASSWORD, "-keyalg", "EC", "-groupname", "secp256r1", "-alias", "device", "-dname", "CN=d",
                    "-ext", "bc=ca:false"]
        subprocess.run(generate, check=True, capture_output=True)
        (advice,) = self.advice("certregctl register a.jks")
        self.succeeds(advice.replace("FILE", "a.jks").replace("NAME", "device"), 1, PASSWORD + "\n")

    @unittest.skipUnless(shutil.which("gpg", path="/usr/bin:/bin"), "there is no gpg")
    def test_openpgp(self):
        home = self.folder / ".gnupg"
        home.mkdir(mode=0o700)
        # In place of the person who types the password.
        (home / "gpg.conf").write_text(f"batch\npinentry-mode loopback\npassphrase {PASSWORD}\n")
        name = self.write("device.pem", self.pems[0])
        for armour in ("", "--armor"):
            with self.subTest(armour):
                made = self.run_shell(f"rm -f sent.gpg; gpg --symmetric {armour} --output sent.gpg {name}")
                self.assertEqual(made.returncode, 0, made.stderr)
                (advice,) = self.advice("certregctl register sent.gpg")
                self.succeeds(advice.replace("FILE", "sent.gpg"), 1)

    @unittest.skipUnless(shutil.which("sqlite3", path="/usr/bin:/bin"), "there is no sqlite3")
    def test_database(self):
        with contextlib.closing(sqlite3.connect(self.folder / "devices.db")) as database:
            database.execute("CREATE TABLE device (device_id TEXT, certificate TEXT)")
            database.executemany("INSERT INTO device VALUES (?, ?)", enumerate(self.pems))
            database.commit()
        (advice,) = self.advice("certregctl register devices.db")
        command, tables = re.match(r"(.*) \((sqlite3 .*) names the tables\)", advice).groups()
        (table,) = self.run_shell(tables.replace("FILE", "devices.db")).stdout.split()
        self.succeeds(command.replace("FILE", "devices.db").replace("TABLE", table) + " && printf 'created\\t\\n'", 1)

    def test_authority(self):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null",
                "-out", f"{self.folder}/ca.pem", "-subj", "/CN=ca", "-days", "30")
        self.assertIn("--include-ca", self.follow("certregctl register ca.pem", 1))

    def test_other_dashes(self):
        for encoding in ("utf-8", "windows-1252"):
            with self.subTest(encoding):
                name = self.write("word.txt", self.pems[0].replace("-----", "—–—").encode(encoding))
                (advice,) = self.advice(f"certregctl register {name}")
                self.succeeds(advice.replace("FILE", name), 1)

    def test_columns(self):
        rows = "".join(f"{number};{compact(pem)};{compact(self.pems[2])}\n" for number, pem in enumerate(self.pems[:2]))
        bare = self.write("bare.csv", rows)
        self.assertIn("--column 2", self.follow(f"certregctl register {bare} --column cert", 2))
        # Its advice names no column: that is for the person to choose.
        self.assertIn("--column", self.advice(f"certregctl register {bare}")[0])
        self.succeeds(f"certregctl register {bare} --column 2", 2)
        self.assertIn("--name-column 2", self.advice(f"certregctl register {bare} --name-column unit")[0])
        self.succeeds(f"certregctl register {bare} --column 2 --name-column 1", 2)
        named = self.write("named.csv", "id;old pem;new pem\n" + rows)
        self.assertIn("--column", self.advice(f"certregctl register {named}")[0])
        self.succeeds(f"certregctl register {named} --column 'old pem'", 2)

    def test_sets(self):
        with zipfile.ZipFile(self.folder / "sets.zip", "w") as archive:
            for name, pem in zip(("E0E0", "E0E1"), self.pems):
                archive.writestr(f"chip_{name}.pem", pem)
        self.assertIn("--select", self.follow("certregctl register sets.zip", 1))
        # From a pipe the sets are not known before they are read.
        (first, _) = self.advice("cat sets.zip | certregctl register -")
        self.succeeds(f"cat sets.zip | certregctl register - {re.search('--select [0-9A-Z]+', first)[0]}", 1)
        # A set that is not there.
        (advice,) = self.advice("certregctl register sets.zip --select E0E9")
        self.succeeds(f"certregctl register sets.zip {re.search('--select [0-9A-Z]+', advice)[0]}", 1)
        name = self.write("plain.pem", self.pems[2])
        self.assertIn("leave --select out", self.advice(f"certregctl register {name} --select E0E0")[0])
        self.succeeds(f"certregctl register {name}", 1)

    def test_an_arn_alone(self):
        name = self.write("device.pem", self.pems[0])
        answer = json.loads(self.run_shell(f"certregctl register --json {name}").stdout)
        listed = self.write("listed.json", json.dumps({"certificateArn": answer["certificateArn"]}))
        (advice,) = self.advice(f"certregctl register {listed}")
        self.assertIn("aws iot describe-certificate --certificate-id ID", advice)
        # What that command prints (`describe-certificate` itself is seen to work by the tests of the AWS CLI).
        description = {"certificateDescription": {"certificateArn": answer["certificateArn"], "certificatePem": self.pems[0]}}
        self.succeeds(f"certregctl register {self.write('description.json', json.dumps(description))}", 1)

    def test_other_encodings(self):
        for name, encoding in (("温度传感器", "GB18030"), ("センサー", "SHIFT_JIS"), ("датчик", "WINDOWS-1251"),
                               ("Gerät", "MACINTOSH"), ("Gerät", "CP850")):
            with self.subTest(encoding):
                rows = "".join(f"{name}{index},{compact(pem)}\n" for index, pem in enumerate(self.pems))
                file = self.write(f"{encoding}.csv", f"device_id,cert\n{rows}".encode(encoding.replace("MACINTOSH", "mac_roman")))
                (advice,) = self.advice(f"certregctl import {file} --report {encoding}-1.csv")
                self.assertIn(encoding, advice)
                command = advice[:advice.index(" (")].replace("GB18030", encoding).replace("FILE", file)
                result = self.run_shell(f"{command} --report {encoding}-2.csv")
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                report = (self.folder / f"{encoding}-2.csv").read_text()
                for index in range(3):
                    self.assertIn(f'"{name}{index}"', report)

    def test_uuencoded(self):
        if not shutil.which("uudecode", path=self.environment["PATH"]):
            self.skipTest("uudecode is not installed")
        for text in (self.pems[0], "".join(self.pems)):
            lines = [text.encode()[start:start + 45] for start in range(0, len(text), 45)]
            body = b"begin 644 devices.pem\n" + b"".join(map(binascii.b2a_uu, lines)) + b"`\nend\n"
            name = self.write("devices.uu", body)
            (advice,) = self.advice(f"certregctl register {name}")
            self.succeeds(advice.replace("FILE", name), text.count("-----BEGIN"))

    def test_parquet(self):
        if not shutil.which("duckdb", path=self.environment["PATH"]):
            self.skipTest("duckdb is not installed")
        rows = ", ".join(f"('device-{index}', '{pem}')" for index, pem in enumerate(self.pems))
        query = f"COPY (SELECT * FROM (VALUES {rows}) AS t(device_id, cert)) TO 'devices.parquet' (FORMAT parquet)"
        made = self.run_shell(f'duckdb -c "{query}"')
        self.assertEqual(made.returncode, 0, made.stderr)
        (advice,) = self.advice("certregctl import devices.parquet --report 1.csv")
        result = self.run_shell(advice.replace("FILE", "devices.parquet"))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("3 entries: 3 created", result.stderr)

    def test_another_fingerprint(self):
        name = self.write("device.pem", self.pems[0])
        self.succeeds(f"certregctl register {name}", 1)
        (advice,) = self.advice(f'certregctl lookup "$(openssl x509 -in {name} -noout -fingerprint -sha1)"')
        result = self.run_shell(f'certregctl lookup --json "$({advice.replace("FILE", name)})"')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["certificateId"], certificate_id(self.pems[0]))

    def test_what_has_to_be_unpacked(self):
        deep = self.pems[0].encode()
        for depth in range(4):
            path = self.folder / f"deep{depth}.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("inner.zip" if depth else "device.pem", deep)
            deep = path.read_bytes()
        self.assertIn("unpack the archive and import the folder", self.advice("certregctl import deep3.zip --report 1.csv"))
        with zipfile.ZipFile(self.folder / "deep3.zip") as archive:
            archive.extractall(self.folder / "unpacked")
        self.succeeds("certregctl import unpacked --report 2.csv && printf 'created\\t\\n'", 1)

    def test_reports(self):
        name = self.write("device.pem", self.pems[0])
        self.succeeds(f"certregctl import {name} --report r.csv && printf 'created\\t\\n'", 1)
        (advice,) = self.advice(f"certregctl import {name} --report r.csv")
        self.assertRegex(advice, "--resume, or name another one with --report")
        for options in ("--report r.csv --resume", "--report other.csv"):
            self.succeeds(f"certregctl import {name} {options} && printf 'created\\t\\n'", 1)
        self.write("notes.csv", "mine\n")
        for report in ("notes.csv", name):
            (advice,) = self.advice(f"certregctl import {name} --resume --report {report}")
            self.assertIn("name another report with --report", advice)

    def test_all_advice_about_input_is_followed(self):
        """Each command and option of a message has a test here, or a reason why it has none."""
        found = []
        for path in sorted((ROOT / "Sources/CertRegClient").rglob("*.swift")):
            if path.parent.name in ("Input", "Certificates", "Import"):
                for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()):
                    found += PARTS.findall(literal)
        self.assertGreater(len(found), 20)
        self.assertEqual(set(found), FOLLOWED.keys() | NOT_FOLLOWED.keys())
        for test in FOLLOWED.values():
            self.assertTrue(hasattr(self, test), test)
