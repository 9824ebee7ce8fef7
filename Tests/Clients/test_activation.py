"""Sockets from a service manager (sd_listen_fds(3)). A shell takes the manager's place and passes the descriptors."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from daemon import DEADLINE_SECONDS, PROGRAMS, environment

# The shell executes the daemon in its own process, so that the process ID is right.
PASS_STDIN_AND_STDOUT = 'exec 3<&0 4<&1 </dev/null >&2; export LISTEN_PID="${LISTEN_PID:-$$}"; exec "$@"'


class SocketActivation(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="certregd-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(str(self.folder / "passed.sock"))
        self.second = socket.socket(socket.AF_UNIX)
        self.second.bind(str(self.folder / "second.sock"))
        for listener in (self.control, self.second):
            self.addCleanup(listener.close)
            listener.listen()

    def start(self, *arguments, second=None, **variables):
        """The daemon with both sockets, and perhaps one of its own."""
        log = open(self.folder / "log", "wb")
        self.addCleanup(log.close)
        command = [str(PROGRAMS / "certregd"), "--socket", str(self.folder / "own.sock"),
                   "--state-dir", str(self.folder / "state"), *arguments]
        process = subprocess.Popen(
            ["/bin/sh", "-c", PASS_STDIN_AND_STDOUT, "sh", *command], stdin=self.control, stdout=second or self.second,
            stderr=log,
            env={**environment(), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "control:second", **variables})
        self.addCleanup(process.wait, DEADLINE_SECONDS)
        self.addCleanup(process.terminate)
        return process

    def ask(self, name):
        """The daemon's status over a socket that may not exist yet."""
        end = time.monotonic() + DEADLINE_SECONDS
        while True:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(DEADLINE_SECONDS)
                try:
                    connection.connect(str(self.folder / name))
                except OSError:
                    if time.monotonic() > end:
                        raise AssertionError((self.folder / "log").read_text()) from None
                    time.sleep(0.02)
                    continue
                connection.sendall(b'{"id":1,"op":"status"}\n')
                with connection.makefile() as lines:
                    return json.loads(lines.readline())

    def test_all_passed_sockets_are_served(self):
        self.start("--sandbox")
        for name in ("passed.sock", "second.sock", "passed.sock"):
            self.assertTrue(self.ask(name)["version"])
        self.assertFalse((self.folder / "own.sock").exists())

    def test_a_socket_that_cannot_be_served_is_named_and_the_clients_of_the_others_are_told(self):
        kinds = {"datagram": (socket.AF_UNIX, socket.SOCK_DGRAM), "internet": (socket.AF_INET, socket.SOCK_STREAM)}
        for kind, (family, form) in kinds.items():
            with self.subTest(kind), socket.socket(family, form) as other:
                other.bind(str(self.folder / kind) if family == socket.AF_UNIX else ("127.0.0.1", 0))
                if form == socket.SOCK_STREAM:
                    other.listen()
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(DEADLINE_SECONDS)
                    client.connect(str(self.folder / "passed.sock"))
                    process = self.start("--sandbox", second=other)
                    self.assertEqual(process.wait(DEADLINE_SECONDS), 78)
                    with client.makefile() as lines:
                        self.assertEqual(json.loads(lines.readline())["error"]["reason"], "start_failed")
                log = (self.folder / "log").read_text()
                self.assertIn("second) passed by the service manager is not a listening Unix stream socket", log)

    def test_sockets_for_another_process_are_left_alone(self):
        self.start("--sandbox", LISTEN_PID=str(os.getpid()))
        self.assertTrue(self.ask("own.sock")["version"])

    def test_what_the_daemon_starts_sees_neither_sockets_nor_their_variables(self):
        program = self.folder / "credentials"
        program.write_text("#!/bin/sh\nset -eu\n"
                           f"env >{self.folder}/seen\n"
                           f"for number in 3 4; do [ ! -e /proc/$$/fd/$number ] || echo OPEN=$number >>{self.folder}/seen; done\n"
                           """echo '{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"example"}'\n""")
        program.chmod(0o755)
        profile = self.folder / "aws"
        profile.write_text(f"[default]\ncredential_process = {program}\n")
        variables = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        self.start("--endpoint-url", "http://127.0.0.1:9", AWS_CONFIG_FILE=str(profile), **variables)
        self.assertTrue(self.ask("passed.sock")["version"])
        end = time.monotonic() + DEADLINE_SECONDS
        while "PATH=" not in (seen := (self.folder / "seen").read_text() if (self.folder / "seen").exists() else ""):
            self.assertLess(time.monotonic(), end, (self.folder / "log").read_text())
            time.sleep(0.02)
        self.assertNotIn("LISTEN_", seen)
        self.assertNotIn("OPEN=", seen)


if __name__ == "__main__":
    unittest.main()
