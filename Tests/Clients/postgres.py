"""A PostgreSQL server of Debian's package for a test, with a folder of its own."""

import glob
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

from daemon import DEADLINE_SECONDS, free_port


def program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    if not found:
        raise RuntimeError(f"there is no {name}: install the package postgresql")
    return found[-1]


class Postgres:
    """A server on loopback and on a socket in its folder, which trusts everybody. The role `owner` owns the database `fleet`."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="certregd-postgres-"))
        self.port = free_port()
        self.process = None
        self.user = {}
        if os.geteuid() == 0:
            # The server does not run as root.
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        os.chmod(self.folder, 0o755)
        self.run("initdb", "-N", "-D", self.folder / "data", "-U", "admin", "-A", "trust", "-E", "UTF8", "--no-locale")
        self.start()
        self.sql("CREATE ROLE owner LOGIN", database="postgres")
        self.sql("CREATE DATABASE fleet OWNER owner", database="postgres")

    def run(self, name, *arguments):
        subprocess.run([program(name), *map(str, arguments)], check=True, capture_output=True, cwd="/", **self.user)

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [program("postgres"), "-D", str(self.folder / "data"), "-c", f"port={self.port}", "-c", "fsync=off",
             "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd="/", **self.user)
        end = time.monotonic() + DEADLINE_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("PostgreSQL did not start: " + (self.folder / "log").read_text())
            time.sleep(0.05)

    def answers(self):
        return self.psql("SELECT 1", "postgres", "admin").returncode == 0

    def psql(self, text, database, user):
        return subprocess.run(
            [program("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port),
             "-U", user, "-d", database], input=text, capture_output=True, text=True, cwd="/")

    def sql(self, text, database="fleet", user="admin"):
        result = self.psql(text, database, user)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return result.stdout.strip()

    def kill(self):
        """As a loss of power would end it, for all that its clients see."""
        self.process.kill()
        self.process.wait()
        self.log.close()
        # Its children end by themselves once it is gone.
        end = time.monotonic() + DEADLINE_SECONDS
        while self.answers() and time.monotonic() < end:
            time.sleep(0.05)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, user="owner"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/fleet"
