"""The verdict of certregd, asked with `validate` over its socket."""
import base64
import json
import os
import socket
import subprocess
import time

# Findings about time, strength or use, which no parser looks at.
BESIDE_THE_FORM = {
    "expired", "not_yet_valid", "validity_inverted", "weak_rsa_key", "roca_key", "unusual_rsa_exponent", "shared_key",
    "ca_certificate", "md5_signature", "sha1_signature",
}
# Some reasons stand for several checks; the beginnings of their messages tell them apart. Versions 1 and 2 are legal.
CHECKS = {
    "malformed_der": {
        "the bytes are no X.509 certificate": "no certificate", "the bytes do not begin": "no certificate",
        "the certificate is cut": "no certificate", "the certificate has an indefinite length": "BER",
        "the certificate is not DER": "BER", "a field of the certificate is encoded in BER": "BER",
        "the certificate is X.509 version": None, "a strict parser refuses the certificate": "strict",
        "notBefore": "time", "notAfter": "time",
    },
    "key_encoding": {
        "the RSA public key is followed": "trailing", "the RSA public key": "BER", "the BIT STRING": "unused bits",
        "the EC public key": "hybrid",
    },
    "unsupported_signature": {"the two signature algorithms": "mismatch", "": "algorithm"},
    "unsupported_key": {
        "the EC public key is no point": "point", "RSA key has": "numbers", "the RSA public key cannot": "undecodable",
        "the RSASSA-PSS": "undecodable", "": "algorithm",
    },
}


def label(finding):
    """The finding's reason, and which of the reason's checks made it; `None` for what is no fault of the form."""
    reason, message = finding["reason"], finding["message"]
    if reason not in CHECKS:
        return reason
    name = next(name for start, name in CHECKS[reason].items() if message.startswith(start))
    detail = message.split("strict parser refuses the certificate: ")[-1] if name == "strict" else ""
    return name and f"{reason}: {name}{detail and ': ' + detail}"


class Daemon:
    def __init__(self, programs, place):
        path = f"{place}/certregd.sock"
        open(f"{place}/certregd.yaml", "w").close()
        with open(f"{place}/certregd.log", "wb") as log:
            self.process = subprocess.Popen(
                [f"{programs}/certregd", "--sandbox", "--config", f"{place}/certregd.yaml", "--socket", path,
                 "--state-dir", f"{place}/state"], stderr=log)
        while not os.path.exists(path):
            if self.process.poll() is not None:
                raise SystemExit(f"certregd does not start: {open(f'{place}/certregd.log').read()}")
            time.sleep(0.05)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self.file = connection.makefile("rwb")

    def findings(self, der):
        """The labels of what `validate` finds about the form of a certificate."""
        text = base64.b64encode(der).decode()
        pem = "\n".join(["-----BEGIN CERTIFICATE-----", *(text[i:i + 64] for i in range(0, len(text), 64)),
                         "-----END CERTIFICATE-----", ""])
        self.file.write(json.dumps({"id": 1, "op": "validate", "certificatePem": pem}).encode() + b"\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        labels = {label(finding) for finding in answer["findings"] if finding["reason"] not in BESIDE_THE_FORM}
        return labels - {None}

    def stop(self):
        self.process.terminate()
        self.process.wait()
