# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A TLS server in pure Python: tlslite_server.py PORT CHAIN KEY LOWEST ("3.0" for SSL 3.0 ... "3.4" for TLS 1.3)."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey


def serve(connection: socket.socket, chain: X509CertChain, key: object, settings: HandshakeSettings) -> None:
    tls = TLSConnection(connection)
    try:
        tls.handshakeServer(certChain=chain, privateKey=key, settings=settings)
        tls.close()
    except Exception as refused:  # the library raises many kinds, and a client's failure is nothing to stop for
        print(type(refused).__name__, refused, flush=True)
    finally:
        connection.close()


def main() -> None:
    port, chain_file, key_file, lowest = sys.argv[1:]
    chain = X509CertChain()
    chain.parsePemList(Path(chain_file).read_text())
    key = parsePEMKey(Path(key_file).read_text(), private=True)
    settings = HandshakeSettings()
    settings.minVersion = tuple(map(int, lowest.split(".")))
    settings.maxVersion = (3, 4)
    if settings.minVersion < (3, 3):
        settings.cipherNames = [*settings.cipherNames, "rc4", "null"]
        settings.macNames = [*settings.macNames, "md5"]
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=256)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, chain, key, settings), daemon=True).start()


main()
