# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IIS from recorded samples (tests/fixtures/windows/README.md): that this form is understood, and no more."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import bindings, evidence, host, iis
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.iis_desk import Iis
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import Registry, Value
from ansible_collections.encryption.in_transit.tests.windows.scripted import Scripted

SAMPLES = Path(__file__).resolve().parents[4] / "fixtures" / "windows"
LISTED = (SAMPLES / "appcmd-list-site.xml").read_text()
CONFIG = (SAMPLES / "applicationHost.config").read_text()
MEND = {"hsts": "mend", "require_ssl": "mend", "ftp": "mend"}
OPTIONS = {**MEND, "profile": "intermediate", "baseline": {}, "legacy_tls": "report", "missing": "fail", "export": True}
YEAR = 63072000


def found() -> dict[str, iis.Site]:
    return {site.name: site for site in iis.sites(LISTED, CONFIG)}


def test_recorded_sample_sites_bindings_and_inherited_settings() -> None:
    sites = found()
    assert list(sites) == ["Default Web Site", "Labor's results", "Archive", "Devices", "Transfer", "Old transfer"]
    assert sites["Default Web Site"].bindings == (
        iis.Binding("http", "*", 80, ""),
        iis.Binding("https", "*", 443, ""),
    )
    assert sites["Archive"].bindings[1] == iis.Binding("https", "[::]", 8444, "archive.hospital.example")
    assert sites["Default Web Site"].settings["hsts.max-age"] == "31536000"  # of siteDefaults
    assert sites["Archive"].settings["hsts.max-age"] == "300"
    assert sites["Archive"].ssl_flags == ("SslNegotiateCert", "Ssl")
    assert sites["Default Web Site"].ssl_flags == ()
    assert [name for name, site in sites.items() if not site.started] == ["Devices"]


def test_recorded_sample_listeners() -> None:
    served = {(one.context, one.address): one for one in iis.listeners(found().values())}
    states = {
        place: (one.settings.get("plaintext") or one.settings["hsts_max_age"]).value for place, one in served.items()
    }
    assert states == {
        ("site Default Web Site", "0.0.0.0:80"): "served",
        ("site Default Web Site", "0.0.0.0:443"): 31536000,
        ("site Labor's results", "10.1.2.3:8443"): YEAR,
        ("site Archive", "0.0.0.0:8080"): "refused",
        ("site Archive", "[::]:8444"): 300,
        ("site Devices", "0.0.0.0:8081"): "served",
        ("site Transfer", "0.0.0.0:21"): "served",
        ("site Old transfer", "0.0.0.0:2121"): "served",
    }
    assert served["site Archive", "[::]:8444"].endpoints == ("https://[::1]:8444?sni=archive.hospital.example",)
    assert served["site Devices", "0.0.0.0:8081"].endpoints == ()  # it is stopped


def test_the_fewest_settings_and_what_is_left_alone_with_its_reason() -> None:
    changes, left = iis.plan(found().values(), 17763, YEAR, MEND)
    assert [(one.site, one.name, one.before, one.after) for one in changes] == [
        ("Default Web Site", "hsts.max-age", "31536000", str(YEAR)),
        ("Default Web Site", "sslFlags", "None", "Ssl,Ssl128"),
        ("Archive", "hsts.max-age", "300", str(YEAR)),
        ("Archive", "sslFlags", "SslNegotiateCert,Ssl", "SslNegotiateCert,Ssl,Ssl128"),
        ("Transfer", "ftpServer.security.ssl.controlChannelPolicy", "SslAllow", "SslRequire"),
        ("Transfer", "ftpServer.security.ssl.dataChannelPolicy", "SslAllow", "SslRequire"),
    ]
    assert [(one.provenance.file, one.reason.split(",")[0].split(";")[0]) for one in left] == [
        ("site Labor's results", "its name cannot be part of a command"),
        ("site Devices", "it has no https binding"),
        ("site Old transfer", "it has no certificate for FTP"),
    ]
    assert iis.plan(found().values(), 17763, YEAR, dict.fromkeys(MEND, "report")) == ([], [])
    _changes, old = iis.plan(found().values(), 14393, YEAR, MEND)
    assert "IIS of build 14393 has no hsts" in old[0].reason


