# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configurations that fool people and tools, each seen in handshakes of a real nginx. Shared by two tests.

``{port}``, ``{cert}``, ``{key}`` and ``{open}`` are filled in: ``{open}`` lets OpenSSL 3 speak TLS 1.0 at all.
``weak`` maps a server name (empty: none) to the protocols a client is really given.
"""

from __future__ import annotations

import typing as t

OLD = "TLSv1.0 TLSv1.1 TLSv1.2"
ALL = OLD + " TLSv1.3"


class Trap(t.NamedTuple):
    title: str
    files: dict
    weak: dict
    #: What must not be in the text afterwards, and what must.
    gone: tuple = ()
    stays: tuple = ()


STRICT = "ssl_protocols TLSv1.2 TLSv1.3;"


def server(body="", name="a", extra=""):
    return f"server {{ listen 127.0.0.1:{{port}} ssl{extra}; server_name {name}; {body} }}\n"


TRAPS = (
    Trap(
        "a drop-in beside the stock list adds to it",
        {
            "nginx.conf": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; include conf.d/*.conf;\n" + server(),
            "conf.d/tls.conf": STRICT + "\n",
        },
        {"": ALL, "a": ALL},
        gone=("TLSv1 ", "TLSv1.1"),
    ),
    Trap(
        "the default server of an address decides for all names",
        {
            "nginx.conf": f"{STRICT}\n"
            + server("ssl_protocols TLSv1 TLSv1.1 TLSv1.2;")
            + server("ssl_protocols TLSv1.3;", "b")
        },
        {"": OLD, "a": OLD, "b": OLD},
        stays=("ssl_protocols TLSv1.3;",),
    ),
    Trap(
        "a weak server that is not the default sleeps until an upgrade",
        {"nginx.conf": f"{STRICT}\n" + server() + server("ssl_protocols TLSv1;", "b")},
        {"": "TLSv1.2 TLSv1.3", "a": "TLSv1.2 TLSv1.3", "b": "TLSv1.2 TLSv1.3"},
        gone=("TLSv1;",),
    ),
    Trap(
        "nothing is said, so the build decides",
        {"nginx.conf": server()},
        {"": OLD, "a": OLD},
        stays=("ssl_protocols TLSv1.2 TLSv1.3;",),
    ),
    Trap(
        "one command in a server drops all commands around it",
        {
            "nginx.conf": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_conf_command MinProtocol TLSv1.2;\n"
            + server("ssl_conf_command Options ServerPreference;")
        },
        {"": ALL, "a": ALL},
        stays=("Options ServerPreference", "MinProtocol TLSv1.2"),
    ),
    Trap(
        "a Protocol command overrides a strict list",
        {"nginx.conf": f"{STRICT}\n" + server("ssl_conf_command Protocol ALL;")},
        {"": ALL, "a": ALL},
        gone=("Protocol ALL",),
    ),
    Trap(
        "a limit below the baseline would leave nothing once the list is right",
        {"nginx.conf": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;\n" + server("ssl_conf_command MaxProtocol TLSv1.1;")},
        {"": "TLSv1.0 TLSv1.1", "a": "TLSv1.0 TLSv1.1"},
        gone=("MaxProtocol TLSv1.1",),
    ),
    Trap(
        "a specific address hides the wildcard and has a default of its own",
        {
            "nginx.conf": f"{STRICT}\n"
            + "server {{ listen {port} ssl; server_name a; }}\n".replace("{{", "{").replace("}}", "}")
            + server("ssl_protocols TLSv1;", "b")
        },
        {"": "TLSv1.0", "b": "TLSv1.0"},
        gone=("TLSv1;",),
    ),
    Trap(
        "one ssl word makes the address TLS for servers without it",
        {
            "nginx.conf": "server { listen 127.0.0.1:{port}; server_name a; ssl_protocols TLSv1; }\n"
            + server("ssl_protocols TLSv1.3;", "b")
        },
        {"": "TLSv1.0", "a": "TLSv1.0", "b": "TLSv1.0"},
        gone=("TLSv1;",),
    ),
    Trap(
        "text in every form the tokenizer takes",
        {
            "nginx.conf": b"ssl_protocols 'TLSv1'\r\n  # caf\xe9 }{ ;\r\n\t\"TLSv1.1\" TLSv1.2;"
            b"add_header X 'ssl_protocols SSLv3; } {';\r\n" + server().encode()
        },
        {"": OLD, "a": OLD},
        stays=("ssl_protocols SSLv3; } {",),
    ),
    Trap(
        "a strict list behind a catch-all that rejects names",
        {
            "nginx.conf": server("ssl_protocols TLSv1; ssl_reject_handshake on;", "_", " default_server")
            + server(STRICT, "b")
        },
        {"b": "TLSv1.0"},
        gone=("TLSv1;",),
    ),
    Trap(
        "a server alone in a module of its own",
        {
            "nginx.conf": f"{STRICT}\n",
            "stream": "server { listen 127.0.0.1:{port} ssl; proxy_pass 127.0.0.1:9; }",
        },
        {"": OLD},
        stays=("stream {",),
    ),
)


def files(trap, port, cert, key, head=""):
    """The files of a trap by name relative to the directory of the main file, as bytes."""
    result = {}
    for name, text in trap.files.items():
        if name == "stream":
            continue
        data = text if isinstance(text, bytes) else text.encode()
        if name == "nginx.conf":
            tls = f"ssl_certificate {cert}; ssl_certificate_key {key}; ssl_ciphers ALL:@SECLEVEL=0;\n"
            parts = [head.encode(), b"events {}\nhttp {\naccess_log off;\n", tls.encode(), data, b"\n}\n"]
            if "stream" in trap.files:
                parts += [b"stream {\n", tls.encode(), trap.files["stream"].encode(), b"\n}\n"]
            data = b"".join(parts)
        result[name] = data.replace(b"{port}", str(port).encode())
    return result
