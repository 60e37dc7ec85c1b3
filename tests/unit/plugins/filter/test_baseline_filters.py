# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline filters, called directly and through ansible's own templating, and their documentation."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.encryption.in_transit.plugins.filter import baseline as filters
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, profiles

ROOT = pathlib.Path(__file__).resolve().parents[4]
FILTERS = filters.FilterModule().filters()


def test_the_baseline_as_data():
    assert filters.baseline("fips") == model.load("fips").to_dict()
    assert filters.baseline("intermediate", {"groups": ["x25519"]})["groups"] == ["x25519"]


def test_rendering_a_baseline_or_a_list():
    whole = filters.baseline("intermediate")
    assert filters.openssl_ciphers(whole).startswith("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-")
    assert filters.openssl_ciphers(["TLS_RSA_WITH_AES_128_CBC_SHA"]) == "AES128-SHA"
    assert filters.openssl_ciphersuites(filters.baseline("fips")) == "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    assert filters.openssl_groups(whole) == "X25519MLKEM768:X25519:prime256v1:secp384r1"
    assert filters.openssl_groups(whole, optional_unknown=True).startswith("?X25519MLKEM768:X25519:")
    assert filters.nginx_ssl_protocols(whole) == "TLSv1.2 TLSv1.3"
    assert filters.nginx_ssl_protocols(["TLSv1.0"]) == "TLSv1"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("baseline", ["intermediat"], r"^baseline: profile: unknown profile .*did you mean intermediate\?"),
        ("baseline", ["modern", {"group": []}], r"^baseline: group: unknown key 'group', did you mean groups\?"),
        ("openssl_ciphers", ["HIGH"], r"^openssl_ciphers: the input must be a baseline with suites_tls12, or a list"),
        ("openssl_groups", [{"suites_tls12": []}], r"^openssl_groups: the input must be a baseline with groups, or"),
        ("openssl_groups", [[1]], r"^openssl_groups: the input must be"),
        ("openssl_ciphers", [["AES128-SHA"]], r"^baseline: AES128-SHA: is not the IANA name of a cipher suite$"),
        ("openssl_ciphers", [model.load("modern").to_dict()], r"^baseline: cipher list: would be empty"),
        ("nginx_ssl_protocols", [{"protocols": ["TLSv1"]}], r"^baseline: protocols\[0\]: unknown protocol 'TLSv1'"),
    ],
)
def test_bad_input(name, arguments, message):
    with pytest.raises(AnsibleFilterError, match=message):
        FILTERS[name](*arguments)


def test_templating_finds_them():
    """By their full names, with the values ansible's templating really hands over."""
    template = (
        "{{ 'intermediate' | encryption.in_transit.baseline({'groups': ['x25519', 'secp384r1']})"
        " | encryption.in_transit.openssl_groups }} "
        "{{ 'modern' | encryption.in_transit.baseline | encryption.in_transit.nginx_ssl_protocols }}"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible",
            "adhoc",
            "localhost",
            "-i",
            "localhost,",
            "-m",
            "debug",
            "-a",
            f"msg={template!r}",
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "X25519:secp384r1 TLSv1.3" in run.stdout


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_is_documented(name):
    text = (ROOT / "plugins" / "filter" / f"{name}.yml").read_text(encoding="utf-8")
    page = yaml.safe_load(text)
    assert page["DOCUMENTATION"]["name"] == name
    assert yaml.safe_load(page["EXAMPLES"])
    described = set(page["DOCUMENTATION"]["options"]) - {"_input"}
    code = FILTERS[name].__code__
    assert described == set(code.co_varnames[1 : code.co_argcount])


def test_the_documentation_names_every_profile():
    text = (ROOT / "plugins" / "filter" / "baseline.yml").read_text(encoding="utf-8")
    assert all(f"V({name})" in text for name in profiles.PROFILES)