def test_commands_hold_one_backup_and_one_command_for_each_site_and_section() -> None:
    changes, _left = iis.plan(found().values(), 17763, YEAR, MEND)
    lines = iis.commands(changes, "eit")
    assert lines[0].endswith('add backup "eit" >nul')
    shown = [line.partition(" set config ")[2].replace("/commit:apphost >nul", "").strip() for line in lines[1:]]
    assert all(line.endswith("/commit:apphost >nul") for line in lines[1:])
    assert shown == [
        f"-section:system.applicationHost/sites \"/[name='Default Web Site'].hsts.max-age:{YEAR}\"",
        '"Default Web Site" -section:system.webServer/security/access "/sslFlags:Ssl,Ssl128"',
        f"-section:system.applicationHost/sites \"/[name='Archive'].hsts.max-age:{YEAR}\"",
        '"Archive" -section:system.webServer/security/access "/sslFlags:SslNegotiateCert,Ssl,Ssl128"',
        "-section:system.applicationHost/sites "
        "\"/[name='Transfer'].ftpServer.security.ssl.controlChannelPolicy:SslRequire\" "
        "\"/[name='Transfer'].ftpServer.security.ssl.dataChannelPolicy:SslRequire\"",
    ]


@pytest.mark.parametrize(
    ("listed", "config", "words"),
    [
        ("", CONFIG, "appcmd list site said nothing"),
        (LISTED[:200], CONFIG, "appcmd list site: line"),
        (LISTED, "Zugriff verweigert\n", "applicationHost.config said nothing"),
        ("<!DOCTYPE x>" + LISTED, CONFIG, "a document type is in it"),
        ("<appcmd><SITE/></appcmd>", CONFIG, "a site without SITE.NAME"),
    ],
)
def test_answers_that_are_none_are_errors(listed: str, config: str, words: str) -> None:
    with pytest.raises(iis.IisError, match=words):
        iis.sites(listed, config)


def test_a_byte_order_mark_in_another_code_page_is_no_part_of_the_file() -> None:
    assert len(iis.sites(LISTED, "\u00ef\u00bb\u00bf" + CONFIG)) == 6


# --- the desk, over a scripted host -------------------------------------------------------------------------------


def mended(listed: str) -> str:
    """The sample after every command took effect."""
    own = listed.replace('max-age="300"', f'max-age="{YEAR}"').replace("SslAllow", "SslRequire", 2)
    return own.replace(
        '<site name="Default Web Site" id="1">',
        f'<site name="Default Web Site" id="1"><hsts enabled="true" max-age="{YEAR}" />',
    )


ACCESS = """<location path="Default Web Site"><system.webServer><security><access sslFlags="Ssl, Ssl128" />
</security></system.webServer></location></configuration>"""


def mended_config(config: str) -> str:
    return config.replace("SslNegotiateCert, Ssl", "SslNegotiateCert, Ssl, Ssl128").replace("</configuration>", ACCESS)


def test_a_change_is_read_again_in_the_same_round_trip() -> None:
    there = Scripted(build=20348, iis=(LISTED, CONFIG), then=(mended(LISTED), mended_config(CONFIG)))
    result = Iis(there.remote, OPTIONS, check_mode=False).harden()
    assert result["changed"] is True, result["msg"]
    assert result["round_trips"] <= 3
    assert there.backups
    again = Iis(there.remote, OPTIONS, check_mode=False).harden()
    assert again["changed"] is False
    reasons = {
        item["subject"]["listener"]: item["mend"]
        for item in again["findings"]
        if item["check"] == "transport.plaintext"
    }
    assert "it has no https binding" in reasons["site Devices 0.0.0.0:8081"]


