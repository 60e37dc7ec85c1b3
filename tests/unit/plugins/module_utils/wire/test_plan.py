"""What the plan makes of servers of every kind: models of servers instead of sockets, so that each case is exact."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint as endpoints
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import report as reports
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.answers import (
    CLOSED,
    INDETERMINATE,
    PLAINTEXT,
    RESET,
    TIMEOUT,
    UNREACHABLE,
    Answer,
    Outcome,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.hello import (
    PROTOCOL,
    SSL2,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    VERSION,
    Hello,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.kit import Kit
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.plan import Examination, Probe, Talk
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import (
    SSL2_ERROR,
    alert,
    certificates,
    extension,
    finite_field_keys,
    hello_done,
    named_curve_keys,
    retry,
    server_hello,
    ssl2_hello,
)

BASELINE = model.load("intermediate")
KIT = Kit(BASELINE)

GOOD12 = (0xC02F, 0xC030)
GOOD13 = (0x1301, 0x1302)
X25519, SECP256R1, SECP224R1, MLKEM = 0x001D, 0x0017, 0x0015, 0x11EC

SILENCE = ("", TIMEOUT)


class Server:
    """A TLS server as a function of the hello.

    ``refusal`` is what it does with what it does not like: an alert number, ``closed``, ``reset`` or ``timeout``;
    ``version_refusal`` the same for versions. ``exact``: it takes only the very version asked for, as GnuTLS does
    with a gap below. ``ecdsa``: it has an ECDSA certificate besides.
    """

    def __init__(
        self,
        versions: str = "TLSv1.2 TLSv1.3",
        suites12: tuple[int, ...] = GOOD12,
        suites13: tuple[int, ...] = GOOD13,
        groups: tuple[int, ...] = (X25519, SECP256R1),
        schemes: tuple[int, ...] = (0x0804, 0x0401),
        refusal: int | str = 40,
        version_refusal: int | str = 70,
        exact: bool = False,
        ecdsa: bool = False,
        any_curve: bool = False,
        bare_retry: bool = False,
        prime: int = 0,
    ) -> None:
        self.versions = {VERSION[name] for name in versions.split()}
        self.suites12, self.suites13, self.groups, self.schemes = suites12, suites13, groups, schemes
        self.refusal, self.version_refusal = refusal, version_refusal
        self.exact, self.ecdsa, self.any_curve, self.bare_retry, self.prime = exact, ecdsa, any_curve, bare_retry, prime
        self.asked = 0

    def __call__(self, probe: Probe) -> tuple[bytes, str]:
        """The bytes that come back, and how the connection ends then."""
        self.asked += 1
        hello = probe.hello
        if hello.top == SSL2:
            if SSL2 in self.versions:
                return ssl2_hello(), TIMEOUT
            return self.end(70 if isinstance(self.version_refusal, int) else self.version_refusal)
        if hello.top == TLS13:
            return self.tls13(hello) if TLS13 in self.versions else self.end(self.version_refusal)
        below = [v for v in self.versions if SSL3 <= v <= min(hello.top, TLS12)]
        if not below or (self.exact and hello.top not in below):
            return self.end(self.version_refusal)
        return self.older(hello, max(below))

    @staticmethod
    def end(how: int | str) -> tuple[bytes, str]:
        return (alert(how), CLOSED) if isinstance(how, int) else (b"", how)

    def tls13(self, hello: Hello) -> tuple[bytes, str]:
        common = [suite for suite in self.suites13 if suite in hello.suites]
        if not common:
            return self.end(self.refusal)
        groups = [group for group in self.groups if group in hello.groups]
        if not groups:
            return (retry(None, common[0]), TIMEOUT) if self.bare_retry else self.end(self.refusal)
        if groups[0] in hello.shares:
            return server_hello(TLS13, common[0], extension(51, groups[0].to_bytes(2, "big") + b"\0\0")), CLOSED
        return retry(groups[0], common[0]), TIMEOUT

    def older(self, hello: Hello, version: int) -> tuple[bytes, str]:
        for suite in self.suites12:
            if suite not in hello.suites:
                continue
            known = suites.by_code(suite)
            ecdsa = known.authentication == "ECDSA"
            groups = [group for group in self.groups if group in hello.groups] if hello.groups else list(self.groups)
            if known.key_exchange == "ECDHE" and not groups and not self.any_curve:
                continue
            mine = (0x0403,) if ecdsa else self.schemes
            schemes = [scheme for scheme in mine if scheme in hello.schemes] if version == TLS12 else [None]
            if not schemes and known.key_exchange in ("ECDHE", "DHE"):
                continue
            flight = server_hello(version, suite, extension(0xFF01, b"\0") + extension(23, b""))
            flight += certificates(b"ecdsa leaf" if ecdsa else b"rsa leaf")
            if known.key_exchange == "ECDHE":
                flight += named_curve_keys(groups[0] if groups else X25519, schemes[0])
            elif known.key_exchange == "DHE":
                flight += finite_field_keys(self.prime, schemes[0])
            return flight + hello_done(), CLOSED
        return self.end(self.refusal)


def examine(
    server: t.Callable[[Probe], tuple[bytes, str]],
    uri: str = "tls://server.example:443",
    kit: Kit = KIT,
    full: bool = False,
) -> Examination:
    """Run a whole examination against a model."""
    examination = Examination(endpoints.parse(uri), kit, full)
    for wave in examination.steps():
        for probe in wave:
            if isinstance(probe, Talk):
                continue  # models have no talk of their own
            probe.attempts += 1
            probe.hello.encode(probe.sni)
            data, end = server(probe)
            if end == UNREACHABLE:
                probe.conclude(Outcome(UNREACHABLE, "no connection: Connection refused"))
                continue
            answer = Answer(probe.hello)
            if not (data and answer.feed(data)):
                answer.finish(end)
            probe.conclude(answer.outcome(), answer)
    return examination


def report_of(examination: Examination) -> dict[str, t.Any]:
    report = reports.assemble(examination, "192.0.2.1", "2026-11-21T00:00:00Z", 1.0)
    report["certificates"] = []  # the models have none that could be read
    return report


def verdict_of(examination: Examination) -> str:
    report = report_of(examination)
    return judge.verdict(report, judge.judge_report(report, examination.kit.baseline))


def classes(examination: Examination) -> dict[str, str]:
    """Protocols by class: one letter each, oldest first."""
    return {name: seen["status"] for name, seen in report_of(examination)["protocols"].items()}


def accepted(examination: Examination) -> set[str]:
    return {name for name, status in classes(examination).items() if status == "accepted"}


def refused(examination: Examination) -> set[str]:
    return {name for name, status in classes(examination).items() if status == "refused"}


ALL = set(PROTOCOL.values())
VERSION_SETS = [
    "TLSv1.2 TLSv1.3",
    "TLSv1.2",
    "TLSv1.3",
    "SSLv2",
    "SSLv3",
    "SSLv2 SSLv3",
    "TLSv1.0",
    "TLSv1.1 TLSv1.2",
    "SSLv3 TLSv1.2",
    "TLSv1.0 TLSv1.2",
    "TLSv1.0 TLSv1.2 TLSv1.3",
    "SSLv2 TLSv1.3",
    "SSLv2 SSLv3 TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3",
]
LEGACY_SUITES = (0xC013, 0x002F, 0x000A)


@pytest.mark.parametrize("refusal", [40, 70, 80, 47, CLOSED, RESET], ids=str)
@pytest.mark.parametrize("exact", [False, True], ids=["downwards", "exact"])
@pytest.mark.parametrize("versions", VERSION_SETS)
def test_versions_are_found_whatever_the_server_refuses_by(versions: str, exact: bool, refusal: int | str) -> None:
    """The endpoint lives in every case: what it has not is refused, what it has accepted, nothing is left open."""
    server = Server(versions, GOOD12 + LEGACY_SUITES, version_refusal=refusal, refusal=refusal, exact=exact)
    examination = examine(server)
    assert accepted(examination) == set(versions.split())
    assert refused(examination) == ALL - set(versions.split())


@pytest.mark.parametrize("refusal", [40, 70, 80, CLOSED, RESET], ids=str)
@pytest.mark.parametrize("versions", ["TLSv1.2 TLSv1.3", "TLSv1.2", "TLSv1.3"])
def test_a_server_that_holds_the_baseline_is_compliant(versions: str, refusal: int | str) -> None:
    examination = examine(Server(versions, refusal=refusal, version_refusal=refusal))
    assert verdict_of(examination) == "compliant"
    report = report_of(examination)
    assert report["alive"]
    assert [report[part]["status"] for part in ("suites", "groups")] == ["refused", "refused"]
    if "TLSv1.2" in versions:
        assert report["signatures"]["status"] == "refused"
        assert report["suites"]["selected"]["TLSv1.2"] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


def test_a_usual_verdict_takes_at_most_14_connections() -> None:
    assert examine(Server()).connections == 12
    assert examine(Server("TLSv1.2")).connections <= 12
    assert examine(Server("TLSv1.3")).connections <= 12
    assert examine(Server(version_refusal=80)).connections <= 14  # nginx on OpenSSL 3.0 with TLSv1 enabled
    assert examine(Server(groups=(MLKEM, X25519))).connections == 12
    assert examine(Server("TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3", GOOD12 + LEGACY_SUITES)).connections <= 14


@pytest.mark.parametrize("suite", [s.code for s in suites.all_suites() if s.code in set(KIT.forbidden12)])
def test_every_forbidden_suite_is_found(suite: int) -> None:
    examination = examine(Server(suites12=(*GOOD12, suite)))
    report = report_of(examination)
    assert report["suites"]["status"] == "accepted"
    assert suites.name_of(suite) in {item["suite"] for item in report["suites"]["forbidden"]}
    assert verdict_of(examination) == "non_compliant"


@pytest.mark.parametrize("suite", KIT.forbidden13)
def test_every_forbidden_suite_of_tls13_is_found(suite: int) -> None:
    report = report_of(examine(Server(suites13=(*GOOD13, suite))))
    assert [item["suite"] for item in report["suites"]["forbidden"]] == [suites.name_of(suite)]


@pytest.mark.parametrize("group", KIT.forbidden_curves12)
def test_every_forbidden_curve_is_found(group: int) -> None:
    report = report_of(examine(Server("TLSv1.2", groups=(X25519, group))))
    assert [item["group"] for item in report["groups"]["forbidden"]] == [KIT.group_name(group)]
    assert report["groups"]["status"] == "accepted"


@pytest.mark.parametrize("group", KIT.forbidden_groups13)
def test_every_forbidden_group_of_tls13_is_found(group: int) -> None:
    report = report_of(examine(Server(groups=(X25519, group))))
    assert ("TLSv1.3", KIT.group_name(group)) in {(i["protocol"], i["group"]) for i in report["groups"]["forbidden"]}


@pytest.mark.parametrize("scheme", KIT.forbidden_schemes12)
def test_every_forbidden_scheme_is_found(scheme: int) -> None:
    report = report_of(examine(Server(schemes=(0x0804, scheme))))
    assert [item["scheme"] for item in report["signatures"]["forbidden"]] == [KIT.scheme_name(scheme)]


def test_a_curve_nobody_offered_is_no_acceptance() -> None:
    """Java and wolfSSL answer a hello of foreign curves with a curve of their own."""
    report = report_of(examine(Server(any_curve=True)))
    assert report["groups"]["status"] == "refused"
    assert report["groups"]["forbidden"] == []


def test_a_retry_without_a_group_is_no_acceptance() -> None:
    """wolfSSL says so that no group is common. Asked again with real shares it says the same."""
    examination = examine(Server(bare_retry=True))
    report = report_of(examination)
    assert report["groups"]["status"] == "refused"
    assert report["groups"]["hybrid_pq"] is False
    assert "groups.tls13.reshaped" in {probe.id for probe in examination.probes}


def test_hybrid_groups() -> None:
    assert report_of(examine(Server(groups=(MLKEM, X25519))))["groups"]["hybrid_pq"] == "X25519MLKEM768"
    # A server that likes another group better: the hybrid rides along with the forbidden groups.
    examination = examine(Server(groups=(X25519, MLKEM)))
    assert report_of(examination)["groups"]["hybrid_pq"] == "X25519MLKEM768"
    assert report_of(examination)["groups"]["status"] == "refused"
    assert report_of(examine(Server()))["groups"]["hybrid_pq"] is False
    assert report_of(examine(Server("TLSv1.2")))["groups"]["hybrid_pq"] is False
    # Only that one group: no TLS 1.3 client of older days gets through, ours does.
    only = report_of(examine(Server("TLSv1.3", groups=(MLKEM,))))
    assert only["protocols"]["TLSv1.3"]["status"] == "accepted"
    assert report_of(examine(Server("TLSv1.3", groups=(0x11ED,))))["protocols"]["TLSv1.3"]["status"] == "accepted"


def test_both_certificates_are_seen() -> None:
    server = Server(suites12=(0xC02F, 0xC02B), ecdsa=True)
    examination = examine(server)
    leaves = {
        probe.answer.certificates[0] for probe in examination.probes if probe.answer and probe.answer.certificates
    }
    assert leaves == {b"rsa leaf", b"ecdsa leaf"}
    assert report_of(examination)["signatures"]["status"] == "refused"
    examination = examine(Server(suites12=(0xC02B, 0xC02F), ecdsa=True))
    leaves = {
        probe.answer.certificates[0] for probe in examination.probes if probe.answer and probe.answer.certificates
    }
    assert leaves == {b"rsa leaf", b"ecdsa leaf"}


def test_the_finite_field_of_an_accepted_suite_is_measured() -> None:
    weak = report_of(examine(Server(suites12=(*GOOD12, 0x009E), prime=(1 << 1023) + 1)))
    field = {"bits": 1024, "name": "DH-1024", "protocol": "TLSv1.2", "probe": "suites.tls12.1"}
    assert weak["groups"]["finite_field"] == field
    assert [item["group"] for item in weak["groups"]["forbidden"]] == ["DH-1024"]
    strong = report_of(examine(Server(suites12=(*GOOD12, 0x009E), prime=(1 << 2047) + 1)))
    assert strong["groups"]["forbidden"] == []
    assert strong["groups"]["finite_field"]["bits"] == 2048
    assert strong["suites"]["status"] == "accepted"


# --- what must stay open ----------------------------------------------------------------------------------------------


class Limiter:
    """Lets so many connections through to a server, and ends all others in its own way."""

    def __init__(self, server: Server, connections: int, how: int | str) -> None:
        self.server, self.left, self.how = server, connections, how

    def __call__(self, probe: Probe) -> tuple[bytes, str]:
        self.left -= 1
        return self.server(probe) if self.left >= 0 else self.server.end(self.how)


@pytest.mark.parametrize("how", [CLOSED, RESET, TIMEOUT, UNREACHABLE])
@pytest.mark.parametrize("connections", range(2, 13))
def test_a_limiter_never_makes_a_weak_server_compliant(connections: int, how: str) -> None:
    """The forbidden suite would have shown in the last but some probe: whatever is cut off stays open."""
    for server in (Server(), Server(suites12=(*GOOD12, 0x000A)), Server("TLSv1.0 TLSv1.2", GOOD12 + LEGACY_SUITES)):
        examination = examine(Limiter(server, connections, how))
        weak = server.suites12 != GOOD12
        verdict = verdict_of(examination)
        assert verdict in (("non_compliant", "indeterminate") if weak else ("compliant", "indeterminate"))
        if connections < 12 and not weak:
            assert verdict == "indeterminate"


@pytest.mark.parametrize("how", [CLOSED, RESET])
def test_a_limiter_that_opens_again_never_makes_a_weak_server_compliant(how: str) -> None:
    """Wherever it begins and however long it lasts: what was cut off in both shapes is not refused for it."""
    weak = Server(suites12=(*GOOD12, 0x000A))

    for first in range(2, 20):
        for length in range(1, 20):
            count = iter(range(1000))

            def limited(probe: Probe, begin: int = first, end: int = first + length) -> tuple[bytes, str]:
                return (b"", how) if begin <= next(count) < end else weak(probe)  # noqa: B023  used up in this round

            assert verdict_of(examine(limited)) in ("non_compliant", "indeterminate"), (first, length)


@pytest.mark.parametrize("how", [CLOSED, RESET])
@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("first", range(2, 12))
def test_what_was_cut_off_is_asked_again_when_the_endpoint_is_back(first: int, length: int, how: str) -> None:
    """A refusal in words proves, whatever came of the same question before."""
    good, count = Server(), iter(range(1000))

    def closing(probe: Probe) -> tuple[bytes, str]:
        return good.end(how) if first <= next(count) < first + length else good(probe)

    assert verdict_of(examine(closing)) == "compliant"


@pytest.mark.parametrize(("served", "dropped"), [(n, m) for n in range(2, 16) for m in range(1, n + 1)])
def test_an_endpoint_that_drops_up_to_every_other_connection(served: int, dropped: int) -> None:
    weak = Server(suites12=(*GOOD12, 0x000A))
    count = iter(range(1000))

    def leaky(probe: Probe) -> tuple[bytes, str]:
        return (b"", CLOSED) if next(count) % (served + dropped) >= served else weak(probe)

    assert verdict_of(examine(leaky)) in ("non_compliant", "indeterminate")


@pytest.mark.parametrize("how", [CLOSED, RESET, TIMEOUT])
def test_silence_to_everything_proves_nothing(how: str) -> None:
    examination = examine(lambda probe: (b"", how))
    assert set(classes(examination).values()) == {"indeterminate"}
    assert verdict_of(examination) == "indeterminate"


@pytest.mark.parametrize("code", [40, 70, 80, 112])
def test_an_alert_to_everything_proves_nothing(code: int) -> None:
    """A name-only virtual host scanned by address, for example: no hello ever gets through."""
    examination = examine(lambda probe: (alert(code), CLOSED), "tls://192.0.2.1:443")
    assert set(classes(examination).values()) == {"indeterminate"}
    assert verdict_of(examination) == "indeterminate"


def test_silence_to_what_is_forbidden_is_not_refusal() -> None:
    examination = examine(Server(refusal=TIMEOUT, version_refusal=TIMEOUT))
    assert accepted(examination) == {"TLSv1.2", "TLSv1.3"}
    assert refused(examination) == set()
    assert verdict_of(examination) == "indeterminate"


def test_a_soft_refusal_counts_only_between_two_controls() -> None:
    server = Server(version_refusal=CLOSED)
    calls = {"n": 0}

    def dying(probe: Probe) -> tuple[bytes, str]:
        calls["n"] += 1
        return (b"", CLOSED) if probe.id == "control.last" else server(probe)

    examination = examine(dying)
    assert classes(examination)["TLSv1.1"] == "indeterminate"
    assert "succeeded afterwards" in report_of(examination)["protocols"]["TLSv1.1"]["detail"]
    assert classes(examine(server))["TLSv1.1"] == "refused"


def test_a_server_that_dislikes_one_shape_is_asked_in_another() -> None:
    """Refusals of a hello's shape must not hide what another shape shows."""
    server = Server("TLSv1.1 TLSv1.2", GOOD12 + LEGACY_SUITES)

    def picky(probe: Probe) -> tuple[bytes, str]:
        if probe.hello.top == TLS11 and not probe.hello.slim:
            return b"", CLOSED
        return server(probe)

    assert "TLSv1.1" in accepted(examine(picky))


