"""Credentials of another account: results of the first one are not answered, after a reload as after a restart."""

import http.server
import json
import pathlib
import re
import signal
import tempfile
import threading
import time
import unittest

from daemon import DEADLINE_SECONDS, Daemon, certificate_id, certificates, environment

# Keys of two accounts, in the form that shows the account.
ACCOUNTS = {"AKIAQAAAAAAAFIRSTKEY": "111111111111", "AKIAQAAAAAAAOTHERKEY": "111111111111", "AKIAQBBBBBBBFIRSTKEY": "222222222222"}
FIRST, SAME, OTHER = ACCOUNTS


class Upstream(http.server.ThreadingHTTPServer):
    """Registers in the account of the key that signed the request."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.known = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        account = ACCOUNTS[re.search(r"Credential=(\w+)/", self.headers["Authorization"])[1]]
        name = certificate_id(body["certificatePem"])
        arn = f"arn:aws:iot:eu-west-1:{account}:cert/{name}"
        is_known = (account, name) in self.server.known
        self.server.known.add((account, name))
        answer = {"message": "there", "resourceId": name, "resourceArn": arn} if is_known else {
            "certificateId": name, "certificateArn": arn}
        text = json.dumps(answer).encode()
        self.send_response(409 if is_known else 200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        if is_known:
            self.send_header("x-amzn-ErrorType", "ResourceAlreadyExistsException")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def restart(daemon):
    """Stops the daemon, and starts another one on the same state."""
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.wait(DEADLINE_SECONDS)
    daemon.log.close()
    daemon.__enter__()


class Accounts(unittest.TestCase):
    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.server_close)
        self.addCleanup(self.upstream.shutdown)
        self.folder = tempfile.TemporaryDirectory(prefix="certreg-accounts-")
        self.addCleanup(self.folder.cleanup)
        self.keys = pathlib.Path(self.folder.name, "credentials")
        self.configuration = (
            "targets:\n  default:\n    region: eu-west-1\n"
            f"    endpoint: http://127.0.0.1:{self.upstream.server_address[1]}\n")
        self.environment = {name: value for name, value in environment().items() if not name.startswith("AWS_")}
        self.environment.update(AWS_SHARED_CREDENTIALS_FILE=str(self.keys), AWS_EC2_METADATA_DISABLED="true")
        self.pem, self.other_pem = certificates(2)

    def use(self, key):
        self.keys.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = example\n")

    def register(self, daemon, pem):
        answer = daemon.ask([{"id": 1, "op": "register", "certificatePem": pem, "status": "ACTIVE"}])[1]
        self.assertIn("certificateArn", answer)
        return answer["certificateArn"].split(":")[4], answer["outcome"], answer["cached"]

    def check(self, daemon):
        """What a daemon answers that got the keys of the other account, and then the first ones again."""
        self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[OTHER], "created", False))
        self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[OTHER], "created", True))

    def test_restart(self):
        self.use(FIRST)
        with Daemon(configuration=self.configuration, environment=self.environment) as daemon:
            self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[FIRST], "created", False))
            restart(daemon)
            self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[FIRST], "created", True))
            self.use(SAME)
            restart(daemon)
            self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[FIRST], "created", True))
            self.use(OTHER)
            restart(daemon)
            self.check(daemon)
            self.use(FIRST)
            restart(daemon)
            self.assertEqual(self.register(daemon, self.other_pem), (ACCOUNTS[FIRST], "created", False))
            self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[FIRST], "created", True))

    def test_reload(self):
        self.use(FIRST)
        other = pathlib.Path(self.folder.name, "other")
        other.write_text(f"[default]\naws_access_key_id = {OTHER}\naws_secret_access_key = example\n")
        with Daemon(configuration=self.configuration, environment=self.environment) as daemon:
            self.assertEqual(self.register(daemon, self.pem), (ACCOUNTS[FIRST], "created", False))
            path = pathlib.Path(daemon.folder, "config.yaml")
            path.write_text(self.configuration + f"    credentials:\n      profile:\n        file: {other}\n")
            daemon.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + DEADLINE_SECONDS
            while "event=reloaded" not in pathlib.Path(daemon.folder, "log").read_text():
                self.assertLess(time.monotonic(), end, "no reload")
                time.sleep(0.02)
            self.check(daemon)


if __name__ == "__main__":
    unittest.main()
