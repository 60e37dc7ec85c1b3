# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An exception on real daemons of every stack: what it names stays until its day, and the neighbour is hardened."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    NEW,
    OLD,
    VsftpdDaemon,
    free_port,
    harden,
    made,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.trees import tree

pytestmark = pytest.mark.servers

LAST_DAY = datetime.date(2027, 2, 28)
DAY = datetime.timedelta(days=1)


#: What comes with TLS 1.0 in software that knows only a range of versions.
RANGE = ("protocol.tls1_1",)


def grant(port, more=(), **changes):
    return {
        "id": "EXC-2026-001",
        "ports": [port],
        "checks": ["protocol.tls1_0", "suite.forbidden", "signature.forbidden", *more],
        "accept": ["TLS_RSA_WITH_AES_128_CBC_SHA", "rsa_pkcs1_sha1"],
        "since": "2026-10-09",
        "expires": LAST_DAY.isoformat(),
        **changes,
    }


# --- two endpoints of each stack, both as weak as they come -------------------------------------------------------


class Scene:
    """One or two daemons of a stack with the endpoints ``pumps`` and ``portal``. What is weak stands where both inherit
    it, if the stack knows such a place. ``checks`` are those an exception for TLS 1.0 needs on top."""

    def __init__(self, stack, folder, keys, checks=()):
        self.daemons = [made(stack, folder, keys)]
        self.pumps, self.portal, self.checks = self.daemons[0].port, free_port(), checks
        self.pem = keys / "good.pem"

    def replace(self, old, new):
        config = self.daemons[0].config
        assert old in config.read_text()
        config.write_text(config.read_text().replace(old, new))

    def accepts(self, port, flag, suites="ALL"):
        return self.daemons[0].speaks(flag, port, suites)

    def run(self, today, act=desk.harden, **options):
        return harden(*self.daemons, act=act, today=today, **options)

    def files(self):
        return [tree(daemon.etc) for daemon in self.daemons]


def nginx(folder, keys):
    two = Scene("nginx", folder, keys)
    two.replace("} }\n", f"}}\nserver {{ listen 127.0.0.1:{two.portal} ssl; }} }}\n")
    return two


def two_suites(folder, keys):
    two = nginx(folder, keys)
    two.replace("ssl_ciphers ALL", "ssl_ciphers AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256")
    return two


def apache(folder, keys):
    two = Scene("apache", folder, keys, RANGE)
    two.pumps, two.portal = two.portal, two.pumps
    own = f"SSLEngine on\nSSLCertificateFile {two.pem}\nSSLCertificateKeyFile {two.pem}\n"
    place = f"127.0.0.1:{two.pumps}"
    two.replace("SSLEngine on", f"Listen {place} https\n<VirtualHost {place}>\n{own}</VirtualHost>\nSSLEngine on")
    return two


def apache_main(folder, keys):
    """The other way round: the main server keeps what the virtual host must not inherit any more."""
    two = apache(folder, keys)
    two.pumps, two.portal = two.portal, two.pumps
    return two


def postfix(folder, keys):
    # The service at the first port does not demand TLS.
    two = Scene("postfix", folder, keys, ("transport.plaintext",))
    two.portal = two.daemons[0].daemon.ports[1]
    return two


def vsftpd(folder, keys):
    two = Scene("vsftpd", folder, keys, RANGE)
    two.daemons.append(VsftpdDaemon(folder / "two", keys))
    two.portal = two.daemons[1].port
    return two


def haproxy(folder, keys):
    two = Scene("haproxy", folder, keys, RANGE)
    two.replace("    bind ", f"    bind 127.0.0.1:{two.portal} ssl crt {two.pem}\n    bind ")
    return two


@pytest.fixture
def scene(request, keys, folder):
    two = request.param(folder, keys)
    try:
        for daemon in two.daemons:
            daemon.start()
        yield two
    finally:
        for daemon in two.daemons:
            daemon.stop()


def verdicts(result):
    proofs = [proof for one in result["instances"] for proof in one["proofs"]]
    return {int(proof["endpoint"].rpartition(":")[2].partition("?")[0]): proof["verdict"] for proof in proofs}


def excepted(result):
    return [item for item in result["findings"] if item["status"] == "excepted"]


