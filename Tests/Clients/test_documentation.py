"""What README.md and docs/*.md show in fenced blocks, as it stands there.

Blocks of shell run in the order of their document in one shell, with the document's folders, ports and programs replaced
by this test's. A comment before a block says where it is different:

    <!-- run by FILE -->        FILE has the same commands, and CI runs it
    <!-- not run: REASON -->    it cannot run here
    <!-- sample FILE: … -->     a file for certregctl, which a unit test reads
    <!-- keeps running -->      it is started and has to run until the document ends

Blocks of other languages are checked by what they are: programs run, configurations load, answers are compared.
"""

import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from daemon import DEADLINE_SECONDS, PROGRAMS, Daemon, certificates, free_port
from sandbox import clean_environment, openssl

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DONE = "the block has ended with"


class Block:
    def __init__(self, document, line, language, text, marker):
        self.document, self.line, self.language, self.text, self.marker = document, line, language, text, marker

    def __str__(self):
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document):
    """The fenced blocks of a document, and indented blocks with the language `None`."""
    found, lines, index, marker = [], document.read_text().split("\n"), 0, None
    while index < len(lines):
        line = lines[index]
        if comment := re.fullmatch(r"<!-- (.*) -->", line):
            marker = comment[1]
        elif line.lstrip().startswith("```"):
            end = next(number for number in range(index + 1, len(lines)) if lines[number].strip() == "```")
            found.append(Block(document, index + 1, line.strip()[3:], "\n".join(lines[index + 1:end]) + "\n", marker))
            index = end
            marker = None
        elif line.startswith("    ") and index > 0 and not lines[index - 1]:
            found.append(Block(document, index + 1, None, line, marker))
        elif line:
            marker = None
        index += 1
    return found


def commands(text):
    """The commands of a block, without comments at the ends of lines."""
    return [re.sub(r"\s+# .*", "", line) for line in text.splitlines() if line]


def template(text):
    """A pattern for the shown output, in which … matches any text."""
    text = text.strip().replace("7d2f…", "…")
    return re.compile(".*".join(map(re.escape, text.split("…"))), re.S)


