# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the modules that read leave what they export."""

from __future__ import annotations


class ModuleDocFragment:
    """Option of every C(_info) module of a stack."""

    DOCUMENTATION = r"""
options:
  export_dest:
    description:
      - Folder on the controller, which is made where it is missing. What the host exports is written there as soon as
        it comes, readable by its owner only. The result then holds no configuration, transcript or finding, but the
        name and the digest of that file in C(collected), so that a fleet's results stay small.
      - V(run) stands for a folder of this run of Ansible below its C(local_tmp), which Ansible removes when it ends.
        There M(encryption.in_transit.evidence_bundle) and others of this collection look for it.
    type: str
"""
