# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules for Windows have in common. Kept in step with their action plugins by a unit test."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of all of them."""

    DOCUMENTATION = r"""
options:
  profile:
    description: Built-in profile that the baseline is taken from.
    type: str
    default: intermediate
  baseline:
    description:
      - Parts of the profile that your organisation replaces, for example C(suites_tls12).
      - A part given replaces the whole part of the profile, except C(certificate), whose keys are replaced one by one.
    type: dict
    default: {}
notes:
  - Runs on the controller and sends plain commands, over C(winrm), C(psrp), or C(ssh) with C(ansible_shell_type) V(cmd)
    or V(powershell). The host needs neither Python nor PowerShell modules.
  - Connect as an administrator. C(become) does not apply to plain commands and is passed over.
  - Needs a 64-bit Windows Server 2016 or newer, or a Windows 10 or 11 of that age.
attributes:
  action:
    description: Is an action plugin; works on the controller, and on the host by plain commands.
    support: full
  async:
    description: Supports being run in the background.
    support: none
"""

    # Schannel's own.
    SCHANNEL = r"""
options:
  parts:
    description:
      - What is brought to the baseline.
      - V(protocols), V(ciphers) (with hashes) and V(key_exchange) are Schannel's own keys, V(suites) the policy for the
        order of suites and curves, V(dotnet) and V(winhttp) what programs get that choose nothing themselves.
      - V(events) logs every handshake, and V(rdp) lets Remote Desktop begin with TLS; both only when named.
    type: list
    elements: str
    choices: [protocols, ciphers, key_exchange, suites, dotnet, winhttp, events, rdp]
    default: [protocols, ciphers, key_exchange, suites, dotnet, winhttp]
  roles:
    description:
      - Whether protocols and key lengths are set for what the host serves, what it connects to, or both.
      - Old databases and directories may still need V(client) left out.
    type: list
    elements: str
    choices: [server, client]
    default: [server, client]
"""
