# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSH signatures (SSHSIG) over the seal of a bundle, made and checked with OpenSSH's own tool."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import subprocess
import tempfile

from .errors import EvidenceError

#: Binds a signature to this use of the key: one made for git or a file cannot be passed off as ours.
NAMESPACE = "evidence@encryption-in-transit"


class Signer:
    """A signing key that was proved to work.

    ``path`` is a private key without passphrase, or the public half of a key that the user's ssh-agent holds.
    Raises EvidenceError at once when nothing could be signed with it, so that no work is done in vain.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.public = self._public()
        self.sign(b"")

    @property
    def fingerprint(self) -> str:
        """``SHA256:...`` as ``ssh-keygen -l`` prints it."""
        blob = base64.b64decode(self.public.split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")

    def sign(self, data: bytes) -> bytes:
        """The armoured signature over the data, verified before it is returned."""
        # Only as a filter: with a file name, ssh-keygen asks before it replaces an old signature, and without a
        # terminal then writes nothing and still ends with status 0.
        signature = self._run(["-Y", "sign", "-q", "-f", self.path, "-n", NAMESPACE], data)
        if not signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            raise EvidenceError(f"signing key {self.path}: ssh-keygen gave no signature")
        with tempfile.TemporaryDirectory() as folder:
            allowed, made = os.path.join(folder, "allowed_signers"), os.path.join(folder, "signature")
            with open(allowed, "w", encoding="ascii") as file:
                file.write(f'evidence namespaces="{NAMESPACE}" {self.public}\n')
            with open(made, "wb") as file:
                file.write(signature)
            self._run(["-Y", "verify", "-f", allowed, "-I", "evidence", "-n", NAMESPACE, "-s", made], data)
        return signature

    def _public(self) -> str:
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError as error:
            raise EvidenceError(f"signing key {self.path}: {error.strerror}") from error
        if "PRIVATE KEY" in text:
            text = self._run(["-y", "-P", "", "-f", self.path], b"").decode("utf-8", "replace")
        kind, _space, rest = text.strip().partition(" ")
        blob = rest.partition(" ")[0]
        try:
            base64.b64decode(blob, validate=True)
        except binascii.Error:
            blob = ""
        if not blob or not blob.isascii() or "\n" in text.strip():
            raise EvidenceError(f"signing key {self.path}: neither a private nor a public OpenSSH key")
        return f"{kind} {blob}"

    def _run(self, arguments: list[str], data: bytes) -> bytes:
        """Standard output of ssh-keygen, which must end well and never asks anybody."""
        environment = {**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["ssh-keygen", *arguments], input=data, capture_output=True, env=environment, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EvidenceError(f"signing key {self.path}: ssh-keygen: {error}") from error
        if done.returncode:
            words = " ".join(done.stderr.decode("utf-8", "replace").split()) or f"status {done.returncode}"
            raise EvidenceError(f"signing key {self.path}: ssh-keygen: {words}")
        return done.stdout
