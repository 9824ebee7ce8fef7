"""The classes of differences between certregd and the other parsers, each with its reason.

The baseline of certregd is OpenSSL's decoder of certificates: the bytes that it refuses are no certificate. On top of it
`validate` reports what RFC 5280, X.690 or AWS IoT does not allow, whether a policy refuses it or not. docs/errors.md names what
it deliberately passes over.
"""
import re

# Where a parser refuses the value of an extension other than basicConstraints and keyUsage.
ELSEWHERE = "refuses the value of an extension that certregd leaves closed"

# What a parser refuses and certregd has no finding for, by the parser's error.
REFUSES = {
    "OpenSSL": {},
    "pyca": {
        r"encipher_only and decipher_only": "refuses encipherOnly without keyAgreement; RFC 5280 section 4.2.1.3 calls it"
                                            " undefined, not forbidden",
        r"IntegerOverflow BasicConstraints": "reads path lengths below 256; RFC 5280 section 4.2.1.9 has no limit",
    },
    "Go": {
        r"invalid RSA public exponent": "reads RSA exponents of at most 63 bits (`unusual_rsa_exponent` is beside the form)",
        r"invalid basic constraints c": "reads path lengths that fit its `int`; RFC 5280 section 4.2.1.9 has no limit",
    },
}

POLICY = "leaves to the caller what certregd compares with AWS IoT's list"
NAMES = "takes names whatever attributes, lengths and emptiness they have"
NUMBERS = "takes the numbers of an RSA key as they are"
VALUES = "leaves the meaning of basicConstraints and keyUsage to the caller"
SIGNATURE = "does not look at a signature before it is verified"
SERIAL = "takes serial numbers of any sign and length"
VERSIONS = "does not compare the fields with the version"

# What certregd finds and a parser takes, by the finding.
TAKES = {
    "OpenSSL": {
        r"malformed_der: (BER|strict: .*)": "decodes BER; `non_canonical_der` and `parser_strictness` are there to refuse it",
        r"malformed_der: time": "takes any time when it decodes, and fails when it compares it",
        r"empty_issuer|invalid_name": NAMES, r"serial_number": SERIAL, r"signature_value": SIGNATURE,
        r"even_rsa_modulus|unsupported_key: numbers": NUMBERS,
        r"key_encoding: .*": "reads keys as BER, and what follows an RSA key not at all",
        r"unsupported_key: point": "decodes the point at infinity, which is no public key",
        r"invalid_extension": "reads extensions as BER, passes over bytes after their values, and leaves their meaning alone",
        r"repeated_extension": "takes repeated extensions that it does not look into",
        r"unknown_version": "takes any number as version", r"version_mismatch": VERSIONS,
        r"unsupported_signature: mismatch": "compares the two algorithms when the signature is verified",
        r"unsupported_(signature|key): algorithm": POLICY,
    },
    "pyca": {
        r"empty_issuer|invalid_name": NAMES, r"serial_number": SERIAL, r"signature_value": SIGNATURE,
        r"even_rsa_modulus|unsupported_key: numbers": NUMBERS, r"version_mismatch": VERSIONS,
        r"key_encoding: .*": "has OpenSSL decode keys, which reads them as BER",
        r"invalid_extension": VALUES,
        r"malformed_der: strict: .*: something follows where it should end":
            "takes any parameters; later versions hold them to their algorithm, and so does `parser_strictness`",
        r"malformed_der: strict: .*: a PrintableString has a character outside its alphabet":
            "decodes a PrintableString as UTF-8 when it is asked for; later versions refuse, and so does `parser_strictness`",
        r"unsupported_signature: mismatch": "compares the two algorithms when the signature is verified",
        r"unsupported_(signature|key): algorithm": POLICY,
    },
    "Go": {
        r"empty_issuer|invalid_name": NAMES, r"serial_number": SERIAL, r"signature_value": SIGNATURE,
        r"even_rsa_modulus|unsupported_key: numbers": NUMBERS, r"version_mismatch": VERSIONS,
        r"key_encoding: trailing|unsupported_key: undecodable": "passes over what follows the exponent or the RSA key",
        r"invalid_extension": VALUES,
        r"malformed_der: time|malformed_der: strict: not(Before|After): .*": "takes UTCTime without seconds or with an offset",
        r"malformed_der: strict: critical: the default.*": "takes defaults that are written out",
        r"malformed_der: strict: (signature|signatureAlgorithm|subjectPublicKeyInfo.algorithm): something follows.*":
            "looks at the parameters of those algorithms alone that it knows",
        r"malformed_der: strict: (critical|extensions): .*": "does not read the extensions of versions before 3",
        r"malformed_der: strict: version: .*": "takes version 2, and version 1 written out",
        r"malformed_der: strict: (issuer|subject)UniqueID: .*": "skips unique identifiers",
        r"unsupported_(signature|key): algorithm": POLICY,
    },
}

# What OpenSSL's decoder refuses and a parser takes, by OpenSSL's error.
DECODES = {
    "pyca": {
        r"null is wrong length|boolean is wrong length|illegal zero content|type not primitive":
            "leaves the parameters of algorithms and the values of attributes undecoded where their type is not expected",
        r"invalid object encoding": "leaves object identifiers undecoded in values that it has no type for",
        r"mstring wrong tag|mstring not universal": "takes attribute values of any type",
        r"string too short": "takes BMPString and UniversalString of lengths that are no multiple of the character's",
    },
    "Go": {
        r"(sequence|explicit) length mismatch": "passes over what follows the last field that it knows in a SEQUENCE",
        r"wrong tag|explicit tag not constructed|field missing|too long|too small":
            "skips fields that it does not expect or use, such as unique identifiers and what follows the key",
        r"invalid bit string bits left": "skips unique identifiers",
        r"invalid object encoding": "reads object identifiers with arcs that begin with zeros or end early",
        r"null is wrong length|string too short|boolean is wrong length":
            "leaves the parameters of algorithms undecoded where it does not know the algorithm",
    },
}


def matching(table, text):
    return next((reason for pattern, reason in table.items() if re.search(pattern, text)), None)


def explanations(parser, labels, error, refusal, is_elsewhere):
    """The reasons why `parser` and certregd differ, one for each finding; `None` is among them where a reason is not known.

    labels: what certregd finds. error: the parser's. refusal: OpenSSL's error. is_elsewhere: whether the parser takes the
    certificate without the extensions that certregd does not read.
    """
    if error:
        return {ELSEWHERE if is_elsewhere else matching(REFUSES[parser], error)}
    if "malformed_der: no certificate" in labels:
        return {matching(DECODES.get(parser, {}), refusal)}
    return {matching({f"^({pattern})$": reason for pattern, reason in TAKES[parser].items()}, name) for name in labels}
