# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where what hosts tell is left on the controller, and where it is looked for."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that leave it and of those that look for it."""

    # Every module of a stack.

    DOCUMENTATION = r"""
options:
  export_dest:
    description:
      - Folder on the controller, which is made where it is missing. What the host tells is written there as soon as it
        comes, readable by its owner only. Of each instance the result then holds no more than its name, version, file,
        whether it was changed, and its endpoints; in place of all else it has the name and the digest of that file in
        C(collected), so that a fleet's results stay small. A failure stays as it is.
      - V(run) stands for a folder of this run of Ansible below its C(local_tmp), which Ansible removes when it ends.
        There M(encryption.in_transit.evidence_bundle) and others of this collection look for it.
    type: str
"""

    # What is made of all hosts' results.
    COLLECTED = r"""
options:
  collected:
    description:
      - Folder to which M(encryption.in_transit.tls_scan) and the modules of the stacks left what they found and did
        (C(export_dest)). V(run) is that of this run. A file of it that is missing or was changed is an error.
    type: path
    default: run
"""
