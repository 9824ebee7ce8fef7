"""Every command line of certregd's programs in README.md, docs, the manual pages and the help texts is one that they read.

None of them runs: each gets one option more that no program has. The program then has to complain of that option and of
nothing else.
"""

import json
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from daemon import PROGRAMS
from sandbox import clean_environment
from test_documentation import DOCUMENTS, ROOT, blocks, commands

NAMES = ("certregctl", "certregd", "certreg-sandbox")
EXTRA = "--no-program-has-this-option"
COMPLAINT = re.compile(rf"(?m)^Error: Unknown option '{EXTRA}'$")
PAGES = sorted((ROOT / "docs/man").glob("*.[158]"))


def command_lines(text):
    """The words of each command of ours in lines of shell, behind `sudo` and the like, in pipes and lists."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(re.sub(r"^[$#] ", "", line.strip()), posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        try:
            words = list(lexer)
        except ValueError:  # A quotation over several lines.
            continue
        command = []
        for word in [*words, ";"]:
            if set(word) <= set("();<>|&"):
                starts = [place for place, name in enumerate(command) if pathlib.PurePath(name).name in NAMES]
                if starts and all(re.match(r"sudo$|-|\w+=|if$|while$|until$|!$|exec$|time$|ssh$|station$", name)
                                  for name in command[:starts[0]]):
                    yield [pathlib.PurePath(command[starts[0]]).name, *command[starts[0] + 1:]]
                command = []
            else:
                command.append(word)


def mentions(document):
    """Command lines in the running text: a verb, and maybe options without the rest."""
    for span in re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", document.read_text())):
        for words in command_lines(span):
            # Whatever follows --help, the help is printed.
            if len(words) > 1 and "--help" not in words and (words[1].startswith("-") or words[0] == "certregctl"):
                yield words


def manual_examples(page):
    """The lines of a manual page that are shown as they are, without roff's escapes."""
    text = page.read_text()
    for part in re.findall(r"(?ms)^\.nf$\n(.*?)^\.fi$", text):
        yield from command_lines(part.replace("\\-", "-").replace("\\e", "\\"))


def help_examples():
    """The indented lines of the help texts."""
    for name in NAMES:
        dump = subprocess.run([PROGRAMS / name, "--experimental-dump-help"], check=True, capture_output=True).stdout
        command = json.loads(dump)["command"]
        for verb in [command, *command.get("subcommands", [])]:
            lines = [line for line in verb.get("discussion", "").splitlines() if line.startswith("  ")]
            yield from command_lines("\n".join(lines))


