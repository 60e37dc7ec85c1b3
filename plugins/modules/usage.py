#!/usr/bin/python
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module usage: documentation and one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: usage
short_description: Tell from the logs of a host which clients use which protocol and suite
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads what the servers of a host log about handshakes, rotated and packed files included, and counts them by
    listener, client address, protocol and suite.
  - Marks what the baseline forbids, so that the clients that would be cut off are known before anything is changed.
  - Tells which listeners log nothing of it. Whether they have old clients is then unknown; it never means none.
  - Which files are logs of handshakes, and what a line of them means, comes from the configuration of the servers.
notes:
  - Client addresses are personal data where they can be linked to people. RV(handshakes) is as sensitive as the logs;
    O(addresses=masked) keeps the networks only.
  - Web servers log requests. A handshake that no request follows is in no log.
  - vsftpd logs the oldest protocol that has the suite rather than the one in use. RV(handshakes[].protocol) is empty
    where that leaves it open.
  - Needs to read the logs, for which most hosts want root.
  - On Windows there is no Python. The action plugin of the same name asks for event 36880 of Schannel instead.
  - It has no addresses, and of the options only O(since), O(profile) and O(baseline) count. Never run on a Windows.
extends_documentation_fragment:
  - encryption.in_transit.attributes
  - encryption.in_transit.attributes.info
options:
  stacks:
    description: Software to look for. What is not there is passed over.
    type: list
    elements: str
    choices: [apache, haproxy, nginx, postfix, vsftpd]
    default: [apache, haproxy, nginx, postfix, vsftpd]
  since:
    description:
      - How far back to look. A span such as V(30d), V(12h) or V(8w), or a time such as V(2026-11-01) or
        V(2026-11-01T08:00:00Z) in UTC.
      - Lines without a time count whenever they were written.
    type: str
    default: 30d
  addresses:
    description:
      - V(full) tells the addresses of clients. V(masked) tells their networks only, 24 bits of IPv4 and 64 of IPv6.
      - Addresses are masked on the host, before anything is sent to the controller.
    type: str
    default: full
    choices: [full, masked]
  clients:
    description:
      - How many entries with a client of their own are told for each log, of those below the baseline and of the others
        alike. Further clients are counted together as V(others).
      - Bounds the memory that is needed on the host.
    type: int
    default: 10000
  profile:
    description: Built-in profile that RV(handshakes[].below) is judged by.
    type: str
    default: intermediate
  baseline:
    description: Parts of the profile that your organisation replaces, for example C(suites_tls12).
    type: dict
    default: {}
  config:
    description: Main configuration files of the instances meant. Empty means every instance found.
    type: list
    elements: path
    default: []
attributes:
  diff_mode:
    support: none
  platform:
    support: full
    platforms: linux, windows
seealso:
  - module: encryption.in_transit.usage_report
"""

EXAMPLES = r"""
- name: See who still uses what is going away
  encryption.in_transit.usage:
    since: 8w
  become: true
  register: found

- name: The same without the addresses of single devices
  encryption.in_transit.usage:
    addresses: masked
  become: true
"""

RETURN = r"""
msg:
  description: The result in a sentence.
  returned: always
  type: str
  sample: 3 clients below the baseline, 18234 handshakes in 2 logs
since:
  description: How far back was looked, in UTC.
  returned: always
  type: str
  sample: '2026-10-23T08:00:00Z'
profile:
  description: Profile of the baseline that was judged by.
  returned: always
  type: str
  sample: intermediate
handshakes:
  description: One entry for each listener, client, protocol and suite; those below the baseline first.
  returned: always
  type: list
  elements: dict
  contains:
    stack:
      description: The software.
      type: str
      returned: always
      sample: nginx
    listener:
      description: Where the client came to, as far as the log tells listeners apart.
      type: str
      returned: always
      sample: '*:443 portal.hospital.example'
    ports:
      description: Ports of that listener; none for connections the server opened.
      type: list
      elements: int
      returned: always
      sample: [443]
    direction:
      description: V(incoming), or V(outgoing) where the server was the one that connected.
      type: str
      returned: always
      sample: incoming
    client:
      description:
        - Address of the peer, its network when masked, or its name where only that is logged.
        - V(local) stands for Unix sockets, V(others) for clients beyond O(clients), V(not told) for all clients of a
          log without addresses.
      type: str
      returned: always
      sample: 192.0.2.17
    protocol:
      description: Protocol that was used; empty where the log does not tell it for sure.
      type: str
      returned: always
      sample: TLSv1.0
    suite:
      description: IANA name of the suite; empty when not logged.
      type: str
      returned: always
      sample: TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
    count:
      description: How many times it was logged.
      type: int
      returned: always
      sample: 412
    first:
      description: First time it was logged, in UTC; null when lines have no time.
      type: str
      returned: always
      sample: '2026-10-24T06:00:04Z'
    last:
      description: Last time it was logged.
      type: str
      returned: always
      sample: '2026-11-21T22:10:54Z'
    below:
      description: What of it the baseline forbids; empty when nothing.
      type: list
      elements: str
      returned: always
      sample: [TLSv1.0, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA]
    breaks:
      description:
        - V(yes) when the client is cut off without it, because the listener has a newer protocol today and the client
          did not get it. V(unknown) when it may have something better. V(no) when nothing of it is forbidden.
      type: str
      returned: always
      sample: 'yes'
    newer:
      description: When the same address last came with something the baseline allows; null when it never did.
      type: str
      returned: always
logs:
  description: What was read.
  returned: always
  type: list
  elements: dict
  contains:
    stack:
      description: The software.
      type: str
      returned: always
      sample: nginx
    path:
      description: The log.
      type: str
      returned: always
      sample: /var/log/nginx/access.log
    files:
      description: Files of it that were read.
      type: list
      elements: str
      returned: always
      sample: [/var/log/nginx/access.log, /var/log/nginx/access.log.1]
    lines:
      description: Number of lines.
      type: int
      returned: always
      sample: 20211
    handshakes:
      description: Number of lines that tell of TLS.
      type: int
      returned: always
      sample: 18234
    unread:
      description: Number of lines that are not in the form they should have.
      type: int
      returned: always
      sample: 0
    oldest:
      description: Time of the oldest handshake that was found; null without any.
      type: str
      returned: always
      sample: '2026-10-24T06:00:04Z'
    errors:
      description: What could not be read.
      type: list
      elements: str
      returned: always
      sample: []
unknown:
  description: Listeners of whose clients nothing is known, or not all.
  returned: always
  type: list
  elements: dict
  contains:
    stack:
      description: The software.
      type: str
      returned: always
      sample: vsftpd
    listener:
      description: The listener.
      type: str
      returned: always
      sample: '*:21'
    reason:
      description: Why.
      type: str
      returned: always
      sample: debug_ssl is NO
"""

from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_usage


def main() -> None:
    ansible_usage.main()


if __name__ == "__main__":
    main()