def test_an_exception_leaves_its_site_as_it_is_and_no_other() -> None:
    days = {"since": "2000-01-01", "expires": "9999-12-31"}
    mine = [{"id": "EX-21", "ports": [21], "checks": ["transport.plaintext"], **days}]
    there = Scripted(
        build=20348,
        iis=(LISTED, CONFIG),
        values=[*binding("0.0.0.0:443", 0), *binding("0.0.0.0:8443", 0)],
    )
    options = {**OPTIONS, "legacy_tls": "disable"}
    mine.append({"id": "EX-443", "ports": [443], "checks": ["protocol.tls1_0"], **days})
    result = Iis(there.remote, {**options, "exceptions": mine}, check_mode=True).harden()
    keys = [value["key"] for value in result["instances"][0]["values"]]
    assert not [key for key in keys if key.endswith("site Transfer")]
    assert [key for key in keys if key.endswith("site Archive")]
    assert [key.rpartition(":")[2] for key in keys if "SslBindingInfo" in key] == ["8443"]
    seen = {item["subject"]["listener"]: item["status"] for item in result["findings"]}
    assert seen["site Transfer 0.0.0.0:21"] == "excepted"
    assert seen["site Old transfer 0.0.0.0:2121"] == "fail"


def test_what_appcmd_did_not_write_is_taken_back() -> None:
    there = Scripted(build=20348, iis=(LISTED, CONFIG), then=(mended(LISTED), CONFIG), restores=True)
    result = Iis(there.remote, OPTIONS, check_mode=False).harden()
    assert result["failed"] is True
    assert "sslFlags of site Default Web Site, sslFlags of site Archive: not written" in result["msg"]
    assert result["instances"][0]["undone"] is True


def test_check_mode_writes_nothing() -> None:
    there = Scripted(build=20348, iis=(LISTED, CONFIG))
    result = Iis(there.remote, OPTIONS, check_mode=True).harden()
    assert (result["changed"], result["round_trips"], there.backups) == (True, 1, [])


def test_the_export_holds_no_password_of_the_configuration() -> None:
    there = Scripted(build=20348, iis=(LISTED, CONFIG))
    result = Iis(there.remote, OPTIONS, check_mode=False).audit()
    files = {file["name"]: file for file in result["instances"][0]["export"]}
    text = files["applicationHost.config"]["text"]
    assert "Sommer2019" not in text
    assert "N8mr4dLU6PnMW5xlmCWg6914cKePgeU0fTbxew" not in text
    assert "svc-results" in text
    assert files["applicationHost.config"]["redactions"] >= 2


def test_a_host_without_iis() -> None:
    there = Scripted(build=20348)
    failed = Iis(there.remote, OPTIONS, check_mode=False).harden()
    assert (failed["failed"], failed["instances"]) == (True, [])
    assert Iis(there.remote, {**OPTIONS, "missing": "ignore"}, check_mode=False).harden()["failed"] is False


# --- bindings, certificates, events -------------------------------------------------------------------------------


def binding(place: str, flags: int, by_name: bool = False) -> list[Value]:
    key = f"{host.SNI_BINDINGS if by_name else host.BINDINGS}\\{place}".replace("HKLM", "HKEY_LOCAL_MACHINE", 1)
    return [
        Value(key, "SslCertHash", "REG_BINARY", bytes.fromhex("61d34f532da121bbab64723c4871e72c92f03735")),
        Value(key, "DefaultFlags", "REG_DWORD", flags),
    ]


