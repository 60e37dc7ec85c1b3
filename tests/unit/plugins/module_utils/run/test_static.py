# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration files in a repository: found, read by the stacks' own parsers, and told by their place in it."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import static
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import draft as postfix_draft
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.vsftpd_draft import _NAMES
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

INTERMEDIATE = model.load("intermediate")
CIPHERS = openssl.cipher_list(INTERMEDIATE.suites_tls12)
STRICT = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"

NGINX = f"""\
events {{}}
http {{
    include mime.types;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers {CIPHERS};
    ssl_session_tickets off;
    include /etc/nginx/conf.d/*.conf;
}}
"""
SITE = """\
server {
    listen 443 ssl;
    server_name portal.example;
    ssl_certificate a.pem;
    add_header Strict-Transport-Security max-age=63072000;
}
"""
APACHE = f"""\
ServerRoot /etc/apache2
Include ports.conf
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite {CIPHERS}
SSLSessionTickets off
<IfModule mod_ssl.c>
IncludeOptional sites-enabled/*.conf
</IfModule>
"""
HOST = """\
<VirtualHost *:443>
ServerName portal.example
SSLEngine on
SSLCertificateFile /etc/ssl/a.pem
ErrorLog ${APACHE_LOG_DIR}/error.log
Header always set Strict-Transport-Security max-age=63072000
</VirtualHost>
"""
POSTFIX = f"""\
smtpd_tls_cert_file = /etc/ssl/a.pem
smtpd_tls_security_level = may
smtp_tls_security_level = may
smtpd_tls_protocols = {STRICT}
smtpd_tls_mandatory_protocols = {STRICT}
smtp_tls_protocols = {STRICT}
smtp_tls_mandatory_protocols = {STRICT}
lmtp_tls_protocols = {STRICT}
lmtp_tls_mandatory_protocols = {STRICT}
smtpd_tls_ciphers = high
smtp_tls_ciphers = high
lmtp_tls_ciphers = high
tls_high_cipherlist = {CIPHERS}
tls_ssl_options = NO_TICKET
"""
VSFTPD = """\
listen=YES
anonymous_enable=NO
local_enable=YES
ssl_enable=YES
ssl_tlsv1=NO
ssl_tlsv11=NO
ssl_tlsv12=YES
ssl_ciphers={ciphers}
rsa_cert_file=/etc/ssl/a.pem
"""

HAPROXY = """global
    ssl-default-bind-ciphers {ciphers}
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
frontend www
    mode http
    bind :443 ssl crt /etc/ssl/private/www.pem
"""

GOOD = {
    "nginx": ("etc/nginx", {"nginx.conf": NGINX, "conf.d/portal.conf": SITE}),
    "apache": ("etc/apache2", {"apache2.conf": APACHE, "sites-enabled/portal.conf": HOST}),
    "postfix": ("etc/postfix", {"main.cf": POSTFIX}),
    "haproxy": ("etc/haproxy", {"haproxy.cfg": HAPROXY.format(ciphers=CIPHERS)}),
    "vsftpd": ("etc", {"vsftpd.conf": VSFTPD.format(ciphers=CIPHERS)}),
}
#: For each stack a change that breaks one check: (file, old, new, check, line).
BAD = {
    "nginx": ("nginx.conf", "ssl_protocols TLSv1.2", "ssl_protocols TLSv1 TLSv1.2", "protocol.tls1_0", 4),
    "apache": ("apache2.conf", "-all +TLSv1.2", "all -SSLv3", "protocol.tls1_0", 3),
    "postfix": ("main.cf", f"smtpd_tls_protocols = {STRICT}", "smtpd_tls_protocols = !SSLv2", "protocol.tls1_0", 4),
    "haproxy": ("haproxy.cfg", "ssl-min-ver TLSv1.2", "ssl-min-ver TLSv1.0", "protocol.tls1_0", 3),
    "vsftpd": ("vsftpd.conf", f"ssl_ciphers={CIPHERS}", "ssl_ciphers=HIGH", "suite.forbidden", 8),
}


