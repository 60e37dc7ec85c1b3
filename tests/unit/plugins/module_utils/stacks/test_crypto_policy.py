# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The system's crypto policy: grammars, what files mean, plans. Libraries themselves are asked in
test_crypto_policy_libraries.py, update-crypto-policies is a double in test_crypto_policy_double.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import gnutls as gnutls_dialect
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import java as java_dialect
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl as openssl_dialect
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import floor as judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import grammar, services
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.gnutls import GnuTLS
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.java import Java
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.openssl import Config, OpenSSL
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Process
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

BASELINE = model.load()
CNF, JAVA, GNUTLS = "/etc/ssl/openssl.cnf", "/etc/java/java.security", "/etc/gnutls/config"

NAMES = {
    "protocol": ["TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3", "DTLS1.0", "DTLS1.2"],
    "kx": ["ECDHE-RSA", "ECDHE-ECDSA", "RSA", "DHE-RSA", "PSK", "ANON-DH"],
    "cipher": [
        "AES-256-CBC",
        "AES-128-CBC",
        "AES-128-GCM",
        "AES-256-GCM",
        "AES-128-CCM",
        "CHACHA20-POLY1305",
        "ARCFOUR-128",
    ],
    "mac": ["SHA1", "AEAD"],
    "group": ["SECP192R1", "SECP256R1", "SECP384R1", "X25519", "FFDHE2048"],
    "sign": ["RSA-SHA256", "RSA-SHA1", "ECDSA-SHA256", "DSA-SHA1"],
}


class Case:
    """One library, its files, and what we make of them."""

    def __init__(self, floor, config, files, version=(3, 0, 20), baseline=BASELINE, **options):
        self.floor = floor
        self.host = MemoryHost(files)
        capabilities = {
            "openssl": openssl_dialect.capabilities(version),
            "gnutls": model.Capabilities("GnuTLS", version, model.PROTOCOLS[2:], None, None, frozenset()),
            "java": model.Capabilities("Java", version, model.PROTOCOLS[1:], None, None, frozenset()),
        }[floor.name]
        facts = {"floor": floor.name, "programs": [], "names": NAMES, "home": "/usr/lib/jvm/x"}
        self.instance = Instance("crypto_policy", floor.name, version, config, capabilities, True, facts)
        self.baseline, self.options = baseline, options
        self.documents = floor.read(self.host, self.instance)
        self.plan = floor.plan(self.instance, self.documents, baseline, options)
        self.after = grammar.edited(self.documents, self.plan.edits)

    def data(self, path):
        return apply_edits(self.documents, self.plan.edits)[path].decode("utf-8", "surrogateescape")

    def settings(self, documents):
        return {key: setting.value for key, setting in self.floor.settings(self.instance, documents).items()}

    def failing(self, documents):
        found = [
            item
            for one in self.floor.listeners(self.instance, documents)
            for item in judge.judge_listener(one, self.baseline, {})
        ]
        return sorted(item["check"] for item in found if item["status"] == "fail")

    def holds(self):
        """The plan is enough, and planning it again finds nothing to do."""
        again = self.floor.plan(self.instance, self.after, self.baseline, self.options)
        return self.failing(self.after) == [] and again.edits == ()


def openssl(text, version=(3, 0, 20), files=None, **options):
    data = text if isinstance(text, bytes) else text.encode()
    return Case(OpenSSL(), CNF, {CNF: data, **(files or {})}, version, **options)


CHAIN = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"


# --- grammars ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", [grammar.OPENSSL, grammar.GNUTLS, grammar.JAVA, grammar.POLICY])
@given(text=st.text(alphabet="ab=[]#;!\\\n\r\t \"'$.:ü", max_size=80))
def test_nothing_is_lost_whatever_a_file_holds(style, text):
    data = text.encode()
    try:
        tree = grammar.parse("x", data, style)
    except ConfigurationError as error:
        assert error.line >= 1
        return
    at = 0
    for entry in tree.entries:
        assert at <= entry.start <= entry.first <= entry.last <= entry.end <= entry.next <= len(data)
        at = entry.start


