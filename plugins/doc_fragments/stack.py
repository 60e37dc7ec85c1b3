# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that every stack's modules have. Kept in step with run/ansible_stack.py by a unit test."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of all stacks."""

    # Both of a stack's modules.
    DOCUMENTATION = r"""
options:
  profile:
    description:
      - Built-in profile that the baseline is taken from.
      - Each profile names its source and date; see the documentation of the collection for what is in them.
    type: str
    default: intermediate
  baseline:
    description:
      - Parts of the profile that your organisation replaces, for example C(hsts_max_age) or C(suites_tls12).
      - A part given replaces the whole part of the profile, except C(certificate), whose keys are replaced one by one.
      - A baseline that leaves no usable protocol, cipher suite or group is an error before anything is touched.
    type: dict
    default: {}
  overrides:
    description:
      - What to do about directives that override the baseline from other files than the main one.
      - V(mend) edits them where they stand, V(report) leaves and reports them, V(fail) stops at the first of them.
    type: str
    default: mend
    choices: [mend, report, fail]
  proof:
    description:
      - Whether to prove the result by handshakes, made with the collection's own bytes and not by the TLS library of
        the host.
      - Without proof a change is only tested by the daemon's own test. Nothing is then said about what is accepted.
    type: bool
    default: true
  timeouts:
    description: How long to wait, in seconds.
    type: dict
    suboptions:
      handshake:
        description: For each answer of an endpoint.
        type: float
        default: 3.0
      lock:
        description: For another run that is at work on the same instance.
        type: float
        default: 10.0
      settle:
        description: For new workers after a reload.
        type: float
        default: 30.0
      proof:
        description: For handshakes after a reload to show what they should, before the change is undone.
        type: float
        default: 5.0
  config:
    description:
      - Main configuration files of the instances meant, where several are installed or running on the host.
      - Empty means every instance found. Naming one that is not there is an error.
    type: list
    elements: path
    default: []
  state_dir:
    description:
      - Folder on the host for locks, journals of unfinished runs and the history of finished ones.
      - Must belong to the user that runs the module and be writable by no other.
    type: path
    default: /var/lib/encryption.in_transit
"""

    # The module that enforces.
    HARDEN = r"""
options:
  state:
    description:
      - V(present) brings every instance to the baseline.
      - V(recover) only brings runs that were interrupted to their end, which V(present) does first as well. What had
        not been proved is undone, what had been proved stays.
    type: str
    default: present
    choices: [present, recover]
  reload:
    description:
      - V(auto) reloads the daemon, proves the change by handshake, and undoes it when the proof fails.
      - V(handler) writes and tests only. A later run with V(auto) reloads and proves, also when nothing is left to be
        written.
    type: str
    default: auto
    choices: [auto, handler]
  missing:
    description:
      - What it means when the software is not installed on the host, V(fail) or V(ignore).
      - In check mode it never fails, because another task might install the software first.
    type: str
    default: fail
    choices: [fail, ignore]
  history:
    description: How many finished changes to keep for each instance, with the bytes before and after.
    type: int
    default: 10
"""

    # Where the software can be told to log its handshakes.
    LOGGING = r"""
options:
  log_handshakes:
    description:
      - Whether to let the software log protocol and suite of handshakes, which M(encryption.in_transit.usage) reads.
      - V(on) adds a log beside those that are there, where they do not tell it already, by the same proved and undoable
        change as everything else. V(off) takes away what V(on) has added, and nothing that others have set. V(leave)
        changes nothing about logs.
      - What is logged is the client's address, time, protocol, suite, port and the name it asked for. Addresses are
        personal data.
    type: str
    default: leave
    choices: [leave, "on", "off"]
"""

    # Where the software speaks HTTP.
    HTTP = r"""
options:
  hsts:
    description:
      - Whether a missing or short C(Strict-Transport-Security) header is only reported, or mended as well.
      - The header binds browsers for its whole lifetime; be sure that every name under it can do without plaintext.
    type: str
    default: report
    choices: [report, mend]
"""
