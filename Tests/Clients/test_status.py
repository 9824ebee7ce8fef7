"""The status of certificates that certregctl sets through certregd, as boto3 sees it in a sandbox that checks signatures."""

import json
import pathlib
import signal
import subprocess
import urllib.request

from daemon import PROGRAMS, Daemon, certificate_id, certificates
from sandbox import REGION, SIGNATURES, SandboxTestCase, clean_environment
from test_boto3 import connect

COUNT = 60


class Status(SandboxTestCase):
    def setUp(self):
        super().setUp()
        self.sandbox = self.start(*SIGNATURES, "--control")
        self.iot = connect(self.sandbox)
        self.addCleanup(self.iot.close)
        self.pems = certificates(COUNT)
        self.source = self.folder / "all.pem"
        self.source.write_text("".join(self.pems))
        configuration = f"targets: {{default: {{endpoint: \"{self.sandbox.url}\", region: {REGION}, maxConcurrent: 1}}}}\n"
        self.daemon = Daemon(configuration=configuration, environment=clean_environment())
        self.daemon.__enter__()
        self.addCleanup(self.daemon.__exit__, None, None, None)

    def command(self, *arguments):
        return [str(PROGRAMS / "certregctl"), *map(str, arguments), "--socket", self.daemon.socket]

    def set_latency(self, milliseconds):
        """How long each UpdateCertificate takes. The daemon makes one at a time."""
        faults = {"operations": {"UpdateCertificate": {"latencyMs": [milliseconds, milliseconds]}}}
        request = urllib.request.Request(
            self.sandbox.url + "/sandbox/faults", json.dumps(faults).encode(), method="PUT")
        urllib.request.urlopen(request).close()

    def run_command(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120)

    def statuses(self):
        pages = self.iot.get_paginator("list_certificates").paginate()
        return {one["certificateId"]: one["status"] for page in pages for one in page["certificates"]}

    def test_activates_a_report_that_was_interrupted(self):
        report = self.folder / "report.csv"
        self.assertEqual(self.run_command("import", "--report", report, self.source).returncode, 0)
        self.assertEqual(set(self.statuses().values()), {"INACTIVE"})
        # A minute for all of them: nobody is late with the interruption.
        self.set_latency(1000)
        # A shell lets programs in the background ignore the interruption, and these tests with them.
        with subprocess.Popen(self.command("activate", report), stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as first:
            self.assertTrue(first.stdout.readline().startswith("updated\t"))
            first.send_signal(signal.SIGINT)
            others = first.stdout.read().splitlines()
        self.assertEqual(first.returncode, -signal.SIGINT)
        self.assertLess(1 + len(others), COUNT)
        self.set_latency(0)
        again = self.run_command("activate", report)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual([line.split("\t")[0] for line in again.stdout.splitlines()], ["updated"] * COUNT)
        self.assertEqual(list(self.statuses().values()), ["ACTIVE"] * COUNT)
        metrics = self.daemon.ask([{"id": 1, "op": "metrics"}])[1]["body"]
        calls = next(line for line in metrics.splitlines() if 'operation="UpdateCertificate"' in line)
        self.assertIn(int(float(calls.split()[-1])), range(COUNT, 2 * COUNT + 1))

    def test_sets_the_status_of_what_exists(self):
        pem = self.pems[0]
        self.iot.register_certificate_without_ca(certificatePem=pem)
        request = {"id": 1, "certificatePem": pem, "status": "ACTIVE", "ifExists": "update"}
        answer = self.daemon.ask([request])[1]
        self.assertEqual((answer["outcome"], answer["status"]), ("existing", "ACTIVE"))
        self.assertEqual(self.statuses()[certificate_id(pem)], "ACTIVE")

    def test_tells_that_there_is_no_such_certificate(self):
        path = pathlib.Path(self.folder, "one.pem")
        path.write_text(self.pems[1])
        result = self.run_command("revoke", "--json", path)
        self.assertEqual(result.returncode, 1, result.stderr)
        error = json.loads(result.stdout)["error"]
        self.assertEqual((error["type"], error["origin"]), ("ResourceNotFoundException", "upstream"))
