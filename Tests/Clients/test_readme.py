"""The lines of the README that a person would paste, as they are written there."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

from daemon import PROGRAMS, Daemon, certificate_id, environment

README = (pathlib.Path(__file__).resolve().parent.parent.parent / "README.md").read_text()


def command(start):
    """The line of a shell block of the README that begins so."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith(start)]
    assert len(lines) == 1, f"the README has {len(lines)} lines that begin with {start}"
    return lines[0]


class Readme(unittest.TestCase):
    def run_line(self, line, daemon):
        """Runs a line with this test's daemon, folder and programs in place of the README's."""
        line = line.replace("/tmp/", daemon.folder + "/")
        line = line.replace(".build/debug/", f"{PROGRAMS}/")
        return subprocess.run(["sh", "-c", line], env=environment(), check=True, capture_output=True, text=True).stdout

    @unittest.skipUnless(shutil.which("socat"), "socat is not installed")
    def test_socat(self):
        with Daemon("--sandbox") as daemon:
            answer = json.loads(self.run_line(command("printf"), daemon))
        self.assertEqual(answer["id"], "hello")
        self.assertEqual(answer["state"], "running")

    def test_certregctl(self):
        with Daemon("--sandbox") as daemon:
            self.run_line(command("openssl req"), daemon)
            said = self.run_line(command(".build/debug/certregctl register"), daemon)
            wanted = certificate_id(pathlib.Path(daemon.folder, "device-2.pem").read_text())
            status = self.run_line(command(".build/debug/certregctl status"), daemon)
        self.assertIn(wanted, said)
        self.assertIn("created", said)
        self.assertIn("sandbox", status)


if __name__ == "__main__":
    unittest.main()