def test_a_stack_that_refuses_the_shape_of_all_our_hellos_below_tls13() -> None:
    """As wolfSSL did with SCSV and extension together: alert 40 to a shape never accepted is no proof."""
    server = Server(suites12=(*GOOD12, 0x000A))

    def picky(probe: Probe) -> tuple[bytes, str]:
        old = probe.hello.top not in (SSL2, TLS13)
        return (alert(40), CLOSED) if old and not probe.hello.slim and not probe.hello.bare else server(probe)

    examination = examine(picky)
    assert {"TLSv1.2", "TLSv1.3"} <= accepted(examination)
    assert verdict_of(examination) == "non_compliant"


def test_only_the_hello_of_its_own_time_is_answered() -> None:
    """Old servers that go silent when a hello of a newer version comes."""
    server = Server("SSLv3 TLSv1.0", LEGACY_SUITES)

    def intolerant(probe: Probe) -> tuple[bytes, str]:
        return server(probe) if probe.hello.top in (SSL3, TLS10) else (b"", TIMEOUT)

    examination = examine(intolerant)
    assert accepted(examination) == {"SSLv3", "TLSv1.0"}
    assert verdict_of(examination) == "non_compliant"


def test_a_server_without_names_is_asked_again_with_one() -> None:
    server = Server("SSLv3 TLSv1.2 TLSv1.3", GOOD12 + LEGACY_SUITES)

    def named_only(probe: Probe) -> tuple[bytes, str]:
        nameless = probe.sni is None or probe.hello.bare
        return (alert(112), CLOSED) if nameless and probe.hello.top != SSL2 else server(probe)

    examination = examine(named_only)
    assert "SSLv3" in accepted(examination)