@pytest.mark.parametrize(
    ("style", "text", "found"),
    [
        (grammar.OPENSSL, "a = b # c\n", [("", "a", "b")]),
        (grammar.OPENSSL, 'a = "b # c" # d\n', [("", "a", '"b # c"')]),
        (grammar.OPENSSL, "[ x ]\r\na=b\\\nc\r\n", [("x", "", "x"), ("x", "a", "bc")]),
        (grammar.OPENSSL, "x::a = b\n", [("x", "a", "b")]),
        (
            grammar.OPENSSL,
            ".include /etc/x\n.include = /etc/y\n",
            [("", ".include", "/etc/x"), ("", ".include", "/etc/y")],
        ),
        (grammar.GNUTLS, "[a]\nb = c ; d\n;e\n#f\n", [("a", "", "a"), ("a", "b", "c")]),
        (grammar.JAVA, "a=b, \\\n    c\n! x\nd e\n", [("", "a", "b, c"), ("", "d", "e")]),
        (grammar.JAVA, "# a \\\nb=c\n", [("", "b", "c")]),
        (grammar.POLICY, "a@{TLS,SSH} = B \\\n C # d\n", [("", "a@{TLS,SSH}", "B  C")]),
        # Where OpenSSL's own reader was found to differ from what one expects.
        (grammar.OPENSSL, "a = b \\\n\n", [("", "a", "b")]),
        (grammar.OPENSSL, "a = b\\\\\\\nc = d\n", [("", "a", "b\\\\\\"), ("", "c", "d")]),
        (grammar.OPENSSL, "a = 'b # c\nd = e\n", [("", "a", "'b # c"), ("", "d", "e")]),
        (grammar.OPENSSL, "a \\\n= b\n# c \\\nd = e\n", [("", "a", "b")]),
        (grammar.OPENSSL, ".included = x\n", [("", ".included", "x")]),
        # And java.util.Properties.
        (grammar.JAVA, "dis\\u0061bled=SSLv3\\u002c RC4\\:\n", [("", "disabled", "SSLv3, RC4:")]),
        (grammar.JAVA, "a\\\n  b \\\n = c\rd=e\n", [("", "ab", "c"), ("", "d", "e")]),
        (grammar.JAVA, "a=b\\\n#c\n\\\n", [("", "a", "b#c")]),
        (grammar.JAVA, "=b\nc\\ \n", [("", "", "b"), ("", "c ", "")]),
    ],
)
def test_grammars(style, text, found):
    tree = grammar.parse("x", text.encode(), style)
    assert [(entry.section, entry.name, entry.value) for entry in tree.entries] == found


def test_what_is_no_line_names_file_and_line():
    with pytest.raises(ConfigurationError, match=r'^/etc/ssl/openssl.cnf:2:1: "MinProtocol TLSv1.2" is no setting'):
        openssl("a = b\nMinProtocol TLSv1.2\n")


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (grammar.OPENSSL, "= b"),
        (grammar.OPENSSL, "::a = b"),
        (grammar.OPENSSL, "a\\= = b"),
        (grammar.OPENSSL, "a' = 'b # c"),
        (grammar.OPENSSL, "[ ]"),
        (grammar.OPENSSL, "[a\\]b]"),
        (grammar.JAVA, "a=\\u12"),
    ],
)
def test_what_is_read_in_another_way_by_some_is_refused(style, text):
    with pytest.raises(ConfigurationError, match=r"^x:2:1: "):
        grammar.parse("x", f"# note\n{text}\n".encode(), style)