def test_recorded_sample_of_netsh_says_what_the_registry_says() -> None:
    registry = Registry([*binding("0.0.0.0:443", 0x440), *binding("sts.hospital.example:443", 0x2, by_name=True)])
    ours = bindings.bindings(registry)
    text = (SAMPLES / "netsh-sslcert.txt").read_text()
    theirs = []
    for part in text.split("\n\n")[1:]:
        fields = dict(re.findall(r"^ {4}(.*?) +: (.*)$", part, re.MULTILINE))
        flags = (0x40 if fields["Disable TLS1.3"] == "Set" else 0) | (
            0x400 if fields["Disable Legacy TLS Versions"] == "Set" else 0
        )
        flags |= 0x2 if fields["Negotiate Client Certificate"] == "Enabled" else 0
        theirs.append((fields.get("IP:port") or fields["Hostname:port"], fields["Certificate Hash"], flags))
    assert theirs == [(f"{one.name or one.address}:{one.port}", one.thumbprint, one.flags) for one in ours]
    assert bindings.meaning(0x442) == ["negotiate client certificate", "disable TLS 1.3", "disable legacy TLS"]
    assert bindings.meaning(0x100000) == ["0x100000"]


def test_the_flag_against_legacy_tls_leaves_every_other_bit() -> None:
    registry = Registry([*binding("0.0.0.0:443", 0x8002), *binding("[::]:443", 0x400)])
    (one,) = iis.legacy_tls(registry, 20348)
    assert (one[0].data, one[1].data if one[1] else None) == (0x8402, 0x8002)
    assert iis.legacy_tls(registry, 17763) == []


def test_flags_of_a_binding_count_where_the_build_heeds_them() -> None:
    registry = Registry([*binding("0.0.0.0:443", 0x440), *binding("[::]:5986", 0)])
    new = {one.address: one for one in bindings.listeners(registry, 20348)}
    assert new["0.0.0.0:443"].settings["protocols"].value == ("TLSv1.2",)
    assert new["[::]:5986"].endpoints == ("winrms://[::1]:5986",)
    old = {one.address: one for one in bindings.listeners(registry, 17763)}
    assert old["0.0.0.0:443"].settings["protocols"].value == ("TLSv1.0", "TLSv1.1", "TLSv1.2")


def test_remote_desktop_is_a_listener_where_it_is_on() -> None:
    port = Value(host.RDP_TCP.replace("HKLM", "HKEY_LOCAL_MACHINE"), "PortNumber", "REG_DWORD", 3389)
    deny = Value(host.RDP.replace("HKLM", "HKEY_LOCAL_MACHINE"), "fDenyTSConnections", "REG_DWORD", 1)
    assert bindings.listeners(Registry([port, deny]), 20348) == []
    (one,) = bindings.listeners(Registry([port, deny._replace(data=0)]), 20348)
    assert one.endpoints == ("rdp://127.0.0.1:3389",)


def test_recorded_sample_of_events_is_counted() -> None:
    rows = evidence.count((SAMPLES / "wevtutil-schannel.xml").read_text())
    assert [(row["event"], row.get("Protocol"), row["times"]) for row in rows] == [
        (36880, "TLS 1.2", 2),
        (36874, "TLS 1.2", 1),
        (36880, "TLS 1.0", 1),
    ]
    assert "ward3" not in str(rows)
    assert evidence.count("") == []


@pytest.mark.parametrize("text", ["<Event>", "<Event><!DOCTYPE x></Event>"])
def test_events_that_are_none_are_told(text: str) -> None:
    with pytest.raises(evidence.ElementTree.ParseError):
        evidence.count(text)


def test_certificates_come_from_records_of_properties(certificate_der: bytes) -> None:
    def record(number: int, data: bytes) -> bytes:
        return b"".join(part.to_bytes(4, "little") for part in (number, 1, len(data))) + data

    key = f"{host.CERTIFICATES}\\ABCD".replace("HKLM", "HKEY_LOCAL_MACHINE")
    blob = record(3, b"\xab\xcd") + record(32, certificate_der)
    registry = Registry([Value(key, "Blob", "REG_BINARY", blob)])
    assert bindings.certificates(registry) == {"abcd": certificate_der}
    for cut in (len(blob) - 1, 5):
        broken = Registry([Value(key, "Blob", "REG_BINARY", blob[:cut])])
        with pytest.raises(Exception, match=r"certificate ABCD: .*cut off"):
            bindings.certificates(broken)


@pytest.fixture
def certificate_der() -> bytes:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ward3.hospital.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    return t.cast(bytes, built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