# --- what becomes of them -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scene", [nginx, apache, apache_main, postfix, vsftpd, haproxy], indirect=True)
def test_what_is_excepted_stays_until_its_day_and_the_neighbour_is_hardened(scene):
    assert scene.accepts(scene.pumps, OLD, "AES128-SHA") and scene.accepts(scene.portal, OLD)
    had_1_1 = scene.accepts(scene.pumps, "-tls1_1")
    grants = [grant(scene.pumps, scene.checks)]

    first = scene.run(LAST_DAY, exceptions=grants)
    assert first["changed"] and not first["failed"], first["msg"]
    assert scene.accepts(scene.pumps, OLD, "AES128-SHA") and scene.accepts(scene.pumps, NEW)
    assert not scene.accepts(scene.pumps, OLD, "AES256-SHA"), "a suite that nobody excepted"
    assert scene.accepts(scene.pumps, "-tls1_1") is (had_1_1 and scene.checks == RANGE), "only where 1.0 needs it"
    assert not scene.accepts(scene.portal, OLD) and scene.accepts(scene.portal, NEW)
    seen = verdicts(first)
    assert (seen[scene.pumps], seen[scene.portal]) == ("excepted", "compliant")
    about_1_0 = [item for item in excepted(first) if item["check"] == "protocol.tls1_0"]
    assert {(item["view"], item["expected"]) for item in about_1_0} == {("configured", "off"), ("effective", "refused")}
    for item in about_1_0:
        assert item["exception"] == "EXC-2026-001" and item["observed"].startswith(
            ("TLSv1.0 is on", "TLSv1.0 accepted")
        )

    files = scene.files()
    second = scene.run(LAST_DAY, exceptions=grants)
    assert not second["changed"] and scene.files() == files

    after = scene.run(LAST_DAY + DAY, exceptions=grants)
    assert after["changed"] and not after["failed"], after["msg"]
    assert not scene.accepts(scene.pumps, OLD) and scene.accepts(scene.pumps, NEW)
    assert verdicts(after)[scene.pumps] == ("non_compliant" if "transport.plaintext" in scene.checks else "compliant")
    assert not excepted(after)

    files, renewed = scene.files(), (LAST_DAY + 9 * DAY).isoformat()
    late = scene.run(LAST_DAY + DAY, exceptions=[grant(scene.pumps, scene.checks, expires=renewed)])
    assert not late["changed"] and scene.files() == files, "an exception loosens nothing"
    assert not scene.accepts(scene.pumps, OLD)


def test_what_all_programs_get_is_no_matter_of_one_port(keys, folder):
    library = made("crypto_policy", folder, keys)
    library.start()
    try:
        found = harden(library, today=LAST_DAY, exceptions=[grant(8443)])
        assert found["changed"] and not found["failed"], found["msg"]
        assert not library.speaks(OLD) and library.speaks(NEW)
        (told,) = found["warnings"]
        assert told.startswith("EXC-2026-001 keeps something at port 8443, and nothing of what all programs get")
        assert not excepted(found)
        again = harden(library, today=LAST_DAY, exceptions=[grant(8443)])
        assert not again["changed"] and "warnings" not in again
    finally:
        library.stop()


@pytest.mark.parametrize("scene", [two_suites], indirect=True)
def test_anything_weaker_than_what_is_excepted_still_fails(scene):
    # The server accepts two suites that the baseline forbids, and would choose either.
    wrong = grant(scene.pumps, accept=["TLS_RSA_WITH_AES_256_CBC_SHA"])
    assert verdicts(scene.run(LAST_DAY, desk.audit, exceptions=[wrong]))[scene.pumps] == "non_compliant"
    both = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "rsa_pkcs1_sha1", "ecdsa_sha1"]
    right = grant(scene.pumps, ["session.tickets"], accept=both)
    found = scene.run(LAST_DAY, desk.audit, exceptions=[right])
    assert verdicts(found) == {scene.pumps: "excepted", scene.portal: "non_compliant"}


@pytest.mark.parametrize("scene", [nginx], indirect=True)
def test_what_nobody_can_except_is_refused_and_nothing_is_changed(scene):
    before = scene.files()
    for wrong, words in (({"checks": ["protocol.sslv3"]}, "cannot be excepted"), ({"expires": "2027-02-30"}, "no day")):
        with pytest.raises(InTransitError, match=words):
            scene.run(LAST_DAY, exceptions=[grant(scene.pumps, **wrong)])
    assert scene.files() == before