@pytest.mark.parametrize("style", [grammar.OPENSSL, grammar.GNUTLS, grammar.JAVA, grammar.POLICY, grammar.OPENSSH])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\\", "\\\n", "\n# note \\", "\n#\\\n"])
def test_a_line_behind_the_last_one_is_a_line_of_its_own(style, end):
    tree = grammar.parse("x", f"a = b{end}".encode(), style)
    for start, last, text in (grammar.at_end(tree, ["c = d"]), grammar.behind(tree.entries[-1], ["c = d"])):
        data = tree.data[:start] + text + tree.data[last:]
        found = [(entry.name, entry.value) for entry in grammar.parse("x", data, style).entries]
        assert found[0][0] == "a" and found[-1] == ("c", "d") and len(found) == 2


# --- OpenSSL ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "[system_default_sect]\nMinProtocol = TLSv1.2\n",  # nothing leads there
        "openssl_conf = a\n",
        "openssl_conf = a\n[a]\n",
        "openssl_conf = a\n[a]\nproviders = p\n[p]\n",
        "openssl_conf = a\r\n[a]\r\nssl_conf = b\r\n[b]\r\n",
        "[a]\nopenssl_conf = a\nssl_conf = b\n",  # written after a section, it is inert
        "openssl_conf = $x\nx = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\n",
        CHAIN + "MinProtocol = TLSv1.0",  # no protocol to OpenSSL, and no end of line
        CHAIN + "MinProtocol = TLSv1\nMinProtocol = TLSv1.2\nMinProtocol = TLSv1.1\n",
        CHAIN + "TLS.MinProtocol = TLSv1.1\nDTLS.MinProtocol = DTLSv1\n",
        CHAIN + "CipherString = DEFAULT@SECLEVEL=2\nCiphersuites = TLS_AES_128_CCM_8_SHA256\n",
        CHAIN + "Curves = secp160r1:X25519\nSignatureAlgorithms = RSA+SHA1:RSA+SHA256\n",
        CHAIN + "Groups = X25519MLKEM768:X25519\n",  # 3.0 drops the whole list
        CHAIN + "[z]\n[c]\nMinProtocol = TLSv1\n[z]\n",
        CHAIN.replace("[a]", "[a]\n[z]\n[a]") + "c::MinProtocol = 'TLSv1'\n",
        "[a]\nssl_conf = b\n[b]\nsystem_default = \n[default]\ndefault::openssl_conf = `a`\n",
        "\ufeff" + CHAIN,
    ],
)
def test_openssl_is_mended_wherever_the_chain_ends(text):
    case = openssl(text)
    assert case.plan.edits and case.holds(), case.data(CNF)
    assert case.settings(case.after)["protocols"] == ("TLSv1.2", "TLSv1.3")


def test_openssl_values_are_what_openssl_makes_of_them():
    text = 'x = a\ny = "$x b\\" # " c # d\nz = $x-${y}-$(s::w)\\t\\$x\'$x\'$nothing\n'
    config = Config(openssl("[s]\nw = 1\n[default]\n" + text).documents)
    values = {entry.name: config.expand(section, entry.value) for section, entry in config.entries}
    assert values == {"w": "1", "x": "a", "y": '$x b" #  c', "z": 'a-$x b" #  c-1\t$x$x$nothing'}


def test_openssl_with_all_of_it_is_left_alone():
    case = openssl(CHAIN)
    again = openssl(case.data(CNF))
    assert again.plan.edits == () and again.failing(again.documents) == []


def test_openssl_without_a_file_gets_one():
    case = Case(OpenSSL(), CNF, {})
    assert case.plan.edits[0].line == 0 and case.holds()


def test_openssl_settings_in_included_files():
    files = {"/etc/ssl/d/x.cnf": "[c]\nMinProtocol = TLSv1 # JB\n", "/etc/ssl/d/not.txt": "[c]\nMinProtocol = SSLv3\n"}
    case = openssl(CHAIN + ".include /etc/ssl/d\n", files=files)
    assert case.holds()
    assert case.data("/etc/ssl/d/x.cnf").startswith("[c]\nMinProtocol = TLSv1.2 # JB\n")
    left = openssl(CHAIN + ".include /etc/ssl/d\n", files=files, overrides="report")
    assert "/etc/ssl/d/x.cnf" not in [edit.path for edit in left.plan.edits]
    assert [item.provenance.file for item in left.plan.unmended] == ["/etc/ssl/d/x.cnf"]
    with pytest.raises(ConfigurationError, match=r"^/etc/ssl/d/x.cnf:2.*overrides is \"fail\""):
        openssl(CHAIN + ".include /etc/ssl/d\n", files=files, overrides="fail")


