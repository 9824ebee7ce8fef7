#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets: seeds.py FOLDER [VECTORS]

From VECTORS (certs/manifest.json, protocol.jsonl) where that folder is given, else from what the repository has: the
examples of the documentation, and certificates made here. Hostile certificates come along in any case.
"""
import base64, bz2, gzip, hashlib, io, json, lzma, pathlib, re, subprocess, sys, tarfile, tempfile, zipfile

folder = pathlib.Path(sys.argv[1])
vectors = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Tests/Hostile"))
import corpus  # noqa: E402, from the folder above
# Python writes no 7z: two members of 100 bytes, written by libarchive.
SEVEN_ZIP = (
    "N3q8ryccAAPkSybbagAAAAAAAAAgAAAAAAAAAN8CVJ4AMO6eYt0fSb7f//6uqAAAAIEzB64Pzt0HYQkqrtViZNtPpJt61ji1VYb4"
    "+xpKkNcsfufy7g9NsbcOzLJzscv4AFQZmObfZhG5yUbk2R8RoodFyWZURemhF04WvcUdQuDOlXrFX/+xXIAAFwYPAQlbAAcLAQAB"
    "IwMBAQVdAACAAAxnCgFfWefjAAA=")
BLOCK = re.compile(rb"-----BEGIN [^-]*-----(.*?)-----END ", re.S)


def write(target, data):
    place = folder / target
    place.mkdir(parents=True, exist_ok=True)
    (place / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def write_certificate(text):
    write("pem", text)
    if len(text) < 8192:
        write("line", json.dumps({"id": 1, "certificatePem": text.decode("utf-8", "replace")}).encode() + b"\n")
    block = BLOCK.search(text)
    try:
        write("der", base64.b64decode(re.sub(rb"\s", b"", block.group(1)), validate=True))
    except (AttributeError, ValueError):
        pass  # Not every seed is a certificate.


def own_certificates():
    keys = [["rsa:2048"], ["rsa:1024"], ["ed25519"]]
    keys += [["ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"] for curve in ("P-256", "P-384", "P-521", "secp256k1")]
    keys += [["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"]]
    keys += [["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"]]
    with tempfile.TemporaryDirectory() as place:
        for key in keys:
            command = ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-subj", "/O=Acme/CN=device",
                       "-keyout", f"{place}/key", "-addext", "subjectAltName=DNS:device.example,IP:192.0.2.1"]
            text = subprocess.run(command, check=True, capture_output=True).stdout
            yield text
            yield text.replace(b"\n", b"\r\n")
            yield b"Bag Attributes\n" + text + pathlib.Path(place, "key").read_bytes()


def long_lines():
    """Lines of about the greatest length, of kinds that cost much time if the cost is not linear."""
    full = 1 << 20
    pieces = [b"a", rb"\ud800", rb"\ud83d\ude00", rb"\n", "é".encode(), "😀".encode(), rb"\u0069"]
    frames = [(b'{"id":1,"certificatePem":"', b'"}'), (b'{"', b'":1}'), (b'{"op":"watch","target":"', b'"}')]
    frames += [(b'{"certificatePem":"x","attributes":{"a":"', b'"}}'), (b'{"certificatePem":"x","attributes":{"', b'":""}}')]
    for piece in pieces:
        for head, tail in frames:
            yield head + piece * ((full - len(head) - len(tail)) // len(piece)) + tail + b"\n"
    # Beyond the limit, for the error.
    yield b"a" * (full - 6) + rb"\ud800" * 8000 + b"\n"
    yield b'{"target":[' + b'"eu",' * ((full - 20) // 5) + b'"eu"]}\n'
    yield b'{"attributes":{' + b'"a":"",' * ((full - 30) // 7) + b'"b":""}}\n'
    yield b'{"certificatePem":"x","provision":"p","attributes":{"site":"7","s\\u00e9":"\xc3\xbc"}}\n'
    yield b'{"id":' + b"9" * (full - 10) + b"}\n"
    yield b'{"id":1.7976931348623157' + b"0" * (full - 40) + b"e308}\n"
    yield b'{"wait":[' + b"[[[[1]]]]," * ((full - 20) // 10) + b"1]}\n"
    yield b"{" + b'"a":1,' * ((full - 20) // 6) + b'"b":1}\n'
    yield b"{}\n" * (full // 64)


def archives():
    """Small archives of the forms that Python writes, one in the other and damaged; of 7z a fixed one with two members."""
    members = [("a/b.pem", b"first " * 40), ("c.der", bytes(range(256)))]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as archive:
            for name, content in members:
                header = tarfile.TarInfo("ä" * 70 + name if form != tarfile.USTAR_FORMAT else name)
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
        yield file.getvalue()[:4096]
    zips = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members + [("inner.zip", zips[0])] if zips else members:
                archive.writestr(name, content)
        zips.append(file.getvalue())
    yield from zips
    for content in (zips[1], members[0][1]):
        yield from (gzip.compress(content), bz2.compress(content), lzma.compress(content))
    cpio = b""
    for name, content in [*members, ("TRAILER!!!", b"")]:
        fields = [1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        for part in (head, content):
            cpio += part + bytes(-len(part) % 4)
    yield cpio
    yield base64.b64decode(SEVEN_ZIP)


def inputs(certificate):
    """The forms of files that people have, with one certificate each; the first byte stands for the options."""
    pem = certificate.decode()
    lines = pem.strip().split("\n")
    body = "".join(lines[1:-1])
    escaped = pem.replace("\n", "\\n")
    texts = [
        pem, "\ufeffsubject=CN = device\n" + pem + pem, pem.replace("BEGIN", "BEGINN", 1), body, body + "\n" + body,
        f'deviceId,cert\nd1,"{pem}"\nd2,{body}\n\n', f"sep=;\nname;certificate\nd;{escaped}\n",
        json.dumps({"deviceId": "d", "certificatePem": pem}) + "\n", json.dumps([{"cert": body}, {"x": [pem, None]}], indent=1),
        "".join(f'"{line}\\n"\n' for line in lines), "\t" + pem.replace("\n", "\n\t"),
        pem.replace("CERTIFICATE", "PRIVATE KEY") + pem, json.dumps({"keyPair": {"PrivateKey": pem.replace("CERTIFICATE", "EC PRIVATE KEY")}}),
    ]
    for text in texts:
        yield text.encode()
    yield pem.encode("utf-16")
    yield base64.b64decode(body)


for archive in archives():
    write("archive", archive)
    write("input", b"\0" + archive)
    write("archive", archive[:len(archive) // 2])
for line in long_lines():
    write("line", line)
for certificate in own_certificates():
    write_certificate(certificate)
    if len(certificate) < 1000 and b"\r" not in certificate and certificate.startswith(b"-----"):
        for number, text in enumerate(inputs(certificate)):
            write("input", bytes([number % 8]) + text)
for _, der in corpus.cases():
    write("der", der)
for _, text in corpus.texts():
    write("pem", text.encode())
for document in (root / "docs").glob("*.md"):
    for line in re.findall(r"^\s*(\{.*\})\s*$", document.read_text(), re.M):
        write("line", line.encode() + b"\n")
if vectors:
    for case in json.loads((vectors / "certs/manifest.json").read_text())["cases"]:
        write_certificate((vectors / "certs" / case["file"]).read_bytes())
    for case in (vectors / "protocol.jsonl").read_text().splitlines():
        parts = json.loads(case)["send"]
        write("line", b"".join(part.get("t", "").encode() + base64.b64decode(part.get("b64", "")) for part in parts))
