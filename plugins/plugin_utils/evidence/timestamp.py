# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time stamps of a third party over the seal of a bundle (RFC 3161), made and checked with OpenSSL's own tool."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile

from ansible.module_utils.urls import open_url

from .errors import EvidenceError

#: Name of the authority's certificates in a bundle.
AUTHORITY_FILE = "tsa-ca.pem"
_SECONDS = 30
_LARGEST = 1 << 20


class TimeAuthority:
    """A time-stamping authority, and how much it matters.

    ``url``       where it takes requests over HTTP (RFC 3161, section 3.4)
    ``ca``        file of PEM certificates its tokens must lead to
    ``required``  whether a bundle may only be sealed with its token

    Raises EvidenceError when the URL or the file is of no use.
    """

    def __init__(self, url: str, ca: str | None, required: bool = False) -> None:
        self.url, self.required = url, required
        if not url.startswith(("http://", "https://")):
            raise EvidenceError(f"time-stamping authority {url}: an http:// or https:// URL is needed")
        if not ca:
            raise EvidenceError(f"time-stamping authority {url}: the file of its CA certificates is needed as well")
        self.ca = ca
        try:
            with open(ca, "rb") as file:
                self.certificates = file.read()
        except OSError as error:
            raise EvidenceError(f"CA of the time-stamping authority {ca}: {error.strerror}") from error
        if b"-----BEGIN CERTIFICATE-----" not in self.certificates:
            raise EvidenceError(f"CA of the time-stamping authority {ca}: no certificate in PEM")

    def stamp(self, data: bytes) -> bytes:
        """A time-stamp response (DER) over the data, verified before it is returned. Raises EvidenceError."""
        # Without -cert, the token would not hold the certificate a stranger needs to verify it.
        digest = hashlib.sha256(data).hexdigest()
        query = self._openssl(["-query", "-digest", digest, "-sha256", "-cert"])
        response = self._ask(query)
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = os.path.join(folder, "query"), os.path.join(folder, "response")
            for path, content in ((asked, query), (answered, response)):
                with open(path, "wb") as file:
                    file.write(content)
            self._openssl(["-verify", "-queryfile", asked, "-in", answered, "-CAfile", self.ca])
        return response

    def _ask(self, query: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            response = open_url(self.url, data=query, headers=headers, method="POST", timeout=_SECONDS)
            with contextlib.closing(response):
                return bytes(response.read(_LARGEST))
        except (OSError, ValueError) as error:
            raise EvidenceError(f"time-stamping authority {self.url}: {error}") from error

    def _openssl(self, arguments: list[str]) -> bytes:
        try:
            done = subprocess.run(["openssl", "ts", *arguments], capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EvidenceError(f"time-stamping authority {self.url}: openssl: {error}") from error
        if done.returncode:
            words = " ".join((done.stdout[-300:] + done.stderr[-300:]).decode("utf-8", "replace").split())
            raise EvidenceError(f"time-stamping authority {self.url}: openssl: {words}")
        return done.stdout