def test_openssl_a_file_included_by_a_relative_path_is_refused():
    with pytest.raises(ConfigurationError, match=r"^/etc/ssl/openssl.cnf:1:1: .*depends on the program"):
        openssl(".include local.cnf\n")


def test_openssl_a_low_security_level_is_left_for_people():
    case = openssl(CHAIN + "CipherString = DEFAULT@SECLEVEL=1\n")
    assert "@SECLEVEL=1" in case.data(CNF)
    assert "SECLEVEL=1 is kept" in case.plan.unmended[0].reason
    assert "@SECLEVEL=2" in openssl(CHAIN + "CipherString = DEFAULT@SECLEVEL=1\n", security_level="mend").data(CNF)


def test_openssl_bad_options_go_and_good_ones_stay():
    case = openssl(CHAIN + "Options = UnsafeLegacyRenegotiation, ServerPreference\n")
    assert "Options = ServerPreference\n" in case.data(CNF)


def test_openssl_clamps_are_told():
    assert [clamp.check for clamp in openssl(CHAIN, (1, 1, 1)).plan.clamps] == ["group.clamped"]
    assert openssl(CHAIN, (3, 5, 7)).plan.clamps == ()
    assert "X25519MLKEM768" in openssl(CHAIN, (3, 5, 7)).data(CNF)


def test_openssl_a_profile_without_tls12():
    case = openssl(CHAIN, baseline=model.load("modern"))
    assert "MinProtocol = TLSv1.3\n" in case.data(CNF) and "CipherString" not in case.data(CNF) and case.holds()


# --- GnuTLS -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {},
        {GNUTLS: ""},
        {GNUTLS: "[priorities]\nSYSTEM = NORMAL"},
        {GNUTLS: "[overrides]\n# RFC 8996\nDisabled-Version = TLS1.0\n\n[priorities]\nSYSTEM = NORMAL\n"},
    ],
)
def test_gnutls_gets_what_is_missing(files):
    case = Case(GnuTLS(), GNUTLS, files, (3, 7, 9))
    assert case.holds(), case.data(GNUTLS)
    text = case.data(GNUTLS).lower()
    assert text.count("disabled-version = tls1.0\n") == 1 and "tls-disabled-cipher = aes-128-cbc\n" in text
    assert "aes-128-gcm" not in text and "= psk" not in text and "insecure-sig = rsa-sha1\n" in text


def test_gnutls_an_allow_list_is_somebody_elses():
    case = Case(GnuTLS(), GNUTLS, {GNUTLS: "[global]\noverride-mode = allowlist\n"}, (3, 7, 9))
    assert case.plan.edits == () and case.plan.unmended[0].provenance.line == 2
    assert case.settings(case.documents) == {}


def test_gnutls_composes_no_suite_that_is_off():
    off = {"cipher": {"aes128cbc", "aes256cbc", "arcfour128", "aes128ccm"}, "kx": {"rsa", "dhersa"}}
    names = gnutls_dialect.composed(off, NAMES)
    assert names and not [name for name in names if BASELINE.forbids_suite(name)]
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in gnutls_dialect.composed({}, NAMES)


# --- Java -------------------------------------------------------------------------------------------------------------

SECURITY = "# x\njdk.tls.disabledAlgorithms=SSLv3, RC4, \\\n    DH keySize < 1024 \n\n# y\nz=1\n"


