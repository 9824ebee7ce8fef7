"""Compares manual pages and completions with their programs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from daemon import PROGRAMS
from sandbox import clean_environment

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs/man").glob("*.[158]"))


def verbs():
    dump = subprocess.run([PROGRAMS / "certregctl", "--experimental-dump-help"], check=True, capture_output=True).stdout
    return {verb["commandName"]: verb for verb in json.loads(dump)["command"]["subcommands"]}


class Manual(unittest.TestCase):
    def test_the_pages_are_what_the_programs_say(self):
        result = subprocess.run([ROOT / "scripts/manual", "--check", PROGRAMS], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr + "run scripts/manual PROGRAMS")

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing(self):
        self.assertEqual(len(PAGES), 4)
        result = subprocess.run(["mandoc", "-T", "lint", *PAGES], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_man_warns_of_nothing(self):
        for page in PAGES:
            result = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True, text=True,
                env=os.environ | {"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
            self.assertEqual((result.returncode, result.stderr), (0, ""), page)

    def test_every_verb_and_option_has_its_place(self):
        page = (ROOT / "docs/man/certregctl.1").read_text().replace("\\-", "-")
        for name, verb in verbs().items():
            if name != "help":
                self.assertTrue(re.search(rf"(?m)^\.SS {name}( |$)", page), name)
                for argument in verb["arguments"]:
                    for option in argument.get("names", []):
                        self.assertIn(option["name"], page)


class Help(unittest.TestCase):
    def test_the_help_has_the_exit_statuses_of_the_documents(self):
        help = subprocess.run([PROGRAMS / "certregctl", "--help"], check=True, capture_output=True, text=True).stdout
        listed = re.sub(r"\s+", " ", help).split("Exit codes (sysexits): ")[1].split(".")[0]
        documented = re.findall(r"(?m)^\| (\d+) \|", (ROOT / "docs/clients.md").read_text().split("| exit code |")[1])
        self.assertEqual(re.findall(r"(?:^|, )(\d+) ", listed), documented)
        self.assertGreater(len(documented), 12)

    def test_its_examples_are_command_lines(self):
        """Without a daemon: each fails for lack of a daemon or of its files, not as a wrong command line (64)."""
        count = 0
        with tempfile.TemporaryDirectory() as folder:
            variables = clean_environment(CERTREGD_SOCKET=folder + "/none",
                                          PATH=os.pathsep.join([str(PROGRAMS.resolve()), os.environ["PATH"]]))
            for name, verb in verbs().items():
                # Completions go to files outside of this test's folder.
                examples = [line for line in verb.get("discussion", "").splitlines()
                            if re.match(r" +(openssl|gzip|certregctl) ", line) and name != "completions"]
                self.assertTrue(examples or name in ("completions", "help"), f"{name} has no example")
                for example in examples:
                    with self.subTest(example.strip()):
                        result = subprocess.run(["bash", "-o", "pipefail", "-c", example], cwd=folder, env=variables,
                                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                        self.assertNotIn(result.returncode, (0, 64, 127), result.stderr)
                        count += 1
        self.assertGreater(count, 15)


class Completions(unittest.TestCase):
    def script(self, shell):
        return subprocess.run([PROGRAMS / "certregctl", "completions", shell], check=True, capture_output=True,
                              text=True).stdout

    def test_each_shell_can_read_its_own(self):
        for shell in ("bash", "zsh", "fish"):
            if shutil.which(shell):
                with self.subTest(shell):
                    result = subprocess.run([shell, "-n", "/dev/stdin"], input=self.script(shell), text=True,
                                            capture_output=True)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_they_know_every_verb_and_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.script(shell)
            for name, verb in verbs().items():
                with self.subTest(f"{shell} {name}"):
                    self.assertIn(name, script)
                    for argument in verb["arguments"]:
                        for option in argument.get("names", []):
                            self.assertIn(option["name"], script)

    def complete(self, *words):
        """Bash's proposals for the last of `words`."""
        line = " ".join(words)
        code = f"""
            COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1} COMP_TYPE=9
            COMP_LINE='{line}' COMP_POINT={len(line)} COMPREPLY=()
            _certregctl certregctl '{words[-1]}' '{words[-2]}'
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        return subprocess.run(["bash", "-c", self.script("bash") + code], check=True, capture_output=True, text=True,
                              cwd=ROOT).stdout.split()

    def test_what_bash_proposes(self):
        self.assertEqual(self.complete("certregctl", "reg"), ["register"])
        self.assertEqual(self.complete("certregctl", "import", "--form"), ["--format"])
        self.assertIn("PENDING_ACTIVATION", self.complete("certregctl", "register", "--status", ""))
        self.assertIn("README.md", self.complete("certregctl", "register", "READ"))


if __name__ == "__main__":
    unittest.main()
