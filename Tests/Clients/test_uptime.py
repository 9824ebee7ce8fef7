"""A host that has been up for years, with large values of the clocks that count from its start."""

import shutil
import subprocess
import unittest

from daemon import Daemon, certificates

YEARS = 30 * 365 * 86400
NAMESPACE = ["unshare", "--time", "--monotonic", str(YEARS), "--boottime", str(YEARS)]


def can_make_namespaces():
    """Whether this kernel and user may give a process its own clocks (time_namespaces(7))."""
    return shutil.which("unshare") and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0


class Uptime(unittest.TestCase):
    @unittest.skipUnless(can_make_namespaces(), "needs leave to make a time namespace")
    def test_answers_new_and_known_certificates(self):
        daemon = Daemon("--sandbox")
        daemon.command = NAMESPACE + daemon.command
        requests = [{"id": number, "certificatePem": pem} for number, pem in enumerate(certificates(3))]
        with daemon:
            for cached in (False, True):
                answers = daemon.ask(requests)
                self.assertEqual([answers[number].get("cached") for number in range(3)], [cached] * 3, answers)


if __name__ == "__main__":
    unittest.main()
