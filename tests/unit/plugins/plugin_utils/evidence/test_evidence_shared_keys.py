# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that serve on several hosts."""

from __future__ import annotations

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import shared_keys


def report(address, *spkis):
    chains = [{"chain": [{"sha256_spki": spki, "key": {"type": "ec"}}]} for spki in spkis]
    return {"endpoint": f"https://{address}", "address": address, "certificates": chains, "findings": ["as before"]}


def judged(scans):
    keys = shared_keys.Keys()
    for host, reports in scans.items():
        for one in reports:
            keys.seen(host, one)
    return {host: [keys.judged(host, one) for one in reports] for host, reports in scans.items()}


def told(scans):
    return {
        (host, one["endpoint"], item["observed"].partition(": ")[2], item["status"])
        for host, reports in judged(scans).items()
        for one in reports
        for item in one["findings"][1:]
    }


def test_a_key_on_two_hosts_is_told_on_both():
    scans = {"a": [report("192.0.2.1", "k1"), report("192.0.2.2", "k2")], "b": [report("192.0.2.3", "k1")]}
    assert told(scans) == {
        ("a", "https://192.0.2.1", "also on b", "fail"),
        ("a", "https://192.0.2.2", "seen on this host only", "pass"),
        ("b", "https://192.0.2.3", "also on a", "fail"),
    }
    assert scans["a"][0]["findings"] == ["as before"]


def test_one_address_of_several_hosts_is_one_place():
    scans = {"a": [report("192.0.2.9", "k1")], "b": [report("192.0.2.9", "k1")]}
    assert {status for *_rest, status in told(scans)} == {"pass"}


def test_several_addresses_of_one_host_are_one_host():
    assert {status for *_rest, status in told({"a": [report("192.0.2.1", "k"), report("::1", "k")]})} == {"pass"}


def test_many_hosts_are_counted():
    scans = {f"h{number}": [report(f"192.0.2.{number}", "k")] for number in range(9)}
    assert ("h0", "https://192.0.2.0", "also on h1, h2, h3 and 5 more hosts", "fail") in told(scans)


def test_reports_without_certificates_stay_as_they_are():
    silent = {"endpoint": "tls://a:1", "address": "", "certificates": [], "findings": []}
    assert judged({"a": [silent]}) == {"a": [silent]}
