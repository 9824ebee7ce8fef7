"""Other people's parsers. Each takes DER and gives "" where it takes a certificate with all that belongs to it, else an error."""
import ctypes
import ctypes.util
import pathlib
import re
import shutil
import subprocess
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

HERE = pathlib.Path(__file__).resolve().parent


class OpenSSL:
    """libcrypto: d2i_X509, which has to take every byte, the public key, and the extensions that it looks into."""

    INVALID = 0x80  # EXFLAG_INVALID

    def __init__(self):
        self.library = library = ctypes.CDLL(ctypes.util.find_library("crypto"))
        for name, result, arguments in [
            ("d2i_X509", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]),
            ("X509_get0_pubkey", ctypes.c_void_p, [ctypes.c_void_p]),
            ("X509_get_extension_flags", ctypes.c_uint32, [ctypes.c_void_p]),
            ("X509_free", None, [ctypes.c_void_p]), ("ERR_clear_error", None, []),
            ("ERR_get_error", ctypes.c_ulong, []), ("ERR_reason_error_string", ctypes.c_char_p, [ctypes.c_ulong]),
        ]:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    def parse(self, der):
        library = self.library
        library.ERR_clear_error()
        data = ctypes.create_string_buffer(der, len(der))
        position = ctypes.c_void_p(ctypes.addressof(data))
        certificate = library.d2i_X509(None, ctypes.byref(position), len(der))
        if not certificate:
            return f"certificate: {(library.ERR_reason_error_string(library.ERR_get_error()) or b'').decode()}"
        try:
            if position.value - ctypes.addressof(data) < len(der):
                return "bytes after the certificate"
            if not library.X509_get0_pubkey(certificate):
                return "public key"
            return "extensions" if library.X509_get_extension_flags(certificate) & self.INVALID else ""
        finally:
            library.X509_free(certificate)


class PyCA:
    """pyca/cryptography: what loading looks at, then names, extensions and the key, which are decoded when they are asked for."""

    def parse(self, der):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            part = "certificate"
            try:
                certificate = x509.load_der_x509_certificate(der)
                part = "times"
                _ = certificate.not_valid_before, certificate.not_valid_after
                part = "names"
                _ = certificate.subject, certificate.issuer
                part = "extensions"
                _ = certificate.extensions
                part = "key"
                _ = certificate.public_key()
                return ""
            except (ValueError, KeyError, TypeError, OverflowError, UnsupportedAlgorithm, x509.InvalidVersion,
                    x509.DuplicateExtension) as error:
                kind = re.search(r"kind: (\w+)", str(error))
                where = re.findall(r'"([\w:]+)"', str(error)) if kind else []
                return f"{part}: {kind[1] if kind else type(error).__name__} {' '.join(where)} {error if not kind else ''}".strip()


class Go:
    """crypto/x509 of Go, by a small program that reads all certificates at once."""

    @staticmethod
    def is_installed():
        return shutil.which("go") is not None

    def __init__(self, place):
        self.program = f"{place}/parse"
        self.build = subprocess.Popen(["go", "build", "-o", self.program, str(HERE / "parse.go")])

    def parse_all(self, certificates):
        if self.build.wait() != 0:
            raise SystemExit("parse.go cannot be built")
        lines = "".join(f"{der.hex()}\n" for der in certificates)
        answer = subprocess.run([self.program], input=lines, check=True, capture_output=True, text=True).stdout
        return answer.split("\n")[:-1]
