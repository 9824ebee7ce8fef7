"""Certificates, and what can be done to their structure. Everything is drawn from one seeded generator."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Hostile"))
from corpus import (  # noqa: E402
    EC, ECDSA, P256_POINT, RSA, SHA256_RSA, attribute, bits, extension, integer, oid, rsa_key, seq, tlv)


class Node:
    """One triplet. `wrapped` is what a BIT STRING or OCTET STRING holds where that is DER itself."""

    def __init__(self, tag, content=b"", children=None, prefix=b""):
        self.tag, self.content, self.children, self.prefix = tag, content, children, prefix
        self.form = "short"

    def encode(self):
        content = self.content if self.children is None else self.prefix + b"".join(c.encode() for c in self.children)
        if self.form == "indefinite":
            return bytes([self.tag, 0x80]) + content + b"\0\0"
        if self.form == "long":
            return bytes([self.tag, 0x83]) + len(content).to_bytes(3, "big") + content
        return tlv(self.tag, content)

    def walk(self):
        yield self
        for child in self.children or []:
            yield from child.walk()


def read(data):
    """The triplets of `data`; ValueError where it is not a row of them."""
    nodes, position = [], 0
    while position < len(data):
        if position + 2 > len(data) or data[position] & 31 == 31:
            raise ValueError("no header")
        tag, length = data[position], data[position + 1]
        position += 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 3 or position + count > len(data):
                raise ValueError("no length")
            length = int.from_bytes(data[position:position + count], "big")
            position += count
        if position + length > len(data):
            raise ValueError("cut")
        nodes.append(node(tag, data[position:position + length]))
        position += length
    return nodes


def node(tag, content):
    if tag & 0x20:
        return Node(tag, children=read(content))
    # DER inside of a BIT STRING (a key, an ECDSA signature) or of an OCTET STRING (an extension's value).
    prefix = content[:1] if tag == 0x03 else b""
    inner = content[len(prefix):]
    if tag in (0x03, 0x04) and inner[:1] in (b"\x30", b"\x03", b"\x04"):
        try:
            return Node(tag, children=read(inner), prefix=prefix)
        except ValueError:
            pass
    return Node(tag, content)


def certificates(random):
    """The certificates that are damaged: an EC and an RSA one of version 3, one of version 1, one with odd but legal parts."""
    modulus = random.getrandbits(2048) | 1 << 2047 | 1
    ec = seq(seq(EC, oid(1, 2, 840, 10045, 3, 1, 7)), bits(P256_POINT))
    rsa = rsa_key(modulus)
    names = [tlv(0x30, attribute(b"Authority")), tlv(0x30, attribute(b"DE", 0x13, oid(2, 5, 4, 6)), attribute(b"Device"))]
    validity = seq(tlv(0x17, b"200101000000Z"), tlv(0x17, b"400101000000Z"))
    late = seq(tlv(0x17, b"200101000000Z"), tlv(0x18, b"20600101000000Z"))
    usual = [
        extension(oid(2, 5, 29, 19), seq(), b"\x01\x01\xff"), extension(oid(2, 5, 29, 15), bits(b"\x80"), b"\x01\x01\xff"),
        extension(oid(2, 5, 29, 14), tlv(0x04, b"k" * 20)),
        extension(oid(2, 5, 29, 37), seq(oid(1, 3, 6, 1, 5, 5, 7, 3, 2))),
    ]
    authority = [
        extension(oid(2, 5, 29, 19), seq(b"\x01\x01\xff", integer(0)), b"\x01\x01\xff"),
        extension(oid(1, 2, 3, 4), b"closed"),
    ]
    signature = bits(seq(integer(random.getrandbits(255) | 1), integer(random.getrandbits(255) | 1)))

    def certificate(version, key, algorithm, extensions, validity=validity, unique=b"", signature=signature):
        fields = [integer(0x1267), algorithm, names[0], validity, names[1], key, unique]
        if extensions:
            fields.append(tlv(0xA3, seq(*extensions)))
        if version:
            fields.insert(0, tlv(0xA0, integer(version - 1)))
        return seq(seq(*fields), algorithm, signature)

    return [
        certificate(3, ec, ECDSA, usual),
        certificate(3, rsa, SHA256_RSA, authority, late, signature=bits(b"s" * 256)),
        certificate(None, rsa, SHA256_RSA, [], signature=bits(b"s" * 256)),
        certificate(3, ec, ECDSA, usual, unique=tlv(0x81, b"\0u")),
    ]


TIMES = [
    (0x17, b"2001010000Z"), (0x17, b"200101000000+0100"), (0x17, b"200230000000Z"), (0x17, b"20010100000Z"),
    (0x18, b"20200101000000Z"), (0x18, b"20200101000000.5Z"), (0x18, b"202001010000Z"), (0x18, b"20210229000000Z"),
    (0x18, b"99991231235959Z"), (0x17, b"491231235959Z"), (0x13, b"200101000000Z"), (0x17, b""),
]
INTEGERS = [b"", b"\0", b"\1", b"\xff", b"\0\1", b"\xff\xff", b"\x80", b"\2", b"\3", b"\4", b"\5" * 20, b"\5" * 21]
TAGS = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x16, 0x17, 0x18, 0x1E, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0xA3]
BIT_STRINGS = [b"", b"\0", b"\1", b"\7\x80", b"\7\x81", b"\x08\0", b"\0\0", b"\2\4", b"\0\4"]


def damage(der, random):
    """`der` with one or two changes; most keep the lengths around them right, so that only the change is damaged."""
    root = read(der)[0]
    for _ in range(random.choice([1, 1, 1, 2])):
        change(root, random)
    data = root.encode()
    if random.random() < 0.06:
        index = random.randrange(len(data))
        data = data[:index] + bytes([data[index] ^ 1 << random.randrange(8)]) + data[index + 1:]
    return data + (b"\0" if random.random() < 0.01 else b"")


def change(root, random):
    places = list(root.walk())
    if random.random() < 0.03:
        repeat_extension(places, random)
        return
    place = random.choice(places)
    universal = {
        0x01: [b"\0", b"\xff", b"\1", b"", b"\xff\xff"], 0x02: INTEGERS, 0x03: BIT_STRINGS, 0x05: [b"\0"],
        0x06: [b"", b"\x2a\x80\1", b"\x2a\x81", b"\x2a\3", b"\x55\x1d\x13", b"\x55\x1d\x0f", b"\x55\x04\x03"],
        0x13: [b"", b"a@b", b"\xff", b"DEU"], 0x0C: [b"", b"\xff", b"x" * 65], 0x81: BIT_STRINGS,
    }.get(place.tag)
    kind = random.randrange(10)
    if kind < 4 and place.tag in (0x17, 0x18):
        place.tag, place.content = random.choice(TIMES)
    elif kind < 4 and universal:
        if place.children is not None and random.random() < 0.5:
            # The key or signature with other unused bits, or bytes after what a BIT STRING holds.
            place.prefix = random.choice([b"\0", b"\1", b"\7"]) if place.tag == 0x03 else place.prefix
            place.children = place.children + [Node(0x05)]
        else:
            place.children, place.content = None, random.choice(universal)
    elif kind == 4:
        place.form = random.choice(["long", "indefinite"])
    elif kind == 5:
        place.tag = random.choice(TAGS + [place.tag ^ 0x20])
    elif place.children is not None:
        index = random.randrange(len(place.children) + 1)
        if kind == 6 and place.children:
            place.children.insert(index, random.choice(place.children))
        elif kind == 7 and place.children:
            place.children.pop(random.randrange(len(place.children)))
        elif kind == 8:
            random.shuffle(place.children)
        else:
            extra = [Node(0x05), Node(0x01, b"\0"), Node(0x02, b"\0"), Node(0x82, b"\0u"), Node(0xA3, children=[Node(0x30)])]
            place.children.insert(index, random.choice(extra))
    elif kind == 6:
        place.content += b"\0"
    elif kind == 7:
        place.content = place.content[:-1]
    elif kind == 8 and place.content:
        # An even number, or another last character.
        place.content = place.content[:-1] + bytes([place.content[-1] ^ 1])
    else:
        place.content = b"\0" + place.content


def repeat_extension(places, random):
    """Puts an extension into its list once more, at any place."""
    for place in places:
        if place.tag == 0xA3 and place.children and place.children[0].children:
            entries = place.children[0].children
            entries.insert(random.randrange(len(entries) + 1), random.choice(entries))


READ_EXTENSIONS = (b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13")  # keyUsage and basicConstraints


def without_other_extensions(der):
    """`der` without the extensions whose values certregd leaves closed; `der` itself where they cannot be told apart."""
    try:
        root = read(der)[0]
        fields = root.children[0]
        holder = next(child for child in fields.children if child.tag == 0xA3)
        listed = holder.children[0]
        listed.children = [entry for entry in listed.children if entry.children[0].encode() in READ_EXTENSIONS]
    except (ValueError, IndexError, TypeError, StopIteration):
        return der
    if not listed.children:
        fields.children.remove(holder)
    return root.encode()
