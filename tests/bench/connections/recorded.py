"""Connection to a host that is not there: a module that is sent to it is answered by what a real host once answered.

The controller does all it does for a real host but to wait: it makes the module's payload, forks a worker, sends the
payload, takes the result, keeps it. ``RECORDED`` names a folder with one file for each module: its standard output.
In it the address 127.0.0.1 stands for that of the host.
"""

from __future__ import annotations

DOCUMENTATION = """
name: recorded
author: The encryption.in_transit authors (@encryption)
short_description: Answer modules by what a real host answered
description: For benchmarks.
extends_documentation_fragment: [connection_pipelining]
options:
  host:
    description: Address of the host.
    default: inventory_hostname
    vars: [{name: inventory_hostname}, {name: ansible_host}]
"""

import os
import re
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

#: How the payload of a module names it (AnsiballZ).
_MODULE = re.compile(rb"ansible[\w./]*?[./]modules[./](\w+)")


class Connection(ConnectionBase):
    """Needs pipelining: nothing is ever put into a file."""

    transport = "recorded"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        match = _MODULE.search(in_data or b"")
        if not match:
            raise AnsibleConnectionFailure(f"only modules are answered, not {cmd!r}")
        with open(os.path.join(os.environ["RECORDED"], match.group(1).decode()), "rb") as file:
            answer = file.read()
        return 0, answer.replace(b"127.0.0.1", str(self.get_option("host")).encode()), b""

    def put_file(self, in_path: str, out_path: str) -> t.NoReturn:
        raise AnsibleConnectionFailure("files are not taken")

    def fetch_file(self, in_path: str, out_path: str) -> t.NoReturn:
        raise AnsibleConnectionFailure("files are not given")

    def close(self) -> None:
        self._connected = False
