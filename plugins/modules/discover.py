#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module discover: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: discover
short_description: Tell which TCP sockets listen on a host, whose they are, and what they speak
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Lists every listening TCP socket of every network namespace on the host, with its process, user, systemd unit,
    package and container, and tells whether it speaks TLS, switches to TLS, serves in plaintext or speaks SSH.
  - Sockets are probed by the host itself, over the address they are bound to, so that firewalls hide none of them.
    Whether they can be reached from elsewhere is not judged.
  - The playbook C(encryption.in_transit.discover) joins the results of all hosts with the flow register.
notes:
  - Needs root to see other users' processes and to look into other network namespaces. What may not be seen is left
    empty.
  - UDP, and with it QUIC and DTLS, is not looked at.
  - A port whose protocol is known by its number, its program or its greeting is asked in that protocol, as far as the
    start of TLS, and whether a session without TLS would begin (C(USER), C(MAIL FROM), a PostgreSQL start-up packet, a
    GET on port 80). No password is sent and nothing is handed over.
  - Any other port gets TLS hellos, up to a dozen connections. Servers may log them as failed handshakes.
  - "V(handshake) opens up to 14 connections to one port; a program that counts failed ones, such as fail2ban, should
    know the host's own addresses."
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.info
options:
  probe:
    description:
      - How far to go to learn what a socket speaks.
      - V(none) connects to nothing. V(greeting) connects and only listens to what a server says of its own accord.
        V(handshake) asks for TLS as well.
    type: str
    default: handshake
    choices: [none, greeting, handshake]
  quiet_ports:
    description:
      - Ports, and ranges such as V(4001-4016), that are listed and never connected to.
      - The ports of raw printing (9100 to 9107, 515) and of industrial control (102, 502, 20000, 44818) never are,
        because what listens there acts on bytes rather than read them as a request. Add those of your own devices.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Whether to look into V(all) network namespaces, which those of containers are, or only into the V(own) one.
    type: str
    default: all
    choices: [all, own]
  profile:
    description: Built-in profile that RV(listeners[].verdict) is judged against.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that your organisation replaces, for example C(suites_tls12).
    type: dict
    default: {}
  timeouts:
    description: How long to wait, in seconds. All ports are probed side by side.
    type: dict
    suboptions:
      greeting:
        description: For the first words of a server whose protocol is not known.
        type: float
        default: 1.5
      read:
        description: For each answer.
        type: float
        default: 3.0
      endpoint:
        description: For one port; what is not known by then stays unknown.
        type: float
        default: 10.0
attributes:
  diff_mode:
    support: none
  platform:
    support: full
    platforms: linux
seealso:
  - module: encryption.in_transit.tls_scan
"""

EXAMPLES = r"""
- name: See what listens here
  encryption.in_transit.discover:
  become: true
  register: found

- name: Only list and listen, and leave a port of laboratory devices alone
  encryption.in_transit.discover:
    probe: greeting
    quiet_ports: [4001-4016]
  become: true
"""

RETURN = r"""
msg:
  description: How many sockets speak what.
  returned: always
  type: str
  sample: '4 listening sockets: 1 plaintext, 1 ssh, 2 tls'
hostname:
  description: What the host calls itself.
  returned: always
  type: str
  sample: portal
addresses:
  description: IP addresses of the host, without those only it or its link can use.
  returned: always
  type: list
  elements: str
  sample: [192.0.2.10, '2001:db8::10']
listeners:
  description: One entry for each address and port that is listened on, in the order of ports.
  returned: always
  type: list
  elements: dict
  contains:
    address:
      description: Address the socket is bound to.
      type: str
      returned: always
      sample: 0.0.0.0
    port:
      description: TCP port.
      type: int
      returned: always
      sample: 443
    scope:
      description: V(any), V(loopback), or V(address) for one address of the host.
      type: str
      returned: always
      sample: any
    namespace:
      description: Its network namespace; null for the one the module ran in.
      type: str
      returned: always
    process:
      description: C(pid), C(program), C(command) without secrets, and C(user) of the socket; empty when not visible.
      type: dict
      returned: always
      sample: {pid: 812, program: /usr/sbin/nginx, command: 'nginx: master process', user: root}
    package:
      description: Package the program is of, empty when it is of none.
      type: str
      returned: always
      sample: nginx
    unit:
      description: The systemd unit, empty when it is of none.
      type: str
      returned: always
      sample: nginx.service
    container:
      description: Name or start of the id of the container the process is in, empty for none.
      type: str
      returned: always
      sample: ''
    clients:
      description: Connections open at that moment, from the host itself (C(local)) and from others (C(remote)).
      type: dict
      returned: always
      sample: {local: 0, remote: 3}
    transport:
      description: V(tls), V(starttls), V(plaintext), V(ssh) or V(unknown).
      type: str
      returned: always
      sample: tls
    scheme:
      description: Scheme of its endpoint URI; null when it is not known.
      type: str
      returned: always
      sample: https
    endpoint:
      description: The URI it was asked by; null when it was not.
      type: str
      returned: always
      sample: https://127.0.0.1:443?sni=
    detail:
      description: What RV(listeners[].transport) rests on.
      type: str
      returned: always
      sample: TLSv1.2 TLSv1.3
    verdict:
      description: Verdict about the endpoint, as M(encryption.in_transit.tls_scan) gives it; null without a handshake.
      type: str
      returned: always
      sample: compliant
    protocols:
      description: Protocols that were accepted.
      type: list
      elements: str
      returned: always
      sample: [TLSv1.2, TLSv1.3]
    certificates:
      description: Facts of the leaf certificates that were served.
      type: list
      elements: dict
      returned: always
      sample: []
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_discover


def main() -> None:
    ansible_discover.main()


if __name__ == "__main__":
    main()