class Shell:
    """A shell in its own folder, which runs one block after the other; a context manager."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.process = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.number = 0

    def run(self, text):
        """Runs a block. Returns whether each of its commands succeeded, and their output."""
        self.number += 1
        path = pathlib.Path(self.folder, f"block-{self.number}")
        path.write_text(text)
        # Sourced, so that variables stay. Programs that the block starts do not get the shell's input.
        self.process.stdin.write(
            f"failed=0; set -o pipefail; trap failed=1 ERR; . {path} </dev/null; trap - ERR; echo '{DONE}' $failed\n")
        self.process.stdin.flush()
        output = ""
        for line in self.process.stdout:
            if line.startswith(DONE):
                return line.split()[-1] == "0", output
            output += line
        return False, output

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Background processes of a block belong to the shell's session.
        subprocess.run(["pkill", "-TERM", "-s", str(self.process.pid)], check=False)
        self.process.stdin.close()
        self.process.wait(DEADLINE_SECONDS)
        self.process.stdout.close()


class Documentation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="certreg-docs-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/etc")
        os.makedirs(self.folder + "/certificates")
        for name, pem in zip(["device", "device-1", "device-2", "certificates/a", "spare"], certificates(5)):
            pathlib.Path(self.folder, name + ".pem").write_text(pem)
        rows = ["serial,certificate"] + [f'{n},"{pem.strip()}"' for n, pem in enumerate(certificates(3))]
        pathlib.Path(self.folder, "batch.csv").write_text("\n".join(rows) + "\n")
        # The mistakes that the example of --check-config reports, on its lines.
        pathlib.Path(self.folder, "etc/new.yaml").write_text(
            "log:\n  level: info\nsocket:\n  windw: 1\n  mode: '0660'\n\nqueue:\n  maxEntries: 1\n  maxAge: 1y\n")
        pathlib.Path(self.folder, "etc/device.json").write_text(json.dumps({
            "Parameters": {"CertificateId": {"Type": "String"}},
            "Resources": {"certificate": {
                "Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "CertificateId"}}}}}))
        openssl("req", "-x509", "-nodes", "-newkey", "rsa:1024", "-keyout", os.devnull, "-out",
                self.folder + "/weak.pem", "-subj", "/CN=device-1", "-days", "30")
        self.port = str(free_port())
        programs = [str(PROGRAMS.resolve()), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
        unset = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_DEFAULT_REGION": None}
        self.environment = clean_environment(PATH=os.pathsep.join(programs), AWS_MAX_ATTEMPTS="10", **unset)

    def here(self, text):
        """The text with this test's paths."""
        for shown, actual in (("/tmp/", self.folder + "/"), ("/etc/certregd/", self.folder + "/etc/"),
                              (".build/debug/", f"{PROGRAMS.resolve()}/"), ("8080", self.port)):
            text = text.replace(shown, actual)
        return text

    def test_every_block_runs_or_says_why_not(self):
        for document in DOCUMENTS:
            for block in blocks(document):
                with self.subTest(str(block)):
                    self.assertIsNotNone(block.language, "an indented block: fence it and name its language")
                    if not block.marker:
                        self.assertIn(block.language, {"sh", "console", "python", "c", "json", "yaml", "ini", "text"})
                        # Only diagrams and messages are not checked: no command may hide among them.
                        if block.language == "text":
                            self.assertNotRegex(block.text, r"(?m)^[$#] |^(sudo|certreg|systemctl)")
                    elif block.marker.startswith("run by "):
                        script = (ROOT / block.marker.removeprefix("run by ")).read_text()
                        for command in commands(block.text):
                            # With other arguments or variables it would be another command.
                            self.assertRegex(script, rf"(?m)(?:^|^run |^\w+=\$\(){re.escape(command)}\)?$")
                    elif not block.marker.startswith("sample "):  # Those are read by CertRegClientTests.
                        self.assertRegex(block.marker, r"\Akeeps running\Z|\Anot run: .{12}")

    def is_run(self, block):
        return block.marker is None or block.marker == "keeps running"

    def run_document(self, name, **variables):
        """Runs all of a document's blocks. Returns the output of blocks that keep running."""
        running = []
        with Shell(self.folder, self.environment | variables) as shell:
            for block in filter(self.is_run, blocks(ROOT / name)):
                with self.subTest(str(block)):
                    if block.marker == "keeps running":
                        running.append(self.keep(shell, block, len(running)))
                    elif block.language in ("sh", "console", "python", "c"):
                        self.run_block(shell, block)
                    elif block.language == "yaml":
                        self.load(block)
                    elif block.language == "ini":
                        configparser.ConfigParser().read_string(block.text)
            if running:
                # A registration for a watch to report.
                ok, said = shell.run(f"certregctl register --socket {self.folder}/certregd.sock spare.pem\n")
                self.assertTrue(ok, said)
            end = time.monotonic() + DEADLINE_SECONDS
            while any(not path.read_text() for path in running) and time.monotonic() < end:
                time.sleep(0.02)
            _, jobs = shell.run("jobs -r\n")
            self.assertEqual(jobs.count(" bash "), len(running), jobs)
        return [path.read_text() for path in running]

    def keep(self, shell, block, number):
        """Starts a block. Returns the file of its output."""
        path = pathlib.Path(self.folder, f"keep-{number}")
        path.write_text(self.here(block.text))
        output = path.with_suffix(".out")
        ok, said = shell.run(f"bash {path} >{output} 2>&1 &\n")
        self.assertTrue(ok, said)
        self.await_sockets(block.text)
        return output

    def await_sockets(self, text):
        """Waits for the daemon that a block starts."""
        for path in re.findall(r"certregd .*--socket (\S+)", self.here(text)):
            end = time.monotonic() + DEADLINE_SECONDS
            while not os.path.exists(path) and time.monotonic() < end:
                time.sleep(0.02)

    def run_block(self, shell, block):
        text = self.here(block.text)
        if usage := re.search(r'(?m)^(?:#|""") ?usage: (\S+) ((?:[\w*-]+\.pem ?)+)', text):
            pathlib.Path(self.folder, usage[1]).write_text(text)
            interpreter = {"sh": "bash", "python": sys.executable}[block.language]
            ok, said = shell.run(f"{interpreter} {usage[1]} {usage[2]}\n")
            self.assertTrue(ok, said)
            self.assertIn("arn:aws:iot:", said)
            ok, said = shell.run(f"{interpreter} {usage[1]} weak.pem\n")
            self.assertRegex(said, "weak_rsa_key|CertificateValidationException")
        elif block.language == "c":
            pathlib.Path(self.folder, "register.c").write_text(text)
            line = re.search(r"`(cc [^`]*)`, then `(\./register [^`]*)`", block.document.read_text())
            ok, said = shell.run(f"{line[1]}\n{line[2]}\n")
            self.assertTrue(ok, said)
            self.assertIn('"certificateArn":"arn:aws:iot:', said)
            self.assertNotIn("warning", said)
            ok, said = shell.run("./register weak.pem\n")
            self.assertFalse(ok)
            self.assertIn("weak_rsa_key", said)
        elif block.language == "console":
            command, shown = text.removeprefix("$ ").split("\n", 1)
            _, said = shell.run(command + "\n")
            self.assertRegex(said, template(shown))
        else:
            ok, said = shell.run(text)
            self.assertTrue(ok, said)
            self.await_sockets(block.text)

    def load(self, block):
        path = pathlib.Path(self.folder, "loaded.yaml")
        path.write_text(self.here(block.text))
        result = subprocess.run([str(PROGRAMS / "certregd"), "--check-config", "--config", str(path)],
                                env=self.environment, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, "ok\n"), result.stderr)

    def test_readme(self):
        said = self.run_document("README.md")
        self.assertIn("serves", said[0])
        shown = [block for block in blocks(ROOT / "README.md") if block.language == "json"]
        with Daemon("--sandbox", environment=self.environment) as daemon:
            pem = pathlib.Path(self.folder, "spare.pem").read_text()
            answer = subprocess.run(
                ["socat", "-t", "60", "-", f"UNIX-CONNECT:{daemon.socket}"], capture_output=True, text=True, check=True,
                input=json.dumps({"id": 1, "certificatePem": pem, "status": "ACTIVE"}) + "\n").stdout
        self.assertEqual(len(shown), 1)
        self.assertRegex(answer, template(shown[0].text))

    def test_clients(self):
        watched = self.run_document("docs/clients.md")
        self.assertIn("created", watched[0])

    def test_errors(self):
        shown = [block.text for block in blocks(ROOT / "docs/errors.md") if block.language == "json"]
        weak = pathlib.Path(self.folder, "weak.pem").read_text()
        with Daemon("--sandbox") as daemon, daemon.connect() as connection, connection.makefile("rb") as lines:
            for text, operation in zip(shown, ("register", "validate"), strict=True):
                connection.sendall(json.dumps({"id": 1, "op": operation, "certificatePem": weak}).encode() + b"\n")
                self.assertRegex(lines.readline().decode(), template(text))

    def test_credentials(self):
        self.run_document("docs/credentials.md")
        policies = [block for block in blocks(ROOT / "docs/credentials.md") if block.language == "json"]
        statements = [json.loads(block.text)["Statement"] for block in policies]
        self.assertEqual(statements[0][0]["Action"], "iot:RegisterCertificateWithoutCA")

    def test_other_documents(self):
        for document in DOCUMENTS:
            name = str(document.relative_to(ROOT))
            if name not in ("README.md", "docs/clients.md", "docs/errors.md", "docs/credentials.md"):
                with Daemon("--sandbox", environment=self.environment) as daemon:
                    self.run_document(name, CERTREGD_SOCKET=daemon.socket)


if __name__ == "__main__":
    unittest.main()
