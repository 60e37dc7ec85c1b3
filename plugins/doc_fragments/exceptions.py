# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that hands exceptions in force to a module."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments of this file."""

    DOCUMENTATION = r"""
options:
  exceptions:
    description:
      - Approved exceptions, in the words of the register of exceptions, as M(encryption.in_transit.registers) returns
        them for each host. Where one covers what fails, the finding is V(excepted) and keeps what was seen; it never
        counts as V(pass).
      - Each counts from its first to its last day by this host's clock. Anything it does not name still fails, and so
        does anything weaker than what it names.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: Id of the exception.
        type: str
        required: true
      hosts:
        description: Hosts it is for, by inventory name or as URIs name them. Empty means that all of this is about one
          host.
        type: list
        elements: str
        default: []
      ports:
        description: Ports of the listeners.
        type: list
        elements: int
        required: true
      names:
        description: Server names. Empty means whatever those ports serve.
        type: list
        elements: str
        default: []
      stack:
        description: Software, for example V(nginx). Empty means any.
        type: str
        default: ''
      checks:
        description: Ids of the checks that may fail there.
        type: list
        elements: str
        required: true
      accept:
        description: Names that checks about lists tolerate, for example of cipher suites.
        type: list
        elements: str
        default: []
      since:
        description: First day, as C(YYYY-MM-DD).
        type: str
        required: true
      expires:
        description: Last day, as C(YYYY-MM-DD).
        type: str
        required: true
"""
