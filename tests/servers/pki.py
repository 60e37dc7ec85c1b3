# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keys and certificates of one test session, made by this machine's openssl: a CA and leaves for 127.0.0.1."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Leaf name -> options of ``openssl req`` that make its key. The 512-bit key exists because the EXPORT suites
#: of SSL 2.0 to TLS 1.0 demand one (RFC 2246, 7.4.3: export key exchange signs with at most 512 bits).
LEAVES = {
    "rsa": ("rsa:2048",),
    "ecdsa": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa512": ("rsa:512",),
}
NAMES = "subjectAltName=DNS:localhost,DNS:portal.example,IP:127.0.0.1,IP:::1"


def _openssl(*arguments: object) -> None:
    argv = ["openssl", *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr}")


class Pki:
    """Paths of ``ca`` and, by leaf name, of ``cert``, ``chain`` (leaf and CA), ``key``, ``both`` (chain, key)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, self._ca_key = folder / "ca.pem", folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        subject = ("-subj", "/O=in_transit tests")
        _openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:3072",
            "-noenc",
            "-days",
            30,
            "-keyout",
            self._ca_key,
            "-out",
            self.ca,
            *subject,
        )
        for name, kind in LEAVES.items():
            self._leaf(name, kind)

    def _leaf(self, name: str, kind: tuple[object, ...]) -> None:
        request, extensions = self.folder / f"{name}.csr", self.folder / "extensions"
        _openssl(
            "req", "-newkey", *kind, "-noenc", "-keyout", self.key(name), "-out", request, "-subj", "/CN=localhost"
        )
        extensions.write_text(f"{NAMES}\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._ca_key, "-days", 30),
            *("-extfile", extensions, "-out", self.cert(name)),
        )
        chain = self.cert(name).read_text() + self.ca.read_text()
        self.chain(name).write_text(chain)
        # OpenSSL 1.0 and old Java read only the traditional form of a key.
        if name.startswith("rsa"):
            _openssl("rsa", "-in", self.key(name), "-traditional", "-out", self.key(name))
        self.both(name).write_text(chain + self.key(name).read_text())

    def dsa(self) -> str:
        """Name of a leaf with a DSA key, made when asked for."""
        if not self.cert("dsa").exists():
            parameters = self.folder / "dsa.parameters"
            _openssl("dsaparam", "-out", parameters, 1024)
            self._leaf("dsa", (f"dsa:{parameters}",))
        return "dsa"

    def cert(self, name: str = "rsa") -> Path:
        return self.folder / f"{name}.pem"

    def chain(self, name: str = "rsa") -> Path:
        return self.folder / f"{name}-chain.pem"

    def key(self, name: str = "rsa") -> Path:
        return self.folder / f"{name}.key"

    def both(self, name: str = "rsa") -> Path:
        return self.folder / f"{name}-both.pem"

    def keystore(self, name: str = "rsa") -> Path:
        """PKCS #12 with the password ``changeit``, for Java."""
        path = self.folder / f"{name}.p12"
        if not path.exists():
            _openssl(
                *("pkcs12", "-export", "-in", self.chain(name), "-inkey", self.key(name)),
                *("-name", "localhost", "-passout", "pass:changeit", "-out", path),
            )
        return path

    def dh(self, bits: int) -> Path:
        """Diffie-Hellman parameters; DSA-like ones, because they are made in a moment."""
        path = self.folder / f"dh{bits}.pem"
        if not path.exists():
            _openssl("dhparam", "-dsaparam", "-out", path, bits)
        return path
