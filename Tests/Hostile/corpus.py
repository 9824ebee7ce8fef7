"""Certificates that are made to cost time: what a stranger could send in 65,536 characters. Python's standard library only."""
import base64

LIMIT = 48_000  # bytes of DER that fit into 65,536 characters of PEM


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + length + content


def seq(*parts):
    return tlv(0x30, *parts)


def integer(value):
    return tlv(0x02, value if isinstance(value, bytes) else value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(*arcs):
    out = []
    for arc in (arcs[0] * 40 + arcs[1],) + arcs[2:]:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        out += reversed(septets)
    return tlv(0x06, bytes(out))


def bits(content):
    return tlv(0x03, b"\0", content)


def attribute(value, tag=0x0C, kind=oid(2, 5, 4, 3)):
    return tlv(0x31, seq(kind, tlv(tag, value)))


def extension(identifier, value, critical=b""):
    return seq(identifier, critical, tlv(0x04, value))


RSA = seq(oid(1, 2, 840, 113549, 1, 1, 1), b"\x05\0")
SHA256_RSA = seq(oid(1, 2, 840, 113549, 1, 1, 11), b"\x05\0")
ECDSA = seq(oid(1, 2, 840, 10045, 4, 3, 2))
EC = oid(1, 2, 840, 10045, 2, 1)
P256_POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")


def rsa_key(modulus, exponent=65537, algorithm=RSA):
    return seq(algorithm, bits(seq(integer(modulus), integer(exponent))))


def odd(size):
    return (1 << size - 1) | int.from_bytes(b"\x5a" * (size // 8 - 1), "big") | 1


def certificate(key=None, algorithm=ECDSA, subject=None, issuer=None, extensions=b"", serial=b"\x5a", signature=b"\x5a" * 70,
                after=b"", times=(b"200101000000Z", b"400101000000Z")):
    subject = attribute(b"device") if subject is None else subject
    issuer = subject if issuer is None else issuer
    key = seq(seq(EC, oid(1, 2, 840, 10045, 3, 1, 7)), bits(P256_POINT)) if key is None else key
    tail = tlv(0xA3, seq(extensions)) if extensions else b""
    signed = seq(tlv(0xA0, integer(2)), tlv(0x02, serial), algorithm, seq(issuer),
                 seq(tlv(0x17, times[0]), tlv(0x17, times[1])), seq(subject), key, after, tail)
    return seq(signed, algorithm, bits(signature))


def deep(depth, tag=0x30):
    content = b"\x05\0"
    for _ in range(depth):
        content = tlv(tag, content)
        if len(content) > LIMIT - 1000:
            break
    return content


def explicit_prime(prime, point, base, a=1, b=3, order=7, size=None):
    size = size or (prime.bit_length() + 7) // 8
    return seq(seq(EC, seq(integer(1), seq(oid(1, 2, 840, 10045, 1, 1), integer(prime)),
                           seq(tlv(0x04, a.to_bytes(size, "big")), tlv(0x04, b.to_bytes(size, "big"))),
                           tlv(0x04, base), integer(order))), bits(point))


def explicit_binary(degree):
    return seq(seq(EC, seq(integer(1), seq(oid(1, 2, 840, 10045, 1, 2), seq(integer(degree), oid(1, 2, 840, 10045, 1, 2, 3, 2),
                                                                           integer(1))),
                           seq(tlv(0x04, b"\1"), tlv(0x04, b"\1")), tlv(0x04, b"\2\1"), integer(7))), bits(b"\2\1"))


def dsa_key(size, subgroup):
    p, q = odd(size), odd(subgroup)
    return seq(seq(oid(1, 2, 840, 10040, 4, 1), seq(integer(p), integer(q), integer(3))), bits(integer(odd(size - 8))))


def cases():
    """Pairs of a name and DER."""
    # Numbers.
    for size in (2048, 4096, 8192, 16384, 65536, 380_000):
        for name, exponent in (("e=65537", 65537), ("e as long", odd(size) - 2), ("e of 64 bits", odd(64)), ("e=1", 1)):
            der = certificate(rsa_key(odd(size), exponent), SHA256_RSA, signature=b"\x5a" * (min(size, 190_000) // 8))
            if len(der) <= LIMIT:
                yield f"RSA {size} bits, {name}", der
    pss = seq(oid(1, 2, 840, 113549, 1, 1, 10), b"")
    for size in (4096, 16384, 32_000):
        yield f"RSASSA-PSS key of {size} bits", certificate(rsa_key(odd(size), odd(size) - 2, pss), SHA256_RSA)
    for salt in (1 << 30, -1 & 0xFF, 1 << 4000):
        parameters = seq(oid(1, 2, 840, 113549, 1, 1, 10), seq(tlv(0xA2, integer(salt))))
        yield f"RSASSA-PSS salt of {salt.bit_length()} bits", certificate(rsa_key(odd(4096)), parameters)
    # Curves.
    composite = odd(2048) - 2
    for size, prime in ((256, odd(256)), (256, 697), (4096, odd(4096)), (76_000, odd(76_000))):
        width = (prime.bit_length() + 7) // 8
        yield f"explicit curve, compressed point, {prime.bit_length()} bits", certificate(
            explicit_prime(prime, b"\2" + b"\5" * width, b"\2" + b"\3" * width))
    yield "explicit curve, composite prime", certificate(explicit_prime(composite, b"\3" + b"\7" * 256, b"\3" + b"\7" * 256))
    for degree in (571, 10_000, 1 << 28):
        yield f"explicit binary field of degree {degree}", certificate(explicit_binary(degree))
    for arcs in ((1, 2, 156, 10197, 1, 301), (1, 2, 840, 10046, 2, 1), (1, 3, 101, 112), (2, 5, 8, 1, 1)):
        yield f"key of algorithm {arcs}", certificate(seq(seq(oid(*arcs), deep(200)), bits(P256_POINT * 600)))
    for size, subgroup in ((1024, 160), (8192, 256), (8192, 8184), (60_000, 59_000)):
        der = certificate(dsa_key(size, subgroup), seq(oid(2, 16, 840, 1, 101, 3, 4, 3, 2)),
                          signature=seq(integer(odd(subgroup - 8)), integer(odd(subgroup - 16))))
        if len(der) <= LIMIT:
            yield f"DSA {size}/{subgroup} bits", der
    # Identifiers.
    long = tlv(0x06, b"\x2a" + b"\xff" * 44_000 + b"\x7f")
    many = tlv(0x06, b"\x2a" + b"\x81\x01" * 22_000)
    for name, identifier in (("one long arc", long), ("many arcs", many)):
        yield f"key algorithm with {name}", certificate(seq(seq(identifier), bits(b"\0")))
        yield f"signature algorithm with {name}", certificate(algorithm=seq(tlv(0x06, identifier[4:20_000] + b"\x7f")))
        yield f"curve with {name}", certificate(seq(seq(EC, identifier), bits(P256_POINT)))
        yield f"attribute type with {name}", certificate(subject=tlv(0x31, seq(identifier, tlv(0x0C, b"x"))), issuer=b"")
        yield f"extension with {name}", certificate(extensions=extension(identifier, b""))
    # Depth.
    for depth in (20, 1000, 20_000):
        yield f"parameters {depth} deep", certificate(seq(seq(EC, deep(depth)), bits(P256_POINT)))
        yield f"attribute value {depth} deep", certificate(subject=tlv(0x31, seq(oid(2, 5, 4, 3), deep(depth))), issuer=b"")
        yield f"sets {depth} deep", certificate(subject=deep(depth, 0x31), issuer=b"")
        yield f"extension value {depth} deep", certificate(extensions=extension(oid(2, 5, 29, 17), deep(depth)))
    yield "nothing but sequences", deep(20_000)
    yield "indefinite lengths", b"\x30\x80" * 24_000
    # Numbers of things.
    small = extension(oid(2, 5, 29, 99), b"")
    yield "as many extensions as fit", certificate(extensions=small * (LIMIT // len(small) - 40))
    constraint = extension(oid(2, 5, 29, 19), seq(b"\1\1\xff"))
    yield "as many basic constraints as fit", certificate(extensions=constraint * (LIMIT // len(constraint) - 40))
    name = tlv(0x82, b"a.example")
    yield "as many alternative names as fit", certificate(extensions=extension(oid(2, 5, 29, 17), seq(name * (LIMIT // len(name) - 60))))
    for tag, value in ((0x0C, b"x"), (0x0C, "\U0001F510".encode()), (0x1C, "x".encode("utf-32-be")), (0x13, b"\x1b[2J"), (0x04, b"")):
        one = attribute(value, tag, oid(2, 5, 4, 11))
        yield f"as many attributes as fit, tag {tag}, {value}", certificate(subject=one * (LIMIT // len(one) - 40), issuer=b"")
        pair = seq(oid(2, 5, 4, 11), tlv(tag, value))
        yield f"one set of as many, tag {tag}, {value}", certificate(subject=tlv(0x31, pair * (LIMIT // len(pair) - 40)), issuer=b"")
    descending = b"".join(seq(oid(2, 5, 4, 11), tlv(0x0C, b"%05d" % n)) for n in range(3000, 0, -1))
    yield "one set in the wrong order", certificate(subject=tlv(0x31, descending), issuer=b"")
    yield "empty sets", certificate(subject=b"\x31\0" * 24_000, issuer=b"")
    # Long values.
    for tag in (0x0C, 0x13, 0x14, 0x16, 0x1E, 0x1C):
        value = {0x1E: "\u202e", 0x1C: "\u202e"}.get(tag, "\x1b")
        value = value.encode({0x1E: "utf-16-be", 0x1C: "utf-32-be"}.get(tag, "ascii"))
        yield f"attribute of 44 KiB, tag {tag}", certificate(subject=attribute(value * (44_000 // len(value)), tag), issuer=b"")
    combining = ("e" + "\u0301" * 21_000).encode()
    yield "one character of 42 KiB", certificate(subject=attribute(combining), issuer=b"")
    yield "serial number of 44 KiB", certificate(serial=b"\x5a" * 44_000)
    yield "negative serial number of 44 KiB", certificate(serial=b"\x80" + b"\0" * 44_000)
    yield "signature of 44 KiB", certificate(signature=b"\x5a" * 44_000)
    yield "unique identifiers of 40 KiB", certificate(after=tlv(0x81, b"\0" + b"x" * 20_000) + tlv(0x82, b"\0" + b"y" * 20_000))
    yield "times of 40 KiB", certificate(times=(b"2" * 20_000, b"2" * 20_000))
    yield "trailing zeros", certificate() + b"\0" * 44_000
    yield "zeros", b"\0" * LIMIT
    yield "random-looking bytes", b"\x30\x82\xb0\x00" + bytes(n * n % 251 for n in range(0xB000))
    # In pieces, as BER allows.
    pieces = tlv(0x24, b"\x04\x01x" * 14_000)
    yield "a string in 14,000 pieces", certificate(extensions=seq(oid(2, 5, 29, 17), pieces))
    yield "a key in 14,000 pieces", certificate(seq(seq(EC, oid(1, 2, 840, 10045, 3, 1, 7)), tlv(0x23, b"\x03\x02\0x" * 10_000)))


def pem(der):
    body = base64.b64encode(der).decode()
    lines = "\n".join(body[i:i + 64] for i in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def texts():
    """Pairs of a name and a text that is none, made to cost time in reading it."""
    yield "65,536 BEGIN hyphens", "-" * 65_536
    yield "BEGIN lines", "-----BEGIN CERTIFICATE-----\n" * 2340
    yield "BEGIN lines of other labels", "-----BEGIN X-----\n" * 3640
    yield "blocks of keys", "-----BEGIN X-----\nAAAA\n-----END X-----\n" * 1680
    yield "headers", "-----BEGIN CERTIFICATE-----\n" + "a: b\n" * 13_000
    yield "lone CRs", "-----BEGIN CERTIFICATE-----\r" + "A\r" * 32_000 + "-----END CERTIFICATE-----\r"
    yield "white space", " \t" * 32_768
    yield "one character a line", "-----BEGIN CERTIFICATE-----\n" + "A\n" * 32_000 + "-----END CERTIFICATE-----\n"
    yield "backslashes", "\\n" * 32_768
    yield "NULs", "-----BEGIN CERTIFICATE-----\n" + "\0" * 65_000