def test_java_is_added_to_where_it_stands():
    case = Case(Java(), JAVA, {JAVA: SECURITY}, (17, 0, 15))
    text = case.data(JAVA)
    assert text.startswith("# x\njdk.tls.disabledAlgorithms=SSLv3, RC4, \\\n    DH keySize < 1024, TLSv1, ")
    assert text.endswith("\n\n# y\nz=1\n") and case.holds()


@pytest.mark.parametrize(
    "text",
    ["", "jdk.tls.disabledAlgorithms=\n", "a=b\njdk.tls.disabledAlgorithms : SSLv3", "jdk.tls.disabledAlgorithms\n"],
)
def test_java_without_the_property_or_with_an_empty_one(text):
    case = Case(Java(), JAVA, {JAVA: text}, (17, 0, 15))
    assert case.holds(), case.data(JAVA)


def test_java_patterns_and_wider_bounds_are_enough():
    every = ", ".join(java_dialect.disabled(BASELINE))
    assert java_dialect.lacking(every, BASELINE) == []
    wider = "TLS_RSA_*, DH keySize < 3072, rsa_pkcs1_sha1 usage HandshakeSignature"
    lacking = java_dialect.lacking(wider, BASELINE)
    assert not [name for name in lacking if name.startswith(("TLS_RSA", "DH ", "rsa_pkcs1"))] and "TLSv1" in lacking


def test_java_a_runtime_whose_file_cannot_be_read():
    with pytest.raises(ConfigurationError, match=r"^/etc/java/java.security: cannot be read"):
        Case(Java(), JAVA, {}, (17,))


def test_java_runtimes_are_found_once_each():
    release = {
        "/usr/lib/jvm/b/release": 'JAVA_VERSION="1.8.0_392"\n',
        "/usr/lib/jvm/b/jre/lib/security/java.security": "a=b",
    }
    debian = {"/etc/java-17-openjdk/security/java.security": "a=b"}
    links = {
        "/usr/lib/jvm/java-17/conf/security/java.security": "/etc/java-17-openjdk/security/java.security",
        "/usr/lib/jvm/default/conf/security/java.security": "/etc/java-17-openjdk/security/java.security",
    }
    found = Java().discover(MemoryHost({**release, **debian}, links=links))
    assert [(one.config, one.version) for one in found] == [
        ("/usr/lib/jvm/b/jre/lib/security/java.security", (8, 0, 392)),
        ("/etc/java-17-openjdk/security/java.security", (0,)),
    ]


# --- who has not got it -----------------------------------------------------------------------------------------------


class Stat:
    st_mtime = 1000.0


def test_services_that_are_older_than_the_settings_are_told_with_the_way_to_restart_them():
    files = {
        "/proc/stat": "btime 0\n",
        "/proc/7/maps": "7f /usr/lib/libssl.so.3\n",
        "/proc/8/maps": "7f /usr/lib/libssl.so.3\n",
        "/proc/9/maps": "7f /usr/lib/libc.so.6\n",
        "/proc/7/environ": "OPENSSL_CONF=/etc/own.cnf\0",
        "/usr/sbin/postfix": "",
        CNF: "",
    }
    tick = 100
    table = [Process(pid, 1, start * tick, ("x",), f"/x{pid}") for pid, start in ((7, 10), (8, 2000), (9, 10))]
    host = MemoryHost(files, processes=table)
    host.units = {7: "old.service", 8: "new.service", 9: "other.service"}
    host.stat = lambda path: Stat()
    instance = Case(OpenSSL(), CNF, files).instance
    found = services.remarks(host, instance)
    assert [(one.check, one.status) for one in found] == [
        ("policy.loaded", "fail"),
        ("floor.bypassed", "not_applicable"),
        ("floor.bypassed", "indeterminate"),
    ]
    assert "old.service" in found[0].observed and "new.service" not in found[0].observed
    assert found[0].mend.startswith("systemctl restart old.service")
    assert "OPENSSL_CONF=/etc/own.cnf" in found[2].observed
