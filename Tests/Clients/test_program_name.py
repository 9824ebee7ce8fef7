"""certregd under the name of certreg-sandbox, which packages install as a link to it."""

import pathlib
import signal
import subprocess
import tempfile
import unittest

from daemon import PROGRAMS
from sandbox import clean_environment

CERTREGD = (PROGRAMS / "certregd").resolve()
SANDBOX = PROGRAMS / "certreg-sandbox"


def outcome(words, program=None):
    """What a program prints and its status; `program` is the file to execute, if `words` begins with another name."""
    result = subprocess.run([str(word) for word in words], executable=program, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=60, env=clean_environment())
    return result.returncode, result.stdout, result.stderr


class ProgramName(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # As in a package.
        root = pathlib.Path(folder.name)
        (root / "bin").mkdir()
        (root / "sbin").mkdir()
        (root / "sbin/certregd").symlink_to(CERTREGD)
        self.link = root / "bin/certreg-sandbox"
        self.link.symlink_to("../sbin/certregd")

    def test_the_last_component_of_the_name_decides(self):
        sandbox, daemon = outcome([SANDBOX, "--help"]), outcome([CERTREGD, "--help"])
        self.assertNotEqual(sandbox, daemon)
        for name in ("certreg-sandbox", "/usr/bin/certreg-sandbox", "./certreg-sandbox", "certregd/certreg-sandbox"):
            self.assertEqual(outcome([name, "--help"], CERTREGD), sandbox, name)
        for name in ("certregd", "", "-certreg-sandbox", "certreg-sandbox.old", "certreg-sandbox/", "certreg-sandbox/certregd",
                     "/proc/self/exe"):
            self.assertEqual(outcome([name, "--help"], CERTREGD), daemon, name)

    def test_the_link_says_what_the_sandbox_says(self):
        lines = (["--help"], ["--experimental-dump-help"], ["--generate-completion-script", "bash"], ["--version"], ["--port", "x"],
                 ["--config", "x"], ["--tls-certificate", "none", "--tls-key", "none"], ["--state", "/none/register"],
                 ["--host", "192.0.2.1"])
        for line in lines:
            with self.subTest(" ".join(line)):
                self.assertEqual(outcome([self.link, *line]), outcome([SANDBOX, *line]))
        self.assertIn("\nUSAGE: certreg-sandbox ", outcome([self.link, "--help"])[1])

    def test_the_link_serves_until_a_signal(self):
        with subprocess.Popen([self.link, "--port", "0"], stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
            self.assertRegex(process.stdout.readline(), r"^listening on http://127\.0\.0\.1:\d+$")
            self.assertEqual(pathlib.Path(f"/proc/{process.pid}/comm").read_text(), "certreg-sandbox\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)


if __name__ == "__main__":
    unittest.main()
