#!/usr/bin/env python3
"""A client of the daemon for tests.

ask.py status                    prints the answer to one request of that operation
ask.py register FILE             registers a certificate, prints the answer
ask.py queue FILE                the same without waiting for it
ask.py lookup FILE               prints what is known of a certificate
ask.py load SECONDS              many short connections, one request each; prints "N answered, M refused, K failed". Refused is
                                 the clear answer of a daemon that is stopping; a connection that breaks has failed.
"""
import json, os, socket, sys, threading, time

PATH = os.environ.get("SOCKET", "/run/certregd/certregd.sock")


def ask(request, timeout=20):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(PATH)
        s.sendall(json.dumps(request).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            part = s.recv(65536)
            if not part:
                raise OSError("closed without an answer")
            line += part
        return json.loads(line)


def load(seconds):
    counts, end = {"ok": 0, "refused": 0, "failed": 0}, time.monotonic() + seconds
    lock, said = threading.Lock(), set()

    def loop():
        while time.monotonic() < end:
            try:
                error = ask({"id": 1, "op": "status"}).get("error")
                kind = "ok"
                if error:
                    kind = "refused" if error["type"] == "ServiceUnavailableException" and error["retryable"] else "failed"
            except (OSError, ValueError) as e:
                kind = "failed"
                said.add(str(e))
            with lock:
                counts[kind] += 1
            time.sleep(.005)
    threads = [threading.Thread(target=loop) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print("%(ok)d answered, %(refused)d refused, %(failed)d failed" % counts, *sorted(said))
    sys.exit(counts["failed"] > 0 or counts["ok"] == 0)


if sys.argv[1] == "load":
    load(float(sys.argv[2]))
if sys.argv[1] in ("register", "queue", "lookup"):
    request = {"id": 1, "op": "lookup" if sys.argv[1] == "lookup" else "register", "certificatePem": open(sys.argv[2]).read()}
    answer = ask(request | ({"wait": False} if sys.argv[1] == "queue" else {}))
else:
    answer = ask({"id": 1, "op": sys.argv[1]})
print(json.dumps(answer))
sys.exit("error" in answer)