def put(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def statuses(judged, check):
    return {item["status"] for item in judged.findings if item["check"] == check}


@pytest.mark.parametrize("stack", sorted(GOOD))
@pytest.mark.parametrize("where", ["tree", "folder", "main file"])
def test_good_files_pass_wherever_they_lie(tmp_path, stack, where):
    home, files = GOOD[stack]
    if where == "tree":
        put(tmp_path / home, files)
        path = tmp_path
    else:
        path = put(tmp_path / "deploy", files)
        path = path / next(iter(files)) if where == "main file" else path
    judged = static.judge_files(stack, str(path), INTERMEDIATE)
    deciding = {item["status"] for item in judged.findings if item["check"].startswith(("protocol.", "suite."))}
    assert deciding <= {"pass", "not_applicable"}
    assert statuses(judged, "protocol.tls1_0") == {"pass"}
    assert statuses(judged, "config.valid") == {"not_applicable"}
    assert judged.listeners


@pytest.mark.parametrize("stack", sorted(BAD))
def test_what_breaks_the_baseline_is_told_by_file_and_line(tmp_path, monkeypatch, stack):
    _home, files = GOOD[stack]
    name, old, new, check, line = BAD[stack]
    assert old in files[name]
    put(tmp_path / "deploy", {**files, name: files[name].replace(old, new)})
    monkeypatch.chdir(tmp_path)
    judged = static.judge_files(stack, "deploy", INTERMEDIATE)
    (found,) = [item for item in judged.findings if (item["check"], item["status"]) == (check, "fail")]
    assert {"file": f"deploy/{name}", "line": line} in [
        {"file": one["file"], "line": one["line"]} for one in found["provenance"]
    ]


def test_sites_alone_are_judged_as_the_package_would_include_them(tmp_path):
    put(tmp_path, {"conf.d/portal.conf": SITE.replace("ssl_certificate", "ssl_protocols TLSv1.2; ssl_certificate")})
    judged = static.judge_files("nginx", str(tmp_path), INTERMEDIATE)
    assert statuses(judged, "protocol.tls1_0") == {"pass"}
    assert statuses(judged, "suite.forbidden") == {"fail"}


def test_a_broken_file_fails_with_its_place(tmp_path, monkeypatch):
    put(tmp_path, {"nginx.conf": "events {}\nhttp {\n    server {\n"})
    monkeypatch.chdir(tmp_path)
    judged = static.judge_files("nginx", ".", INTERMEDIATE)
    (found,) = judged.findings
    assert (found["check"], found["status"]) == ("config.valid", "fail")
    assert found["provenance"][0]["file"] == "nginx.conf"
    assert found["observed"].startswith("nginx.conf:")


def test_a_missing_include_fails_with_advice(tmp_path):
    put(tmp_path, {"nginx.conf": "events {}\nhttp { include snippets/tls.conf; }\n"})
    judged = static.judge_files("nginx", str(tmp_path), INTERMEDIATE)
    assert statuses(judged, "config.valid") == {"fail"}
    assert "add it to the folder that is judged" in judged.findings[0]["observed"]


def test_includes_from_outside_leave_it_open(tmp_path):
    text = NGINX.replace("include mime.types;", "include mime.types; include /etc/letsencrypt/*.conf;")
    put(tmp_path, {"nginx.conf": text, "conf.d/portal.conf": SITE})
    judged = static.judge_files("nginx", str(tmp_path), INTERMEDIATE)
    (found,) = [item for item in judged.findings if item["check"] == "config.valid"]
    assert (found["status"], "/etc/letsencrypt/*.conf" in found["observed"]) == ("indeterminate", True)


def test_nothing_to_judge_is_no_pass(tmp_path):
    put(tmp_path, {"nginx.conf": "events {}\nhttp {}\n"})
    judged = static.judge_files("nginx", str(tmp_path), INTERMEDIATE)
    assert [item["status"] for item in judged.findings] == ["indeterminate"]


def test_links_stay_inside_the_repository(tmp_path):
    put(tmp_path / "r", {"nginx.conf": NGINX.replace("conf.d/*.conf", "sites-enabled/*"), "sites-available/a": SITE})
    (tmp_path / "r" / "sites-enabled").mkdir()
    (tmp_path / "r" / "sites-enabled" / "a").symlink_to("../sites-available/a")
    judged = static.judge_files("nginx", str(tmp_path / "r"), INTERMEDIATE)
    assert statuses(judged, "protocol.tls1_2") == {"pass"}
    (tmp_path / "secret").write_text("x")
    (tmp_path / "r" / "sites-enabled" / "b").symlink_to("../../secret")
    judged = static.judge_files("nginx", str(tmp_path / "r"), INTERMEDIATE)
    assert statuses(judged, "config.valid") == {"fail"}


@pytest.mark.parametrize(
    ("stack", "path", "message"),
    [
        ("exim", ".", "no static mode; one of apache, haproxy, nginx, postfix, vsftpd"),
        ("nginx", "nowhere", "nowhere: there is no such file or folder"),
        ("nginx", "site.conf", "the main file is called nginx.conf"),
        ("postfix", ".", "there is no main.cf in it"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, stack, path, message):
    put(tmp_path, {"site.conf": SITE})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InTransitError, match=message):
        static.judge_files(stack, path, INTERMEDIATE)


def test_built_in_values_are_those_postfix_prints():
    (postconf,) = need("postconf")
    shown = subprocess.run([postconf, "-d"], capture_output=True, text=True, check=True).stdout
    real = postfix_draft.machine.read_defaults(shown)
    ours = postfix_draft.machine.read_defaults(postfix_draft._DEFAULTS)
    if real["mail_version"].rpartition(".")[0] != ours["mail_version"].rpartition(".")[0]:
        pytest.skip(f"another version: {real['mail_version']}")
    assert {name: real.get(name) for name in ours if name != "mail_version"} == {
        name: value for name, value in ours.items() if name != "mail_version"
    }


def test_settings_of_vsftpd_are_those_of_the_program():
    (program,) = need("vsftpd")
    with open(program, "rb") as file:
        data = file.read()
    newer = {"ssl_tlsv11", "ssl_tlsv12", "ssl_tlsv13", "ssl_sni_hostname"}
    assert [name for name in _NAMES.split() if name not in newer and b"\0" + name.encode() + b"\0" not in data] == []