def test_sslv2_error_and_sslv2_only() -> None:
    server = Server()
    examination = examine(lambda probe: (SSL2_ERROR, CLOSED) if probe.hello.top == SSL2 else server(probe))
    assert classes(examination)["SSLv2"] == "refused"
    report = report_of(examine(Server("SSLv2")))
    assert report["protocols"]["SSLv2"]["status"] == "accepted"
    assert report["suites"]["forbidden"][0]["suite"] == "SSL_CK_RC4_128_WITH_MD5"
    assert not report["alive"]


def test_plaintext_is_said_at_once() -> None:
    examination = examine(lambda probe: (b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSED))
    report = report_of(examination)
    assert examination.connections == 2
    assert report["plaintext"]["banner"] == "HTTP/1.1 400 Bad Request"
    assert report["protocols"] == {}
    assert verdict_of(examination) == "non_compliant"


def test_nobody_there() -> None:
    examination = examine(lambda probe: (b"", UNREACHABLE))
    report = report_of(examination)
    assert (report["reachable"], examination.connections) == (False, 2)
    assert report["reason"] == "no connection: Connection refused"
    assert verdict_of(examination) == "unreachable"


def test_an_answer_that_is_neither_tls_nor_text_proves_nothing() -> None:
    examination = examine(lambda probe: (b"J\0\0\0\x0a8.0.36", CLOSED))
    assert verdict_of(examination) == "indeterminate"


