# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that accept one single thing: the engine has to see each of them for what it is.

OpenSSL 1.1.1 and 3.5 with every suite, group and set of protocols they can be limited to, many of them in one scan.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import groups, model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.tests.servers import catalogue
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.servers.programs import BULLSEYE, TRIXIE, Generation
from ansible_collections.encryption.in_transit.tests.servers.server import Process

Report = t.Dict[str, t.Any]
BATCH = 24
BASELINE = model.load("intermediate")
FAMILIES = {"ECDSA": "ecdsa", "DSS": "dsa"}


def reports(
    pki: Pki, folder: Path, generation: Generation, servers: t.Mapping[str, tuple[str, ...]], leaf: str = "rsa"
) -> dict[str, Report]:
    """The reports of one ``openssl s_server`` for each name, started with these options."""
    found: dict[str, Report] = {}
    names = iter(servers)
    while batch := list(itertools.islice(names, BATCH)):
        with contextlib.ExitStack() as stack:
            ports = {}
            for name in batch:
                argv = catalogue.s_server(generation, *servers[name], leaf=leaf)
                process = Process(
                    "single", lambda port, own, argv=argv: argv(pki, port, own), folder, catalogue.PLAIN_OPENSSL
                )
                ports[name] = stack.enter_context(process).port
            for name, report in zip(batch, scan.scan([f"tls://127.0.0.1:{port}" for port in ports.values()], BASELINE)):
                found[name] = report
    return found


def ciphers(generation: Generation) -> list[str]:
    """Every suite this OpenSSL has for TLS 1.2 that needs no secret shared beforehand, by OpenSSL's name."""
    argv = generation.run("openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:-PSK:-SRP:@SECLEVEL=0")
    done = subprocess.run(
        argv, env={**os.environ, **catalogue.PLAIN_OPENSSL}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().split(":")


every_openssl = pytest.mark.parametrize("openssl", [BULLSEYE, TRIXIE], ids=lambda generation: generation.name)


def family_of(name: str) -> str:
    """The kind of key a suite needs, by OpenSSL's name of it."""
    return next((family for word, family in FAMILIES.items() if word in name.split("-")), "rsa")


@every_openssl
@pytest.mark.parametrize("versions", [("-tls1_2",), ("-no_tls1", "-no_tls1_1")], ids=["tls1.2", "tls1.2-and-1.3"])
@pytest.mark.parametrize("family", ["rsa", "ecdsa", "dsa"])
def test_every_suite_alone(family: str, versions: tuple[str, ...], openssl: Generation, pki: Pki, folder: Path) -> None:
    mine = [name for name in ciphers(openssl) if family_of(name) == family]
    assert mine
    servers = {name: ("-cipher", f"{name}:@SECLEVEL=0", *versions) for name in mine}
    wrong = []
    for name, report in reports(pki, folder, openssl, servers, pki.dsa() if family == "dsa" else family).items():
        iana = suites.by_openssl(name).name
        status = "accepted" if BASELINE.forbids_suite(iana) else "refused"
        listed = [item["suite"] for item in report["suites"]["forbidden"]]
        if report["suites"]["status"] != status or listed != [iana] * (status == "accepted"):
            wrong.append((iana, report["suites"]["status"], listed))
        if report["protocols"]["TLSv1.2"]["status"] != "accepted":
            wrong.append((iana, "TLSv1.2", report["protocols"]["TLSv1.2"]))
    assert wrong == []


@every_openssl
def test_every_group_alone(openssl: Generation, pki: Pki, folder: Path) -> None:
    known = {name: group for group in groups.all_groups() for name in group.openssl if group.tls12}
    argv = openssl.run("openssl", "ecparam", "-list_curves")
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    curves = [words[0] for line in listed.splitlines() if (words := line.replace(":", " ").split())]
    mine = [name for name in [*curves, "X25519", "X448"] if name in known]
    assert {"secp256k1", "prime256v1", "brainpoolP256r1", "sect163k1", "X25519"} <= set(mine)
    options = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    wrong = []
    for name, report in reports(pki, folder, openssl, {name: ("-groups", name, *options) for name in mine}).items():
        iana = known[name].name
        status = "accepted" if BASELINE.forbids_group(iana) else "refused"
        found = [item["group"] for item in report["groups"]["forbidden"]]
        if report["groups"]["status"] != status or found != [iana] * (status == "accepted"):
            wrong.append((iana, report["groups"]["status"], found))
    assert wrong == []


@every_openssl
def test_every_set_of_protocols(openssl: Generation, pki: Pki, folder: Path) -> None:
    switches = {"TLSv1.0": "-no_tls1", "TLSv1.1": "-no_tls1_1", "TLSv1.2": "-no_tls1_2", "TLSv1.3": "-no_tls1_3"}
    sets = [names for size in range(1, 5) for names in itertools.combinations(switches, size)]
    servers = {
        " ".join(names): (*catalogue.EVERY_SUITE, *(switch for name, switch in switches.items() if name not in names))
        for names in sets
    }
    wrong = []
    for names, report in reports(pki, folder, openssl, servers).items():
        for protocol, seen in report["protocols"].items():
            if seen["status"] != ("accepted" if protocol in names.split() else "refused"):
                wrong.append((names, protocol, seen))
    assert wrong == []
