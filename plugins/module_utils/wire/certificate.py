# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of an X.509 certificate (RFC 5280), read from DER with the standard library alone.

A reader, not a verifier: no signature is checked here. It is strict where leniency would let two readers see two
certificates (definite, shortest lengths; no trailing bytes; no extension twice) and refuses the rest with
:class:`CertificateFormatError`. It does not recurse, and what it returns is proportional to at most ``SIZE_LIMIT``
bytes of input. Names are data: NUL and control characters in them are kept, and it is for the reports to escape them.
"""

from __future__ import annotations

from .lean import sha256, socket

TYPE_CHECKING = False
if TYPE_CHECKING:  # not imported at run time: typing alone costs more than a probe
    import typing as t

    Json = t.Dict[str, t.Any]

#: A certificate has one to three KiB; with thousands of names it reaches 100. Clients would not take a larger one.
SIZE_LIMIT = 128 * 1024

_DISTINGUISHED = {  # RFC 4514 section 3, and two more descriptors registered at IANA (RFC 4519, RFC 2985)
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
    "2.5.4.5": "serialNumber",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_STRINGS = {  # tag -> codec: UTF8, Numeric, Printable, Teletex (in practice Latin-1), IA5, Visible, Universal, BMP
    0x0C: "utf-8",
    0x12: "latin-1",
    0x13: "latin-1",
    0x14: "latin-1",
    0x16: "latin-1",
    0x1A: "latin-1",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_KEYS = {  # SubjectPublicKeyInfo algorithm -> (type, bits where the algorithm fixes them)
    "1.2.840.113549.1.1.1": ("rsa", None),
    "1.2.840.113549.1.1.10": ("rsa", None),  # id-RSASSA-PSS
    "1.2.840.10045.2.1": ("ec", None),
    "1.2.840.10040.4.1": ("dsa", None),
    "1.3.101.112": ("ed25519", 256),
    "1.3.101.113": ("ed448", 456),
}
_CURVES = {  # named curve -> (IANA name of the TLS group, bits)
    "1.2.840.10045.3.1.7": ("secp256r1", 256),
    "1.3.132.0.34": ("secp384r1", 384),
    "1.3.132.0.35": ("secp521r1", 521),
    "1.3.132.0.10": ("secp256k1", 256),
    "1.3.132.0.33": ("secp224r1", 224),
    "1.3.132.0.32": ("secp224k1", 224),
    "1.2.840.10045.3.1.1": ("secp192r1", 192),
    "1.3.132.0.31": ("secp192k1", 192),
    "1.3.36.3.3.2.8.1.1.7": ("brainpoolP256r1", 256),
    "1.3.36.3.3.2.8.1.1.11": ("brainpoolP384r1", 384),
    "1.3.36.3.3.2.8.1.1.13": ("brainpoolP512r1", 512),
    "1.3.132.0.1": ("sect163k1", 163),
    "1.3.132.0.15": ("sect163r2", 163),
    "1.3.132.0.26": ("sect233k1", 233),
    "1.3.132.0.27": ("sect233r1", 233),
    "1.3.132.0.16": ("sect283k1", 283),
    "1.3.132.0.17": ("sect283r1", 283),
    "1.3.132.0.36": ("sect409k1", 409),
    "1.3.132.0.37": ("sect409r1", 409),
    "1.3.132.0.38": ("sect571k1", 571),
    "1.3.132.0.39": ("sect571r1", 571),
    "1.2.156.10197.1.301": ("curveSM2", 256),
}
_SIGNATURES = {  # signature algorithm -> (name in its RFC, hash); RFC 3279, 4055, 5758, 8410, 8692, 9881
    "1.2.840.113549.1.1.11": ("sha256WithRSAEncryption", "sha256"),
    "1.2.840.113549.1.1.12": ("sha384WithRSAEncryption", "sha384"),
    "1.2.840.113549.1.1.13": ("sha512WithRSAEncryption", "sha512"),
    "1.2.840.113549.1.1.14": ("sha224WithRSAEncryption", "sha224"),
    "1.2.840.113549.1.1.5": ("sha1WithRSAEncryption", "sha1"),
    "1.3.14.3.2.29": ("sha1WithRSAEncryption", "sha1"),
    "1.2.840.113549.1.1.4": ("md5WithRSAEncryption", "md5"),
    "1.2.840.113549.1.1.2": ("md2WithRSAEncryption", "md2"),
    "1.2.840.10045.4.1": ("ecdsa-with-SHA1", "sha1"),
    "1.2.840.10045.4.3.1": ("ecdsa-with-SHA224", "sha224"),
    "1.2.840.10045.4.3.2": ("ecdsa-with-SHA256", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa-with-SHA384", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa-with-SHA512", "sha512"),
    "1.2.840.10040.4.3": ("dsa-with-sha1", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("dsa-with-sha224", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("dsa-with-sha256", "sha256"),
    "1.3.101.112": ("ed25519", None),
    "1.3.101.113": ("ed448", None),
    "2.16.840.1.101.3.4.3.17": ("id-ml-dsa-44", None),
    "2.16.840.1.101.3.4.3.18": ("id-ml-dsa-65", None),
    "2.16.840.1.101.3.4.3.19": ("id-ml-dsa-87", None),
}
_RSASSA_PSS = "1.2.840.113549.1.1.10"
_HASHES = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "1.2.840.113549.2.5": "md5",
}
_KEY_PURPOSES = {  # RFC 5280 section 4.2.1.12
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}

_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x01, 0x02, 0x03, 0x04, 0x06
_SEQUENCE, _SET, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x31, 0x17, 0x18
_COMMON_NAME = "2.5.4.3"


class CertificateFormatError(ValueError):
    """Bytes that are no DER certificate; the message says what was found where."""


# --- DER (X.690) ------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the elements of ``data[at:end]`` one after the other."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def peek(self) -> int:
        """The tag of the next element, -1 at the end."""
        return self.data[self.at] if self.at < self.end else -1

    def element(self, *tags: int) -> tuple[int, int]:
        """Start and end of the content of the next element, which must have one of ``tags``."""
        data, at = self.data, self.at
        if self.end - at < 2:
            raise self._error("an element is missing")
        if data[at] not in tags or data[at] & 0x1F == 0x1F:  # no tag of X.509 has a second octet
            raise self._error(f"tag 0x{data[at]:02x} where 0x{tags[0]:02x} was expected")
        length, start = data[at + 1], at + 2
        if length > 0x7F:
            count = length - 0x80
            start += count
            length = int.from_bytes(data[at + 2 : start], "big")
            shortest = 1 <= count <= 3 and start <= self.end and length > 0x7F and length >> (8 * count - 8)
            if not shortest:
                raise self._error("the length is not in DER's shortest form")
        if start + length > self.end:
            raise self._error("an element is longer than what holds it")
        self.at = start + length
        return start, self.at

    def inside(self, *tags: int) -> _Reader:
        """A reader for the content of the next element."""
        return _Reader(self.data, *self.element(*tags))

    def content(self, *tags: int) -> bytes:
        start, end = self.element(*tags)
        return self.data[start:end]

    def whole(self, *tags: int) -> bytes:
        """The next element with its tag and length."""
        start = self.at
        self.element(*tags)
        return self.data[start : self.at]

    def done(self) -> None:
        if self.at != self.end:
            raise self._error("there is more than there should be")

    def _error(self, what: str) -> CertificateFormatError:
        return CertificateFormatError(f"no DER certificate: {what} (byte {self.at})")

    def oid(self) -> str:
        """OBJECT IDENTIFIER in dotted form."""
        at, content = self.at, self.content(_OID)
        arcs, arc, begun = [], 0, False
        for octet in content:
            if (octet == 0x80 and not begun) or arc >> 128:
                break
            arc, begun = arc << 7 | octet & 0x7F, True
            if octet < 0x80:
                arcs.append(arc)
                arc, begun = 0, False
        else:
            if arcs and not begun:
                first = min(arcs[0] // 40, 2)
                return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
        self.at = at
        raise self._error("an object identifier is malformed")

    def unsigned(self) -> bytes:
        """INTEGER that must not be negative: its octets without leading zeros."""
        at, content = self.at, self.content(_INTEGER)
        if not content or content[0] > 0x7F or (len(content) > 1 and content[0] == 0 and content[1] < 0x80):
            self.at = at
            raise self._error("an integer is malformed")
        return content.lstrip(b"\x00")

    def signed_hex(self) -> str:
        """INTEGER as hex of whole octets; for serial numbers, which CAs of old made negative."""
        content = self.content(_INTEGER)
        number = int.from_bytes(content, "big", signed=True)
        digits = f"{abs(number):x}"
        return ("-" if number < 0 else "") + digits.zfill(len(digits) + len(digits) % 2)

    def boolean(self) -> bool:
        content = self.content(_BOOLEAN)
        if content not in (b"\x00", b"\xff"):
            raise self._error("a boolean is malformed")
        return content == b"\xff"

    def bits(self) -> bytes:
        """BIT STRING whose length is a number of octets."""
        content = self.content(_BIT_STRING)
        if content[:1] != b"\x00":
            raise self._error("a bit string has unused bits")
        return content[1:]


def _bit_length(octets: bytes) -> int:
    return len(octets) * 8 - 8 + octets[0].bit_length() if octets else 0


# --- names and times --------------------------------------------------------------------------------------------------


def _text(tag: int, content: bytes) -> str | None:
    """A directory string as text; None for a tag that is no string or bytes that its encoding does not allow."""
    try:
        return content.decode(_STRINGS[tag])
    except (KeyError, UnicodeDecodeError):
        return None


def _escaped(value: str) -> str:
    """RFC 4514 section 2.4. Control characters are written as hex pairs, too, which it allows."""
    out = []
    for c in value:
        if c in '"+,;<>\\':
            out.append("\\" + c)
        elif c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff":
            out.append("".join(f"\\{octet:02X}" for octet in c.encode("utf-8", "surrogatepass")))
        else:
            out.append(c)
    if value[:1] in (" ", "#"):
        out[0] = "\\" + out[0]
    if len(value) > 1 and value[-1] == " ":
        out[-1] = "\\ "
    return "".join(out)


def _name(reader: _Reader) -> tuple[str, str | None]:
    """A Name in the text of RFC 4514, which begins with the last RDN; and its last common name."""
    parts, common_name = [], None
    rdns = reader.inside(_SEQUENCE)
    while rdns.peek() >= 0:
        rdn, values = rdns.inside(_SET), []
        while rdn.peek() >= 0:
            pair = rdn.inside(_SEQUENCE)
            attribute, tag, start = pair.oid(), pair.peek(), pair.at
            value = pair.content(tag)
            pair.done()
            text, short = _text(tag, value), _DISTINGUISHED.get(attribute)
            if attribute == _COMMON_NAME and text is not None:
                common_name = text
            if short is None or text is None:
                values.append(f"{short or attribute}=#{pair.data[start : pair.end].hex()}")
            else:
                values.append(f"{short}={_escaped(text)}")
        if not values:
            raise rdns._error("a relative distinguished name is empty")
        parts.append("+".join(values))
    return ",".join(reversed(parts)), common_name


def _time(reader: _Reader) -> str:
    """ISO 8601 with Z of a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5: with seconds, in UTC)."""
    at, tag = reader.at, reader.peek()
    text = reader.content(_UTC_TIME, _GENERALIZED_TIME).decode("latin-1")
    digits, zone = text[:-1], text[-1:]
    if tag == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    if len(digits) == 14 and digits.isascii() and digits.isdigit() and zone == "Z":
        year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        days = (0, 31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
        if year and 1 <= month <= 12 and 1 <= day <= days[month]:
            hour, minute, second = digits[8:10], digits[10:12], digits[12:]
            if hour < "24" and minute < "60" and second < "60":
                return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{hour}:{minute}:{second}Z"
    reader.at = at
    raise reader._error("a time is malformed")


def _ip_text(packed: bytes) -> str:
    if len(packed) == 4:
        return ".".join(map(str, packed))
    if len(packed) != 16:
        raise CertificateFormatError(f"no DER certificate: an IP address of {len(packed)} octets among the names")
    return socket.inet_ntop(socket.AF_INET6, packed)


# --- keys and algorithms ----------------------------------------------------------------------------------------------


def _signature(reader: _Reader) -> tuple[str, str | None]:
    """Name and hash of an AlgorithmIdentifier for a signature."""
    algorithm = reader.inside(_SEQUENCE)
    oid = algorithm.oid()
    if oid != _RSASSA_PSS:
        return _SIGNATURES.get(oid, (oid, None))
    # RFC 4055 section 3.1: RSASSA-PSS-params { [0] hashAlgorithm DEFAULT sha1, [1] maskGenAlgorithm, ... }
    hash_name = "sha1"
    if algorithm.peek() >= 0:
        parameters = algorithm.inside(_SEQUENCE)
        if parameters.peek() == 0xA0:
            hash_oid = parameters.inside(0xA0).inside(_SEQUENCE).oid()
            hash_name = _HASHES.get(hash_oid, hash_oid)
    return f"rsassaPss-{hash_name}", hash_name


def _key(reader: _Reader) -> Json:
    """SubjectPublicKeyInfo: ``type``, ``bits``, ``curve`` (EC only) and ``oid`` of the algorithm."""
    info = reader.inside(_SEQUENCE)
    algorithm = info.inside(_SEQUENCE)
    oid = algorithm.oid()
    kind, bits = _KEYS.get(oid, ("unknown", None))
    curve = None
    public = info.bits()
    info.done()
    if kind == "rsa":
        bits = _bit_length(_Reader(public).inside(_SEQUENCE).unsigned())
    elif kind == "dsa" and algorithm.peek() == _SEQUENCE:
        bits = _bit_length(algorithm.inside(_SEQUENCE).unsigned())
    elif kind == "ec" and algorithm.peek() == _OID:
        name = algorithm.oid()
        # The size of an unknown curve's field shows in the point: 0x04, x, y.
        curve, bits = _CURVES.get(name, (name, (len(public) - 1) // 2 * 8 if public[:1] == b"\x04" else None))
    elif kind == "ec":
        curve = "explicit"  # parameters written out: RFC 5480 section 2.1.1 forbids them, and clients refuse them
    return {"type": kind, "bits": bits, "curve": curve, "oid": oid}


# --- extensions -------------------------------------------------------------------------------------------------------


def _alternative_names(reader: _Reader, found: Json) -> None:
    names = reader.inside(_SEQUENCE)
    while (tag := names.peek()) >= 0:
        content = names.content(tag)
        if tag == 0x82:  # dNSName
            found["names"].append(content.decode("latin-1"))
        elif tag == 0x87:  # iPAddress
            found["names"].append(_ip_text(content))
            found["ip_addresses"].append(found["names"][-1])


def _basic_constraints(reader: _Reader, found: Json) -> None:
    constraints = reader.inside(_SEQUENCE)
    if constraints.peek() == _BOOLEAN:
        found["ca"] = constraints.boolean()
    if constraints.peek() == _INTEGER:
        found["path_length"] = int.from_bytes(constraints.unsigned()[:4], "big")
    constraints.done()


def _key_purposes(reader: _Reader, found: Json) -> None:
    purposes, listed = reader.inside(_SEQUENCE), []
    while purposes.peek() >= 0:
        oid = purposes.oid()
        listed.append(_KEY_PURPOSES.get(oid, oid))
    found["ext_key_usage"] = listed


def _authority_information(reader: _Reader, found: Json) -> None:
    descriptions = reader.inside(_SEQUENCE)
    where = {"1.3.6.1.5.5.7.48.1": found["ocsp"], "1.3.6.1.5.5.7.48.2": found["ca_issuers"]}
    while descriptions.peek() >= 0:
        description = descriptions.inside(_SEQUENCE)
        method, tag = description.oid(), description.peek()
        location = description.content(tag)
        if tag == 0x86 and method in where:  # uniformResourceIdentifier
            where[method].append(location.decode("latin-1"))


def _distribution_points(reader: _Reader, found: Json) -> None:
    points = reader.inside(_SEQUENCE)
    while points.peek() >= 0:
        point = points.inside(_SEQUENCE)
        if point.peek() != 0xA0:
            continue
        name = point.inside(0xA0)
        if name.peek() != 0xA0:
            continue
        full_name = name.inside(0xA0)
        while (tag := full_name.peek()) >= 0:
            location = full_name.content(tag)
            if tag == 0x86:
                found["crl"].append(location.decode("latin-1"))


def _tls_features(reader: _Reader, found: Json) -> None:
    features = reader.inside(_SEQUENCE)
    while features.peek() >= 0:
        if features.unsigned() == b"\x05":  # RFC 7633: status_request
            found["must_staple"] = True


def _subject_key_id(reader: _Reader, found: Json) -> None:
    found["subject_key_id"] = reader.content(_OCTET_STRING).hex()


def _authority_key_id(reader: _Reader, found: Json) -> None:
    identifier = reader.inside(_SEQUENCE)
    if identifier.peek() == 0x80:
        found["authority_key_id"] = identifier.content(0x80).hex()


_EXTENSIONS: dict[str, t.Callable[[_Reader, Json], None]] = {
    "2.5.29.17": _alternative_names,
    "2.5.29.19": _basic_constraints,
    "2.5.29.37": _key_purposes,
    "1.3.6.1.5.5.7.1.1": _authority_information,
    "2.5.29.31": _distribution_points,
    "1.3.6.1.5.5.7.1.24": _tls_features,
    "2.5.29.14": _subject_key_id,
    "2.5.29.35": _authority_key_id,
}


def _extensions(reader: _Reader, found: Json) -> None:
    extensions, seen = reader.inside(0xA3).inside(_SEQUENCE), set()
    while extensions.peek() >= 0:
        extension = extensions.inside(_SEQUENCE)
        oid = extension.oid()
        if oid in seen:
            raise extension._error(f"extension {oid} stands there twice")
        seen.add(oid)
        if extension.peek() == _BOOLEAN:
            extension.boolean()
        value = extension.inside(_OCTET_STRING)
        extension.done()
        read = _EXTENSIONS.get(oid)
        if read is not None:
            read(value, found)
            value.done()


# --- the library ------------------------------------------------------------------------------------------------------


def facts(der: bytes) -> Json:
    """The facts of one certificate, plain JSON types. Raises :class:`CertificateFormatError` and nothing else.

    ======================  ===========================================================================================
    ``version``             1, 2 or 3
    ``subject``, ``issuer`` text of RFC 4514; attribute types without a registered short name as ``OID=#hex``
    ``serial``              lower-case hex of whole octets, ``-`` before a negative one
    ``not_before``,         ISO 8601 with Z. The certificate is valid at both moments
    ``not_after``
    ``names``               DNS names and IP addresses of subjectAltName, in its order
    ``ip_addresses``        those of them that are iPAddress entries: a DNS name that looks like an address is none
    ``common_name``         last CN of the subject, or null. No client of RFC 9525 looks at it
    ``key``                 ``type`` rsa | ec | dsa | ed25519 | ed448 | unknown; ``bits`` or null; ``curve``, the IANA
                            name of the TLS group (else dotted OID, or ``explicit``); ``oid`` of the key's algorithm
    ``signature_algorithm`` name in its RFC (``sha256WithRSAEncryption``, ``ecdsa-with-SHA384``, ``ed25519``),
                            ``rsassaPss-<hash>``, or the OID
    ``signature_hash``      hash the issuer signed over (``sha256``), null when the algorithm has none to choose
    ``sha256``              fingerprint of the certificate         ``sha256_spki``  of its SubjectPublicKeyInfo
    ``self_signed``         it names itself as its issuer, and no key identifier says otherwise. The signature is NOT
                            verified here: that takes the controller
    ``ca``, ``path_length`` basicConstraints: bool; number or null
    ``ocsp``, ``crl``,      URLs of responders, revocation lists, the issuer's certificate
    ``ca_issuers``
    ``must_staple``         whether RFC 7633 demands a stapled OCSP response
    ``ext_key_usage``       null when absent (any use), else names (``serverAuth``) or OIDs
    ``subject_key_id``,     hex or null
    ``authority_key_id``
    ======================  ===========================================================================================
    """
    if len(der) > SIZE_LIMIT:
        raise CertificateFormatError(f"no DER certificate: {len(der)} bytes, more than {SIZE_LIMIT}")
    outer = _Reader(bytes(der))
    certificate = outer.inside(_SEQUENCE)
    outer.done()
    tbs = certificate.inside(_SEQUENCE)
    outer_algorithm = certificate.whole(_SEQUENCE)
    certificate.bits()
    certificate.done()

    version = 1
    if tbs.peek() == 0xA0:
        version = int.from_bytes(tbs.inside(0xA0).unsigned()[:2], "big") + 1
    serial = tbs.signed_hex()
    start = tbs.at
    signature_algorithm, signature_hash = _signature(tbs)
    if tbs.data[start : tbs.at] != outer_algorithm:
        raise CertificateFormatError("no DER certificate: it names two signature algorithms (RFC 5280 section 4.1.1.2)")
    start = tbs.at
    issuer, _common_name = _name(tbs)
    issuer_der = tbs.data[start : tbs.at]
    validity = tbs.inside(_SEQUENCE)
    not_before, not_after = _time(validity), _time(validity)
    validity.done()
    start = tbs.at
    subject, common_name = _name(tbs)
    subject_der = tbs.data[start : tbs.at]
    start = tbs.at
    key = _key(tbs)
    spki = tbs.data[start : tbs.at]
    found: Json = {
        "version": version,
        "subject": subject,
        "issuer": issuer,
        "serial": serial,
        "not_before": not_before,
        "not_after": not_after,
        "names": [],
        "ip_addresses": [],
        "common_name": common_name,
        "key": key,
        "signature_algorithm": signature_algorithm,
        "signature_hash": signature_hash,
        "sha256": sha256(der).hexdigest(),
        "sha256_spki": sha256(spki).hexdigest(),
        "self_signed": False,
        "ca": False,
        "path_length": None,
        "ocsp": [],
        "crl": [],
        "ca_issuers": [],
        "must_staple": False,
        "ext_key_usage": None,
        "subject_key_id": None,
        "authority_key_id": None,
    }
    for unique_id in (0x81, 0x82):
        if tbs.peek() == unique_id:
            tbs.content(unique_id)
    if tbs.peek() >= 0:
        _extensions(tbs, found)
    tbs.done()
    found["self_signed"] = issuer_der == subject_der and _key_ids_agree(found, found)
    return found


def _key_ids_agree(certificate: Json, issuer: Json) -> bool:
    """False when the key identifiers show that ``issuer`` did not sign ``certificate`` (RFC 5280 section 4.2.1.1)."""
    wanted, given = certificate["authority_key_id"], issuer["subject_key_id"]
    return wanted is None or given is None or wanted == given


def chain_facts(ders: t.Sequence[bytes]) -> list[Json]:
    """:func:`facts` of each certificate of a chain, in its order; the error names the position, counted from 1."""
    found = []
    for position, der in enumerate(ders, 1):
        try:
            found.append(facts(der))
        except CertificateFormatError as error:
            raise CertificateFormatError(f"certificate {position} of {len(ders)}: {error}") from None
    return found


def chain_order(chain: t.Sequence[Json]) -> str:
    """How the certificates of a chain stand to each other, by names and key identifiers:

    * ``empty``;
    * ``ordered``: each is followed by its issuer and nothing else is there, as RFC 5246 section 7.4.2 demands;
    * ``unordered``: the same certificates in another order, which RFC 8446 section 4.4.2 asks clients to tolerate;
    * ``surplus``: certificates are there that the leaf does not need;
    * ``incomplete``: the leaf's issuer is not there. Clients can still verify it when that issuer is a trust anchor.

    The root itself may be left out by both RFCs, so its absence is never ``incomplete``.
    """
    if not chain:
        return "empty"
    path, left = [0], set(range(1, len(chain)))
    while not chain[path[-1]]["self_signed"]:
        last = chain[path[-1]]
        following = [
            i for i in sorted(left) if chain[i]["subject"] == last["issuer"] and _key_ids_agree(last, chain[i])
        ]
        if not following:
            break
        path.append(following[0])
        left.remove(following[0])
    if len(path) == 1 and not chain[0]["self_signed"]:
        return "incomplete"
    if left:
        return "surplus"
    return "ordered" if path == sorted(path) else "unordered"


def matches(certificate: Json, host: str) -> bool:
    """Whether the certificate names ``host``, a DNS name or an IP address (RFC 9525 section 6; RFC 6125).

    Only subjectAltName counts, not the common name. An address must stand there as an address. ``*`` may stand for the
    whole first label, with at least two labels after it (what OpenSSL demands, too); it never matches a dot.
    """
    packed = _packed(host)
    if packed is not None:
        return any(_packed(address) == packed for address in certificate["ip_addresses"])
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
    wanted = host.lower().rstrip(".") if host.endswith(".") else host.lower()
    first, _dot, rest = wanted.partition(".")
    if not first or not _letters_digits_hyphens(wanted):
        return False
    names = {name.lower() for name in certificate["names"]}
    return wanted in names or ("." in rest and f"*.{rest}" in names)


def _letters_digits_hyphens(name: str) -> bool:
    return all(c.isalnum() or c in "-_." for c in name)


def _packed(host: str) -> bytes | None:
    """The octets of an IP address, None for anything else. Brackets and a zone (``fe80::1%eth0``) are put aside."""
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        return socket.inet_pton(family, bare.partition("%")[0])
    except (OSError, ValueError):
        return None
