# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection of Ansible to a Windows made by Wine, for tests: the same commands, the same files, no network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wine
short_description: Run commands in a Wine prefix
description: For tests only.
author: The encryption.in_transit authors
options:
  prefix:
    description: Folder of the prefix.
    type: path
    required: true
    vars: [{name: ansible_wine_prefix}]
  launcher:
    description: Words that begin every command, to enter a container.
    type: list
    elements: str
    default: []
    vars: [{name: ansible_wine_launcher}]
  inside:
    description: Folder of the prefix as the launcher sees it.
    type: str
    vars: [{name: ansible_wine_inside}]
  break_after:
    description: Lose the connection in the command that holds this word, after the command was run.
    type: str
    vars: [{name: ansible_wine_break_after}]
"""

import shutil
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix


class Connection(ConnectionBase):
    transport = "wine"
    module_implementation_preferences = (".ps1", ".exe", "")
    has_pipelining = True
    allow_executable = False

    def __init__(self, *args, **kwargs):
        self._shell_type = "cmd"
        super().__init__(*args, **kwargs)

    def _connect(self):
        launcher, inside = self.get_option("launcher"), self.get_option("inside")
        self._prefix = Prefix(Path(self.get_option("prefix")), launcher, inside)
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        done = self._prefix.cmd(cmd)
        word = self.get_option("break_after")
        if word and word in cmd:
            raise AnsibleConnectionFailure("the line is dead")
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, self._prefix.local(out_path))

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        shutil.copyfile(self._prefix.local(in_path), out_path)

    def reset(self):
        self._connected = False

    def close(self):
        self._connected = False