class CommandLines(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="certreg-lines-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # The one file that is read with the command line.
        pathlib.Path(self.folder, "keys.txt").write_text("ID:SECRET\n")

    def complaint(self, words):
        """What the program says of the command line with an unknown option at its end."""
        end = words.index("--") if "--" in words else len(words)
        line = [str(PROGRAMS / words[0]), *words[1:end], EXTRA, *words[end:]]
        result = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                cwd=self.folder, env=clean_environment())
        self.assertEqual(result.returncode, 64, result.stderr)
        return result.stderr

    def check(self, lines, least):
        found = {tuple(words) for words in lines}
        for words in sorted(found):
            with self.subTest(" ".join(words)):
                self.assertRegex(self.complaint(list(words)), COMPLAINT)
        self.assertGreaterEqual(len(found), least)

    def test_blocks_of_the_documents(self):
        texts = [block.text for document in DOCUMENTS for block in blocks(document)
                 if block.language in ("sh", "console", "ini")]
        self.check([words for text in texts for words in command_lines(text)], 15)

    def test_manual_pages(self):
        self.check([words for page in PAGES for words in manual_examples(page)], 20)

    def test_help_texts(self):
        self.check(help_examples(), 25)

    def test_mentions_in_the_documents(self):
        """A mention may leave out what has to follow, but has to name verbs and options that exist."""
        found = {tuple(words) for document in DOCUMENTS for words in mentions(document)}
        self.assertGreater(len(found), 8)
        for words in sorted(found):
            with self.subTest(" ".join(words)):
                said = self.complaint(list(words))
                self.assertRegex(said, rf"{COMPLAINT.pattern}|Missing expected argument|there is no verb")

    def test_options_of_all_verbs_precede_them(self):
        """Every verb with --socket, and every verb of a verb, ends alike whether the option is before or behind it."""
        dump = subprocess.run([PROGRAMS / "certregctl", "--experimental-dump-help"], check=True, capture_output=True).stdout

        def walk(command, path):
            arguments = command.get("arguments", [])
            if any(name["name"] == "socket" for argument in arguments for name in argument.get("names", [])):
                yield path + ["x" for argument in arguments
                              if argument["kind"] == "positional" and not argument["isOptional"]]
            for part in command.get("subcommands", []):
                yield from walk(part, [*path, part["commandName"]])

        lines = list(walk(json.loads(dump)["command"], []))
        self.assertIn(["fleet", "remove", "x"], lines)
        self.assertGreater(len(lines), 15)
        option = ["--socket", self.folder + "/none", "--timeout", "1"]
        for words in lines:
            with self.subTest(" ".join(words)):
                before, behind = (
                    subprocess.run([PROGRAMS / "certregctl", *line], stdin=subprocess.DEVNULL, capture_output=True,
                                   text=True, timeout=60, cwd=self.folder, env=clean_environment())
                    for line in (option + words, words + option))
                self.assertNotEqual(behind.returncode, 64, behind.stderr)
                self.assertEqual((before.returncode, before.stderr), (behind.returncode, behind.stderr))

    def test_options_that_advice_names(self):
        """Messages of certregctl name options, which a verb has to have."""
        options = set()
        for name in NAMES:
            dump = subprocess.run([PROGRAMS / name, "--experimental-dump-help"], check=True, capture_output=True).stdout
            options |= set(re.findall(r'"name" : "([\w-]+)"', dump.decode()))
        count = 0
        for path in sorted((ROOT / "Sources/CertRegClient").rglob("*.swift")):
            # The doctor runs and names programs of the system.
            if path.parent.name == "Doctor":
                continue
            for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()):
                if not re.search(r"\b(aws|git|gpg|systemctl|xmllint) ", literal):
                    for option in re.findall(r"(?<![\w-])--([a-z][a-z-]+)", literal):
                        count += 1
                        with self.subTest(f"{path.name}: --{option}"):
                            self.assertIn(option, options)
        self.assertGreater(count, 20)


class Verbs(unittest.TestCase):
    def test_watch_wants_a_line_at_least(self):
        for count in ("0", "-3"):
            result = self.run_ctl("watch", "--lines=" + count)
            self.assertEqual(result.returncode, 64, result.stderr)

    def run_ctl(self, *words):
        return subprocess.run([PROGRAMS / "certregctl", *words], capture_output=True, text=True,
                              env=clean_environment(LANG="C.UTF-8"))

    def test_common_options_may_precede_the_verb(self):
        for words in (["--socket", "/none", "status"], ["--socket=/none", "--json", "status"],
                      ["--timeout", "2", "--socket", "/none", "status"]):
            result = self.run_ctl(*words)
            self.assertEqual(result.returncode, 69, result.stderr)
            self.assertIn("no certregd at /none", result.stderr)

    def test_an_unknown_verb_gets_a_suggestion(self):
        result = self.run_ctl("regster", "device.pem")
        self.assertEqual(result.returncode, 64)
        self.assertIn("regster is not a verb; did you mean register?", result.stderr)
        self.assertIn("did you mean status?", self.run_ctl("--socket", "/none", "staus").stderr)
        self.assertEqual(self.run_ctl("--json").returncode, 64)
        self.assertEqual((self.run_ctl("--help").returncode, self.run_ctl().returncode), (0, 0))

    def test_a_time_limit_names_its_range(self):
        for text in ("10h", "0", "301", "5m1s", "-1", "soon"):
            result = self.run_ctl("status", f"--timeout={text}")
            self.assertEqual(result.returncode, 64)
            self.assertRegex(result.stderr, "from 1ms to 300s|a number with a unit: 30, 500ms")
        self.assertEqual(self.run_ctl("status", "--socket", "/none", "--timeout", "300").returncode, 69)

    def test_a_target_that_comes_twice_is_wrong_usage(self):
        result = self.run_ctl("lookup", "--target", "a", "--target", "a", "0" * 64)
        self.assertEqual(result.returncode, 64)
        self.assertIn("--target has the name a more than once", result.stderr)


if __name__ == "__main__":
    unittest.main()
