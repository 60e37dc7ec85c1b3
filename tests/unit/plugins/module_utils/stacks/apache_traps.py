# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations that do not do what they look like, with what a client really negotiates by server name.

One table for two tests: our reading of each (``test_apache_effective.py``) and a real httpd's
(``test_apache_servers.py``) must both be what stands here. ``""`` stands for a client that names no server.
"""

from __future__ import annotations

TLS10, TLS11, TLS12, TLS13 = "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"
ALL = (TLS10, TLS11, TLS12, TLS13)
STRICT = (TLS12, TLS13)

#: Every list lets OpenSSL speak what the protocols allow.
OPEN = "SSLCipherSuite ALL:@SECLEVEL=0\n"


def vhost(name, *lines, engine="on"):
    head = ("<VirtualHost {address}>", f"ServerName {name}.example", f"SSLEngine {engine}")
    return "\n".join([*head, *lines, "</VirtualHost>", ""])


#: Name of the trap: (configuration behind the common part, {server name: protocols accepted}).
TRAPS = {
    "a word without sign forgets those before it": (
        OPEN + vhost("a", "SSLProtocol TLSv1.2 TLSv1.3"),
        {"a": (TLS13,)},
    ),
    "no holes between oldest and newest": (
        OPEN + vhost("a", "SSLProtocol +TLSv1 +TLSv1.2 +TLSv1.3"),
        {"a": STRICT},
    ),
    "built-in default": (OPEN + vhost("a"), {"a": ALL, "": ALL}),
    "last line of a scope wins": (
        OPEN + vhost("a", "SSLProtocol all", "SSLProtocol -all +TLSv1.2"),
        {"a": (TLS12,)},
    ),
    "global line after the host holds for it": (
        OPEN + vhost("a") + "SSLProtocol -all +TLSv1.2 +TLSv1.3\n",
        {"a": STRICT},
    ),
    "host beats a strict drop-in read last": (
        OPEN + vhost("a", "SSLProtocol -all +TLSv1 +TLSv1.1 +TLSv1.2") + "SSLProtocol -all +TLSv1.2 +TLSv1.3\n",
        {"a": (TLS10, TLS11, TLS12)},
    ),
    "nothing set globally: the first host decides for those that set nothing": (
        OPEN + vhost("a", "SSLProtocol TLSv1") + vhost("b"),
        {"a": (TLS10,), "b": (TLS10,)},
    ),
    "hosts have protocols of their own": (
        OPEN + vhost("a", "SSLProtocol -all +TLSv1.2 +TLSv1.3") + vhost("b", "SSLProtocol all"),
        {"a": STRICT, "": STRICT, "b": ALL},
    ),
    "clients without a known name get the first host": (
        OPEN + vhost("a", "SSLProtocol all") + vhost("b", "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        {"": ALL, "unknown": ALL, "b": STRICT},
    ),
    "a module name that does not exist guards the hardening": (
        OPEN + "<IfModule mod_ssl>\nSSLProtocol -all +TLSv1.3\n</IfModule>\n" + vhost("a"),
        {"a": ALL},
    ),
    "the two names of a module that exist": (
        OPEN
        + "<IfModule ssl_module>\nSSLProtocol -all +TLSv1.3\n</IfModule>\n"
        + "<IfModule !mod_ssl.c>\nSSLProtocol all\n</IfModule>\n"
        + vhost("a"),
        {"a": (TLS13,)},
    ),
    "a comment that ends in a backslash swallows the hardening": (
        OPEN + "# was: SSLProtocol all \\\nSSLProtocol -all +TLSv1.2 +TLSv1.3\n" + vhost("a"),
        {"a": ALL},
    ),
    "a continued directive": (
        OPEN + "SSLProtocol -all \\\n   +TLSv1.2 \\\n\t+TLSv1.3\n" + vhost("a"),
        {"a": STRICT},
    ),
    "a macro": (
        OPEN
        + "<Macro Host $name $protocols>\n"
        + vhost("$name", "SSLProtocol $protocols")
        + '</Macro>\nUse Host a "all"\nuse host b "-all +TLSv1.2"\n',
        {"a": ALL, "b": (TLS12,)},
    ),
    "a variable of several words has the value it has where it is used": (
        'Define WORDS "-all +TLSv1.2 +TLSv1.3"\n' + OPEN + vhost("a", "SSLProtocol ${WORDS}") + "Define WORDS all\n",
        {"a": STRICT},
    ),
    "an OpenSSL command loosens a strict host": (
        OPEN + vhost("a", "SSLProtocol -all +TLSv1.2 +TLSv1.3", "SSLOpenSSLConfCmd MinProtocol TLSv1"),
        {"a": ALL},
    ),
    "Protocol of an OpenSSL command does not": (
        OPEN + vhost("a", "SSLProtocol -all +TLSv1.2 +TLSv1.3", "SSLOpenSSLConfCmd Protocol ALL"),
        {"a": STRICT},
    ),
    "a global floor holds against a weak host": (
        OPEN + "SSLOpenSSLConfCmd MinProtocol TLSv1.2\n" + vhost("a", "SSLProtocol all"),
        {"a": STRICT},
    ),
    "and survives another command of the host": (
        OPEN
        + "SSLOpenSSLConfCmd MinProtocol TLSv1.2\n"
        + vhost("a", "SSLProtocol all", "SSLOpenSSLConfCmd Options ServerPreference"),
        {"a": STRICT},
    ),
    "a host without SSLEngine has no context: the first one's stays": (
        OPEN + vhost("a", "SSLProtocol -all +TLSv1.2") + vhost("b", "SSLProtocol all", engine="off"),
        {"a": (TLS12,), "b": (TLS12,)},
    ),
    "an address of its own hides the wildcard": (
        OPEN + vhost("a", "SSLProtocol all").replace("{address}", "*:*") + vhost("b", "SSLProtocol -all +TLSv1.2"),
        {"a": (TLS12,), "b": (TLS12,)},
    ),
    "an include at the end of a host wins": (
        OPEN + vhost("a", "SSLProtocol all", "Include {folder}/included.conf"),
        {"a": (TLS12,)},
    ),
    "names and values in any case": (
        OPEN + vhost("a", "sslprotocol -ALL +tlsv1.2 +TLSV1.3"),
        {"a": STRICT},
    ),
    "the version decides": (
        OPEN
        + "<IfVersion < 2.4.0>\nSSLProtocol all\n</IfVersion>\n"
        + "<IfVersion >= 2.4.42>\nSSLProtocol -all +TLSv1.2\n</IfVersion>\n"
        + vhost("a"),
        {"a": (TLS12,)},
    ),
    "what is defined decides": (
        OPEN
        + "Define HARD\n<IfDefine HARD>\nSSLProtocol -all +TLSv1.3\n</IfDefine>\n<IfDefine !HARD>\n"
        + "SSLProtocol all\n</IfDefine>\nUnDefine HARD\n<IfDefine HARD>\nSSLProtocol all\n</IfDefine>\n"
        + vhost("a"),
        {"a": (TLS13,)},
    ),
}

#: What an Include in a trap finds.
INCLUDED = "SSLProtocol -all +TLSv1.2\n"

#: Lines that ``httpd -t`` passes in a host and that end the parent on a graceful restart; {key} fits no certificate.
DEADLY = {
    "key of another certificate": "SSLCertificateKeyFile {other}",
    "list without a suite": "SSLCipherSuite NOSUCHSUITE",
    "unknown group": "SSLOpenSSLConfCmd Groups NOSUCHGROUP",
    "no protocol": "SSLProtocol -TLSv1",
    "certificate too weak for the level": "SSLCertificateFile {weak}\nSSLCertificateKeyFile {weak_key}",
}