def test_a_lost_answer_is_asked_for_again() -> None:
    server = Server()
    lost = {"tls10", "suites.tls12.1", "groups.tls13"}

    def lossy(probe: Probe) -> tuple[bytes, str]:
        return (b"", TIMEOUT) if probe.id in lost else server(probe)

    examination = examine(lossy)
    assert verdict_of(examination) == "compliant"
    assert {f"{name}.again" for name in lost} <= {probe.id for probe in examination.probes}


def test_the_older_version_chosen_says_that_the_newer_one_is_missing() -> None:
    report = report_of(examine(Server("TLSv1.0", GOOD12 + LEGACY_SUITES)))
    assert report["protocols"]["TLSv1.1"]["status"] == "refused"
    assert report["protocols"]["TLSv1.2"]["status"] == "refused"


def test_profile_without_tls12() -> None:
    kit = Kit(model.load("modern"))
    examination = examine(Server("TLSv1.3", schemes=(0x0403,)), kit=kit)
    assert verdict_of(examination) == "compliant"
    assert verdict_of(examine(Server(), kit=kit)) == "non_compliant"
    assert not report_of(examine(Server("TLSv1.2"), kit=kit))["alive"]


def test_a_probe_has_one_name() -> None:
    for server in (Server(), Server(version_refusal=CLOSED, refusal=CLOSED), Server("TLSv1.0", LEGACY_SUITES)):
        names = [probe.id for probe in examine(server, full=True).probes]
        assert len(names) == len(set(names))


