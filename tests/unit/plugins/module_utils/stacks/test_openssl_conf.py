# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenSSL's configuration: what a file gives every context, and a file that gives more."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import openssl_conf
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

CHAIN = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1.1\n"


def read(files, path="/o.cnf"):
    return openssl_conf.read(MemoryHost(files), path)


@pytest.mark.parametrize(
    ("text", "sections", "commands"),
    [
        ("", (), {}),
        ("openssl_conf = a\n[a]\n", ("a",), {}),
        (CHAIN, ("a", "b", "c"), {"minprotocol": "TLSv1.1"}),
        (CHAIN + "[x]\n[ c ]\nMinProtocol=TLSv1.3 # newer\n", ("a", "b", "c"), {"minprotocol": "TLSv1.3"}),
        ("[x]\n[default]\n" + CHAIN, ("a", "b", "c"), {"minprotocol": "TLSv1.1"}),
        ("[x]\n" + CHAIN, (), {}),
        ("[x]\n" + CHAIN + "recipient = \"/C=FI/O=CA\" # or 'srvcert'\n", (), {}),
        (CHAIN + "[x] y\n[ c ] z\nminprotocol = 'TLSv1.2'\n", ("a", "b", "c"), {"minprotocol": "TLSv1.2"}),
        (".include /more\n[default]\nopenssl_conf = m\n", ("m", "n"), {}),
        (".include = /more\n[default]\nopenssl_conf = m\n", ("m", "n"), {}),
        (".include /folder\n", ("f",), {}),
    ],
)
def test_the_chain_is_followed_as_openssl_does(text, sections, commands):
    files = {"/o.cnf": text, "/more": "[m]\nssl_conf = n\n", "/folder/1.cnf": "openssl_conf = f\n", "/folder/x": "]"}
    assert read(files) == openssl_conf.Defaults("/o.cnf", sections, commands)


@pytest.mark.parametrize(
    "line",
    [
        ".include relative.cnf",
        ".include /missing.cnf",
        ".include /o.cnf",
        ".pragma dollarid:on",
        "a = b \\",
        "# b \\",
        "a = 'b # c'",
        "a = 'b' c",
        "[c\\]",
        "c::MinProtocol = TLSv1",
        "[c]\n1.MinProtocol = TLSv1",
        "[c]\nMinProtocol = $x",
        "[a]\nssl_conf = $x",
    ],
)
def test_what_is_not_followed_is_not_known(line):
    assert read({"/o.cnf": f"{CHAIN}{line}\n"}) is None


def test_a_missing_file_gives_nothing():
    assert read({}) == openssl_conf.Defaults("/o.cnf", (), {})


@pytest.mark.parametrize("text", ["", "openssl_conf = a\n[a]\n", CHAIN])
def test_an_extension_gives_what_its_base_gives_and_more(text):
    commands = {"MinProtocol": "TLSv1.2", "Options": "-SessionTicket"}
    base = read({"/o.cnf": text})
    data = openssl_conf.extension(base, commands, "why")
    assert openssl_conf.extended(data) == ("/o.cnf", {"minprotocol": "TLSv1.2", "options": "-SessionTicket"})
    found = read({"/o.cnf": text, "/own.cnf": data}, "/own.cnf")
    assert found.commands == {**base.commands, "minprotocol": "TLSv1.2", "options": "-SessionTicket"}
    assert found.sections[: len(base.sections)] == base.sections
    assert openssl_conf.level({"cipherstring": "DEFAULT:@SECLEVEL=1"}) == 1 and openssl_conf.level({}) is None
    assert openssl_conf.extension(base._replace(path="/with blank"), commands, "why") is None


@pytest.mark.servers
@pytest.mark.parametrize("text", ["", CHAIN, "# nothing of the chain\n[default]\nx = y\n[z]\nk = v\n"])
def test_openssl_reads_an_extension_as_we_do(tmp_path, text):
    """What every context begins with, asked of OpenSSL by a client that says what it offers."""
    (openssl,) = need("openssl")
    base, own = tmp_path / "base.cnf", tmp_path / "own.cnf"
    base.write_text(text)
    commands = {"CipherString": "ECDHE-RSA-AES256-SHA384:@SECLEVEL=0", "MinProtocol": "TLSv1.2"}
    own.write_bytes(openssl_conf.extension(openssl_conf.read(Host(), str(base)), commands, "why"))

    def suites(path):
        environment = {**os.environ, "OPENSSL_CONF": str(path)}
        done = subprocess.run([openssl, "ciphers", "-s", "-tls1_2"], env=environment, capture_output=True, check=True)
        return [name for name in done.stdout.decode().strip().split(":") if not re.match("TLS_", name)]

    assert suites(own) == ["ECDHE-RSA-AES256-SHA384"]
    assert len(suites(base)) > 1
