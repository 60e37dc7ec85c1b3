#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: standard
short_description: Write the organisation's TLS standard from the baseline that is enforced
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Writes the TLS standard of an organisation as Markdown and as HTML - policy, tables of what is approved, tolerated
    and forbidden, the rules for exceptions, sources, and the requirements it speaks to.
  - It is made from the same profile and the same replaced parts that servers are held to, so policy and enforcement
    cannot drift apart. The same baseline gives the same bytes.
  - Runs on the controller and changes no host.
options:
  dest:
    description: Folder on the controller. C(tls-standard.md) and C(tls-standard.html) are written into it.
    type: path
    required: true
  organisation:
    description: Name of the organisation.
    type: str
    required: true
  owner:
    description: Who answers for the standard.
    type: str
    default: ""
  profile:
    description: Profile of the baseline.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that your organisation replaces.
    type: dict
    default: {}
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.controller
attributes:
  check_mode:
    support: full
    details: Tells whether the files would change, and writes nothing.
  diff_mode:
    support: full
    details: Shows the changes of the Markdown file.
  idempotent:
    support: full
seealso:
  - module: encryption.in_transit.evidence_bundle
"""

EXAMPLES = r"""
- name: Write the TLS standard
  encryption.in_transit.standard:
    dest: policies
    organisation: Example Hospital
    owner: Chief Information Security Officer
    profile: "{{ in_transit_profile }}"
"""

RETURN = r"""
files:
  description: Paths of both files.
  returned: success
  type: list
  elements: str
  sample: [/srv/policies/tls-standard.md, /srv/policies/tls-standard.html]
sha256:
  description: SHA-256 of the baseline, as evidence names it.
  returned: success
  type: str
  sample: 78dcbcbc0ee31c2681618d3cbd62c6a14ba0cf29cb45ad0faa44a94bed1ed139
"""