# --- full detail ------------------------------------------------------------------------------------------------------


def test_a_full_examination_lists_everything_in_the_servers_order() -> None:
    order = (0xC030, 0x000A, 0xC02F, 0x002F, 0x0005, 0xC013)
    server = Server("TLSv1.0 TLSv1.2", order, groups=(SECP256R1, X25519, SECP224R1), schemes=(0x0401, 0x0804, 0x0201))
    report = report_of(examine(server, full=True))
    assert report["suites"]["accepted"]["TLSv1.2"] == [suites.name_of(code) for code in order]
    assert report["suites"]["order"]["TLSv1.2"] == "server"
    assert set(report["suites"]["accepted"]["TLSv1.0"]) == {suites.name_of(code) for code in order}
    assert report["groups"]["accepted"]["TLSv1.2"] == ["secp256r1", "x25519", "secp224r1"]
    assert report["signatures"]["accepted"]["TLSv1.2"] == ["rsa_pkcs1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha1"]
    assert report["suites"]["incomplete"] == []


def test_a_client_order_is_told_as_one() -> None:
    server = Server("TLSv1.2")
    by_client = Server("TLSv1.2")

    def follows_client(probe: Probe) -> tuple[bytes, str]:
        by_client.suites12 = tuple(code for code in probe.hello.suites if code in server.suites12)
        return by_client(probe)

    report = report_of(examine(follows_client, full=True))
    assert report["suites"]["order"]["TLSv1.2"] == "client"
    assert set(report["suites"]["accepted"]["TLSv1.2"]) == {suites.name_of(code) for code in GOOD12}


def test_a_list_that_may_be_incomplete_says_so() -> None:
    server = Server("TLSv1.2")

    def tired(probe: Probe) -> tuple[bytes, str]:
        return (b"", TIMEOUT) if probe.id.startswith("survey.groups") else server(probe)

    report = report_of(examine(tired, full=True))
    assert report["groups"]["incomplete"] == ["TLSv1.2"]


def test_fallback_scsv() -> None:
    server = Server()

    def aware(probe: Probe) -> tuple[bytes, str]:
        return (alert(86), CLOSED) if 0x5600 in probe.hello.suites else server(probe)

    assert report_of(examine(aware, full=True))["features"]["fallback_scsv"] is True
    assert report_of(examine(server, full=True))["features"]["fallback_scsv"] is False
    assert report_of(examine(server))["features"]["fallback_scsv"] is None


def test_statuses_are_those_of_the_contract() -> None:
    statuses = {"accepted", "refused", INDETERMINATE, PLAINTEXT, UNREACHABLE, "soft_refusal"}
    for server in (Server(), Server(version_refusal=CLOSED), Limiter(Server(), 5, TIMEOUT)):
        assert {probe["outcome"] for probe in report_of(examine(server))["probes"]} <= statuses
