"""Ports for daemons that take the number of one, and no socket that is open already."""

from __future__ import annotations

import itertools
import os
import random
import socket

#: Below those that Linux gives to clients (net.ipv4.ip_local_port_range), one of which might have it when we need it.
_RANGE = range(12000, 32768)
#: Tests run side by side: what one worker is given, no other is.
_SHARES = 32
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _SHARES
_ours = _RANGE[_worker::_SHARES]
_candidates = itertools.cycle(random.SystemRandom().sample(_ours, len(_ours)))


def free_port(address: str = "127.0.0.1") -> int:
    """A port of this address on which nothing listens, another one each time."""
    for port in itertools.islice(_candidates, len(_ours)):
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        return port
    raise OSError(f"every port from {_RANGE.start} to {_RANGE.stop - 1} of {address} is taken")
